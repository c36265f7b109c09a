import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { knocking } from '../support/talking.ts'
import { fetchUfw, ufwOn } from '../support/ufw.ts'

/** With ufw itself: our accepts in its before.rules, what leaves packets untracked by a unit of our own, and neither twice. */

const able = canRunLab()
const PORT_80 = ['--strategy', 'notrack', '--ports', '80', '--format', 'json']
const BEFORE = ['/etc/ufw/before.rules', '/etc/ufw/before6.rules']
const UNIT = '/etc/systemd/system/multi-user.target.wants/ctfleet-notrack.service'

/** An accept that asks for a state, by its administrator's hand. */
const STATEFUL = `sed -i '/^# allow MULTICAST mDNS/i -A ufw-before-input -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT' /etc/ufw/before.rules
sed -i '/^# allow MULTICAST mDNS/i -A ufw6-before-input -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT' /etc/ufw/before6.rules`
const LEGACY = `for family in iptables ip6tables; do
  for tool in '' -save -restore; do ln -sfn /usr/sbin/$family-legacy$tool /etc/alternatives/$family$tool; done
done`

const HOSTS: { readonly [host: string]: { readonly ufw: readonly string[]; readonly twins: RegExp } } = {
  'open-1': {
    ufw: ['ufw default deny incoming', 'ufw allow 22', 'ufw allow 80', 'ufw allow 443'],
    twins: /^-A ufw6?-before-input -p (ipv6-)?icmp .*--ctstate INVALID .*ctfleet:notrack/m,
  },
  'open-2': {
    ufw: [LEGACY, STATEFUL, 'ufw default deny incoming', 'ufw default deny outgoing', 'ufw allow 22', 'ufw allow 443'],
    twins: /^-A ufw6?-before-(in|out)put .*port 80 .*--ctstate UNTRACKED .*ctfleet:notrack/m,
  },
}
const AFTER = [
  "sed -i '/^# End required lines/a -A ufw-after-input -p tcp -m tcp --dport 80 -m conntrack --ctstate NEW -j ACCEPT' /etc/ufw/after.rules",
  'ufw allow 22',
]

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }
let ufw: Awaited<ReturnType<typeof fetchUfw>>
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  ufw = await fetchUfw()
  if ('why' in ufw) return
  lab = await startLab({ hosts: [...Object.keys(HOSTS), 'open-3'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  for (const host of lab.hosts) {
    await ufwOn(host, ufw, HOSTS[host.name]?.ufw ?? AFTER)
    await asSystemd(host)
  }
}, 300_000)
afterAll(async () => {
  await lab?.down()
  await ufw?.[Symbol.asyncDispose]()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
  if ('why' in ufw) context.skip(ufw.why)
})

test('rules hold over a reload and a restart, and come out again byte for byte', { timeout: 400_000 }, async () => {
  const names = Object.keys(HOSTS)
  const only = ['--limit', names.join(',')]
  const hosts = names.map((name) => lab.host(name))
  const all = <T>(work: (host: NamespaceHost) => Promise<T>) => Promise.all(hosts.map(work))
  const dumps = () => all((host) => host.dump())
  const before = await dumps()

  const applied = await ctfleet(
    ['apply', ...PORT_80, ...only, '--waves', '100%', '--yes', '--accept-session-loss'],
    env,
  )
  for (const { status, notes } of hostsIn(applied)) {
    expect(status, applied.stdout).toBe('applied')
    expect(notes).toContain(
      `After a reboot ufw loads these accepts from ${BEFORE.join(' and ')}, and a unit of our own, ctfleet-notrack.service, puts the rules for raw in place`,
    )
  }
  const after = await dumps()
  for (const host of hosts) {
    for (const path of BEFORE) {
      const { stdout } = await host.exec(['cat', path])
      expect(stdout).toMatch(HOSTS[host.name]?.twins ?? /^$/)
      expect(stdout).not.toContain('*raw')
    }
  }
  await all(answers)

  for (let time = 1; time <= 2; time += 1) {
    for (const reloaded of await all((host) => host.exec('ufw reload'))) {
      expect(reloaded, reloaded.stderr).toMatchObject({ code: 0, stdout: 'Firewall reloaded\n' })
    }
    expect((await dumps()).map(rulesIn)).toEqual(after.map(rulesIn))
    await all(answers)
  }

  await all(restarted)
  expect(await dumps()).toEqual(after)
  await all(answers)
  const again = await ctfleet(['plan', ...PORT_80, ...only], env)
  for (const { status } of hostsIn(again)) expect(status, again.stdout).toBe('already-right')

  const back = await ctfleet(['rollback', 'last', '--yes', '--format', 'json'], env)
  for (const { status } of hostsIn(back)) expect(status, back.stdout).toBe('rolled-back')
  expect(await dumps()).toEqual(before)
  await all(restarted)
  expect(await dumps()).toEqual(before)
  await all(answers)
})

test('where an accept is needed among the rules of its other files nothing is written, and the plan says why', async () => {
  const planned = await ctfleet(['plan', ...PORT_80, '--limit', 'open-3'], env)
  const [open] = hostsIn(planned)
  expect(open?.status, planned.stdout).toBe('planned')
  expect(open?.notes.join('\n')).toMatch(
    /last until the next reboot, because an accept is needed in chain ufw-after-input, which ufw fills from elsewhere/,
  )
  expect(open?.changes.map(({ phase }) => phase)).not.toContain('persist')
})

/** What shows that systemd runs; here it is we who start what it would. */
async function asSystemd(host: NamespaceHost): Promise<void> {
  await host.exec('mkdir -p /run/systemd/system')
}

/** A restart, with what systemd would do then: ufw's unit, then ours, where they are. */
async function restarted(host: NamespaceHost): Promise<void> {
  await host.reboot()
  await asSystemd(host)
  const started = await host.exec(`set -e
/lib/ufw/ufw-init start quiet
if [ -e ${UNIT} ]; then $(sed -n s/^ExecStart=//p ${UNIT}); fi`)
  expect(started, started.stderr).toMatchObject({ code: 0 })
}

async function answers({ address, address6 }: NamespaceHost): Promise<void> {
  for (const each of [address, address6 ?? address]) {
    await using user = knocking(each, 80)
    await user.goOn()
  }
}

type HostSaid = {
  readonly status: string
  readonly notes: readonly string[]
  readonly changes: readonly { readonly phase: string }[]
}

function hostsIn({ stdout, stderr }: Said): readonly HostSaid[] {
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout).hosts
}

/** What is in the kernel, without files. */
function rulesIn(dump: string): string {
  return dump.slice(0, dump.indexOf('@@ etc'))
}
