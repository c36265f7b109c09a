import { spawn } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { running, standsStill } from '../crash/watch.ts'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { programWords } from '../support/program.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'
import { UDP, UDP_PLAYBOOK } from '../support/udp-playbook.ts'

/** The session of whoever changes a host dies, in every way and at several moments; nobody has to be there for the host. */

const able = canRunLab()
const screens = canOpenScreen()
/** The shortest that may be asked for, in seconds. */
const CONFIRM_WITHIN = '10s'

type Death = {
  readonly name: string
  /** The word of the host's journal at which it happens. */
  readonly at: 'armed' | 'applied' | 'confirmed'
  readonly how: 'terminal closed' | 'told to end' | 'told to end twice' | 'killed' | 'network gone'
}

const DEATHS: readonly Death[] = (['armed', 'applied', 'confirmed'] as const).flatMap((at) =>
  (['terminal closed', 'told to end', 'told to end twice', 'killed', 'network gone'] as const).map((how) => ({
    name: `${how} at ${at}`,
    at,
    how,
  })),
)

let lab: Lab
let dir: string
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  await writeFile(join(dir, 'udp.yaml'), UDP_PLAYBOOK)
  lab = await startLab({ hosts: DEATHS.map((_, index) => `web-${index + 1}`) })
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
  if (!screens.ok) context.skip(screens.why)
})

test('whenever the session dies, the host is exactly before or exactly after, and the record says which', async () => {
  const met: string[] = []
  // A few at a time: what is tested is no race against a machine that is too busy to log in.
  const queue = DEATHS.entries()
  const worker = async () => {
    for (const [index, death] of queue) met.push(await dies(lab.host(`web-${index + 1}`), death))
  }
  await Promise.all([worker(), worker(), worker()])
  process.stdout.write(`${met.toSorted().join('\n')}\n`)
  expect(met).toHaveLength(DEATHS.length)
}, 600_000)

/** @returns what it came to, in words. */
async function dies(there: NamespaceHost, death: Death): Promise<string> {
  const home = join(dir, there.name)
  await mkdir(home)
  const env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(home, 'state') }
  const plan = join(home, 'plan.json')
  const before = await there.dump()
  const words = ['--strategy', join(dir, 'udp.yaml'), '--limit', there.name, '-o', plan]
  const planned = await ctfleet(['plan', ...words], env)
  expect(planned.code, planned.stderr).toBe(0)

  const end = await begun(death, ['apply', plan, '--yes', '--confirm-within', CONFIRM_WITHIN], { home, env })
  const transaction = await saidOn(there, death.at)
  if (death.how === 'network gone') {
    await there.cut()
    // Longer than the window: until nothing of it moves any more.
    expect(await standsStill(transaction, 60)).toBe(true)
    await there.mend()
  } else await end()
  const left = await poll(() => (running(plan).length === 0 ? true : undefined), { everyMs: 100, timeoutSeconds: 150 })
  expect(left, `${death.name}: the program never ended`).toBe(true)
  expect(await standsStill(transaction, 60), `${death.name}: the host never came to rest`).toBe(true)

  // Before anybody asks: the host needs nobody.
  const value = (await there.exec(`cat ${UDP}`)).stdout.trim()
  const after = value === '17'
  const bare = (dump: string) => dump.split('@@ ctfleet')[0]
  const state = bare(await there.dump())
  expect((await there.exec('ls -d /var/lib/ctfleet/lock')).code, death.name).not.toBe(0)
  expect(state === bare(before), death.name).toBe(!after)
  expect((await there.exec('ls /etc/sysctl.d')).stdout.includes('90-udp.conf'), death.name).toBe(after)

  const resumed = await ctfleet(['resume', 'last'], env)
  expect(bare(await there.dump()), death.name).toBe(state)
  const { stdout } = await ctfleet(['show', 'last', '--format', 'json'], env)
  const { hosts } = JSON.parse(stdout) as { readonly hosts: readonly { readonly status: string }[] }
  const told = hosts.map(({ status }) => status)
  expect(told, `${death.name}\n${resumed.stdout}${resumed.stderr}`).toEqual([after ? 'applied' : 'rolled-back'])
  return `${death.name}: ${after ? 'after' : 'before'}`
}

/** Begins the program and returns what ends its session. */
async function begun(
  { how }: Death,
  words: readonly string[],
  { home, env }: { readonly home: string; readonly env: { readonly [name: string]: string } },
): Promise<() => Promise<void>> {
  if (how === 'terminal closed') {
    const screen = await openScreen({ dir: home, columns: 80 }, env)
    await screen.until(/\$/)
    await screen.type([...programWords(), ...words].join(' '))
    return async () => await screen[Symbol.asyncDispose]()
  }
  const [node, program] = programWords()
  const child = spawn(node, [program, ...words], {
    stdio: 'ignore',
    detached: true,
    env: { ...process.env, ...env },
  })
  const pid = child.pid ?? 0
  const signal = (name: NodeJS.Signals) => {
    try {
      process.kill(-pid, name)
    } catch {
      // It has ended already.
    }
  }
  return async () => {
    signal(how === 'killed' ? 'SIGKILL' : 'SIGTERM')
    await new Promise((done) => setTimeout(done, 50))
    if (how === 'told to end twice') signal('SIGTERM')
  }
}

/** Waits until the host's one transaction has said a word, and returns its name. */
async function saidOn(there: NamespaceHost, word: string): Promise<string> {
  const root = `/proc/${await there.pid()}/root/var/lib/ctfleet`
  const said = async () => {
    const name = (await there.exec('ls /var/lib/ctfleet 2> /dev/null')).stdout.match(/^[0-9a-f]{10}$/m)?.[0]
    if (name === undefined) return undefined
    const journal = await readFile(`${root}/${name}/journal`, 'utf8').catch(() => '')
    return new RegExp(`^\\d+ ${word}\\b`, 'm').test(journal) ? name : undefined
  }
  const name = await poll(said, { everyMs: 20, timeoutSeconds: 90 })
  if (name === undefined) throw new Error(`${there.name} never said ${word}`)
  return name
}
