import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { bootedBy } from '../support/boots.ts'

/** The main job on six real sshd hosts that it starts itself: `npm run demo`. */

const MAIN = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))
const HOSTS = ['web-1', 'gateway-1', 'docker-1', 'legacy-1', 'sudo-1', 'healthy-1'] as const
/** Those whose rules are in files, as Debian's package keeps them. */
const IN_FILES = ['web-1', 'sudo-1', 'healthy-1'] as const

async function main(): Promise<number> {
  const able = canRunLab()
  if (!able.ok) {
    say(`The demo cannot run here: ${able.why}. It needs Linux, root and Debian's packages.`)
    return 1
  }
  const dir = await mkdtemp(join(tmpdir(), 'ctfleet-demo-'))
  try {
    heading('Six hosts, each in a network namespace with a real sshd and rules of its own')
    await using lab = await startLab({ hosts: HOSTS, dir: join(dir, 'lab'), say })
    for (const name of IN_FILES) await bootedBy(lab.host(name), 'netfilter-persistent')
    say(lab.hosts.map(({ name, user, address }) => `  ${name.padEnd(10)} ${user}@${address}`).join('\n'))
    return await story(lab, join(dir, 'state'))
  } finally {
    await rm(dir, { recursive: true, force: true })
  }
}

async function story(lab: Lab, state: string): Promise<number> {
  const web = lab.host('web-1')
  const ctfleet = (...words: readonly string[]) => run(words, { lab, state })

  heading('web-1 gets more flows to its port 443 than its table is good for')
  const { count, max } = await web.fill({ percent: 95, port: 443 })
  say(`  nf_conntrack_count is ${count} of nf_conntrack_max ${max}`)
  const before = await web.dump()

  heading('What should be done, host by host? Nothing is changed by asking.')
  const planned = await ctfleet('plan')

  heading('Do it, as one transaction that takes itself back unless we can still log in and all is well')
  const applied = await ctfleet('apply', '--yes')
  await showTable(web)

  heading('Once more: there is nothing left to do')
  const again = await ctfleet('apply', '--limit', 'web-1', '--strategy', 'notrack', '--ports', '443', '--yes')

  heading('And back: the host is as it was, and nothing of ours stays on it')
  const rolledBack = await ctfleet('rollback', 'last', '--yes')
  const after = await web.dump()
  const same = before === after
  say(same ? '  rules, settings and files of web-1 are equal to those before' : '  web-1 is NOT as it was before')
  await ctfleet('runs')
  return [planned, applied, again, rolledBack].every((code) => code === 0) && same ? 0 : 1
}

async function showTable(web: LabHost): Promise<void> {
  const read = await web.exec(
    'cat /proc/sys/net/netfilter/nf_conntrack_count; iptables-save -t raw | grep -e "^-A"; ls /var/lib/ctfleet',
  )
  const [entries, ...rows] = read.stdout.trimEnd().split('\n')
  say(`\non web-1: ${entries} entries in the table; its raw table and /var/lib/ctfleet:`)
  say(rows.map((row) => `  ${row}`).join('\n'))
}

/** Runs the program as a person would, on this terminal. */
async function run(words: readonly string[], at: { readonly lab: Lab; readonly state: string }): Promise<number> {
  const inventory = { CTFLEET_INVENTORY: at.lab.inventoryPath, CTFLEET_STATE: at.state }
  say(`$ ctfleet ${words.join(' ')}`)
  const child = spawn(process.execPath, ['--import', 'tsx', MAIN, ...words], {
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { ...process.env, ...inventory },
  })
  return await new Promise((resolve) => {
    child.once('close', (code) => resolve(code ?? 1))
  })
}

function heading(text: string): void {
  say(`\n== ${text}\n`)
}

function say(text: string): void {
  process.stdout.write(`${text}\n`)
}

process.exitCode = await main()
