import { spawn } from 'node:child_process'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { run } from '../lab/command.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { fetchPackage, type Package, unpackOn } from '../support/debian-package.ts'

/** Every way to become root, all hosts in one run; and the password shows up nowhere but where it is asked for. */

const PASSWORD = 'correct-horse-73'

/** What is typed for a host in the inventory, and what is done to it as root. */
type Way = { readonly vars: Readonly<Record<string, unknown>>; readonly made: string; readonly shell?: string }

const SUDO = { ansible_become: true }
const LOGGED = `echo 'Defaults logfile=/var/log/sudo.log' >> /etc/sudoers`

const GOOD: Readonly<Record<string, Way>> = {
  'sudo-1': { vars: SUDO, made: `echo 'Defaults requiretty' >> /etc/sudoers` },
  'askpass-1': { vars: SUDO, made: LOGGED },
  'askpass-2': { vars: SUDO, made: `echo 'Defaults requiretty, use_pty' >> /etc/sudoers`, shell: '/bin/tcsh' },
  'askpass-3': { vars: { ...SUDO, ansible_become_method: 'su' }, made: 'rm /usr/bin/sudo', shell: '/usr/bin/fish' },
}
const DOAS: Readonly<Record<string, Way>> = {
  'askpass-4': {
    vars: { ...SUDO, ansible_become_method: 'doas' },
    made: 'echo permit ops > /etc/doas.conf; rm /usr/bin/sudo',
  },
}
const BAD: Readonly<Record<string, Way>> = {
  'askpass-5': { vars: { ...SUDO, ansible_become_password: 'wrong' }, made: LOGGED },
  'askpass-6': {
    vars: { ...SUDO, ansible_become_user: 'ops2' },
    made: 'echo ops2:x:1901:1900::/:/bin/sh >> /etc/passwd',
  },
  'askpass-7': { vars: {}, made: ':' },
  'askpass-8': { vars: SUDO, made: 'rm /usr/bin/sudo' },
}

const able = canRunLab()
let lab: Lab
let dir: string
let doas: Package & Partial<AsyncDisposable>
let ways: Readonly<Record<string, Way>>
let env: { readonly [name: string]: string }
/** Whether root was had, by host, or why not. */
let seen: { readonly [host: string]: unknown } = {}

beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-privilege-'))
  doas = await fetchPackage('opendoas')
  ways = { ...GOOD, ...('deb' in doas ? DOAS : {}), ...BAD }
  lab = await startLab({ hosts: Object.keys(ways) })
  await Promise.all(Object.entries(ways).map(async ([name, way]) => await make(lab.host(name), way)))
  const vars = {
    ansible_user: 'ops',
    ansible_ssh_private_key_file: `${lab.dir}/id_ed25519`,
    ansible_ssh_common_args: `-o UserKnownHostsFile=${lab.dir}/known_hosts`,
  }
  const hosts = Object.entries(ways).map(([name, way]) => [name, { ansible_host: lab.host(name).address, ...way.vars }])
  // Strings of JSON are YAML.
  await writeFile(join(dir, 'inventory.yaml'), JSON.stringify({ all: { vars, hosts: Object.fromEntries(hosts) } }))
  await writeFile(join(dir, 'password'), `${PASSWORD}\n`, { mode: 0o600 })
  env = { CTFLEET_STATE: join(dir, 'state'), CTFLEET_INVENTORY: join(dir, 'inventory.yaml') }
})
afterAll(async () => {
  await lab?.down()
  await doas?.[Symbol.asyncDispose]?.()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('facts of all: as root where that can be had, else what anybody may read, and why', async () => {
  const read = await ctfleet(['facts', '--format', 'json', '--become-pass-from', join(dir, 'password')], env)
  expect(read.code, read.stderr).toBe(0)
  const { hosts } = JSON.parse(read.stdout) as { hosts: readonly Read[] }
  seen = Object.fromEntries(
    hosts.map(({ host, facts, notRoot }) => [host, notRoot?.message ?? facts.privilege.root.value]),
  )
  expect(seen).toEqual({
    ...Object.fromEntries(good().map((name) => [name, true])),
    'askpass-5': expect.stringContaining('the password of ops was not accepted by sudo'),
    'askpass-6': expect.stringContaining('sudo makes ops ops2, who is not root there'),
    'askpass-7': expect.stringContaining('no way to become root is set'),
    'askpass-8': expect.stringContaining('sudo is not there'),
  })
  for (const { facts } of hosts) expect(facts.conntrack.max).toMatchObject({ known: true })
})

test.for([
  ['doas', 'askpass-4'],
  ['tcsh', 'askpass-2'],
  ['fish', 'askpass-3'],
] as const)('%s was among them', async ([what, name], context) => {
  const way: Way | undefined = { ...GOOD, ...DOAS }[name]
  if (what === 'doas' && 'why' in doas) return context.skip(doas.why)
  if (way?.shell !== undefined && !existsSync(way.shell)) return context.skip(`needs ${way.shell}: apt install ${what}`)
  expect(seen[name]).toBe(true)
  const { stdout } = await lab.host(name).exec(what === 'doas' ? 'command -v doas' : 'grep ^ops: /etc/passwd')
  expect(stdout).toContain(way?.shell ?? '/doas')
})

test('all that can be are changed and taken back, and no process, file or word ever holds the password', async () => {
  const words = ['--strategy', 'notrack', '--ports', '80', '--max-fail', '100%', '--waves', '100%', '--format', 'json']
  const password = ['--become-pass-from', join(dir, 'password')]
  const before = await dumps()
  await using watch = watchProcesses()
  const applied = await ctfleet(['apply', '--yes', ...words, ...password], env)
  const { hosts } = JSON.parse(applied.stdout) as { hosts: readonly Ended[] }
  const ended = Object.fromEntries(hosts.map(({ host, status, fault }) => [host, fault?.code ?? status]))
  expect(ended, applied.stderr).toEqual({
    ...Object.fromEntries(good().map((name) => [name, 'applied'])),
    ...Object.fromEntries(Object.keys(BAD).map((name) => [name, 'no-privilege'])),
  })
  const back = await ctfleet(['rollback', 'last', '--yes', ...password], env)
  expect(back.code, back.stdout + back.stderr).toBe(0)
  expect(await dumps()).toEqual(before)

  // The wrong one was told once by each of the two programs that have used it so far, and never by rollback.
  const attempts = await lab.host('askpass-5').exec('grep -c "incorrect password" /var/log/sudo.log')
  expect(attempts.stdout).toBe('2\n')
  for (const said of [applied, back]) expect(said.stdout + said.stderr).not.toContain(PASSWORD)
  expect(await watch.found()).toEqual([`environ: TOLD=${PASSWORD} `])
  const places = await Promise.all(
    lab.hosts.map(async (host) =>
      ['home', 'root', 'run', 'tmp', 'var/log', 'var/lib/ctfleet', 'var/tmp'].map((at) => [host, at] as const),
    ),
  )
  const roots = await Promise.all(places.flat().map(async ([host, at]) => `/proc/${await host.pid()}/root/${at}`))
  const held = await run(['grep', '-rslF', '-f', join(dir, 'password'), dir, ...roots])
  expect(held.stdout).toBe(`${dir}/password\n`)
})

type Known<T> = { readonly known: boolean; readonly value?: T }
type Read = {
  readonly host: string
  readonly facts: {
    readonly privilege: { readonly root: Known<boolean> }
    readonly conntrack: { readonly max: Known<number> }
  }
  readonly notRoot?: { readonly message: string }
}
type Ended = { readonly host: string; readonly status: string; readonly fault?: { readonly code: string } }

function good(): readonly string[] {
  return Object.keys(ways).filter((name) => !(name in BAD))
}

async function dumps(): Promise<readonly string[]> {
  return await Promise.all(good().map(async (name) => await lab.host(name).dump()))
}

async function make(host: NamespaceHost, { made, shell }: Way): Promise<void> {
  if (host.name in DOAS && 'deb' in doas) await unpackOn(host, doas)
  const shells = shell !== undefined && existsSync(shell) ? `; chsh -s ${shell} ops; chsh -s ${shell} root` : ''
  const done = await host.exec(`set -e; ${made}${shells}`)
  if (done.code !== 0) throw new Error(`${host.name}: ${done.stderr}`)
  const told = await host.exec(['chpasswd'], { input: `ops:${PASSWORD}\nroot:${PASSWORD}\n` })
  if (told.code !== 0) throw new Error(`${host.name}: ${told.stderr}`)
}

/** Reads what every process of this machine was called with, those of the lab's hosts among them, over and over. */
function watchProcesses(): AsyncDisposable & { found(): Promise<readonly string[]> } {
  const found = new Set<string>()
  // It would be seen: one process is told so.
  const told = spawn('sleep', ['300'], { env: { TOLD: PASSWORD }, stdio: 'ignore' })
  let goOn = true
  const look = () => {
    for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
      for (const part of ['cmdline', 'environ']) {
        const text = textOf(`/proc/${pid}/${part}`)
        if (text.includes(PASSWORD)) found.add(`${part}: ${text.replaceAll('\0', ' ')}`)
      }
    }
  }
  const looking = (async () => {
    for (; goOn; await sleep(60)) look()
  })()
  const stop = async () => {
    goOn = false
    await looking
    told.kill()
  }
  return {
    async found() {
      await stop()
      return [...found]
    },
    [Symbol.asyncDispose]: stop,
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1')
  } catch {
    return '' // It has ended.
  }
}
