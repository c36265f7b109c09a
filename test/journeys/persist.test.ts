import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Plan } from '../../src/model/plan.ts'
import { resumeHost } from '../../src/run/resume-host.ts'
import { canRunLab, type Lab, type LabHost, type LabVm, type NamespaceHost, startLab, startVm } from '../lab/index.ts'
import { type Boot, bootedBy } from '../support/boots.ts'
import { ctfleet, type Said } from '../support/ctfleet.ts'
import { launched, remains } from '../support/trouble.ts'

/** What was confirmed is there after a restart, through whoever loads the rules there; what was not confirmed is not. */

const able = canRunLab()
const JSON_OUT = ['--format', 'json']
const PORT_80 = ['--strategy', 'notrack', '--ports', '80']
const TELLING = { signal: new AbortController().signal, onStage: () => undefined }

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
})
afterAll(async () => await rm(dir, { recursive: true, force: true }))
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

describe('on hosts with an owner of the rules', () => {
  const OWNERS: { readonly [host: string]: { readonly boot: Boot; readonly files: readonly string[] } } = {
    'web-1': { boot: 'netfilter-persistent', files: ['/etc/iptables/rules.v4', '/etc/iptables/rules.v6'] },
    'web-2': { boot: 'a script', files: ['/etc/iptables/rules.v4', '/etc/iptables/rules.v6'] },
    'web-3': { boot: 'OpenRC', files: ['/etc/iptables/rules-save', '/etc/iptables/rules6-save'] },
    'legacy-1': { boot: 'the iptables services', files: ['/etc/sysconfig/iptables', '/etc/sysconfig/ip6tables'] },
    'native-1': { boot: 'nftables', files: ['/etc/nftables.conf'] },
    'nft-1': { boot: 'nftables', files: ['/etc/nftables.conf'] },
  }
  let lab: Lab
  let env: { readonly [name: string]: string }
  let before: readonly string[]
  beforeAll(async () => {
    if (!able.ok) return
    lab = await startLab({ hosts: Object.keys(OWNERS) })
    env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'owners') }
    for (const [name, { boot }] of Object.entries(OWNERS)) await bootedBy(lab.host(name), boot)
    before = await dumps(lab.hosts)
  })
  afterAll(async () => await lab?.down())

  test('rules go into its files, are in force after a restart, and come out again byte for byte', async () => {
    const applied = await ctfleet(['apply', ...PORT_80, '--yes', '--waves', '100%', ...JSON_OUT], env)
    expect(statusesIn(applied), applied.stderr).toEqual(each(lab.hosts, 'applied'))
    for (const { host, changes, notes } of hostsIn(applied)) {
      const { files } = OWNERS[host] ?? { files: [] }
      const kept = changes.filter(({ phase }) => phase === 'persist').map(({ title }) => title)
      expect(kept, host).toEqual(files.map((path) => expect.stringMatching(new RegExp(`^add \\d+ rules in ${path}$`))))
      expect(notes.join('\n')).toMatch(new RegExp(`After a reboot .* loads these rules from ${files.join(' and ')}`))
    }
    const after = await dumps(lab.hosts)
    for (const dump of after) expect(dump).toContain('notrack')

    await restarted(lab.hosts)
    expect(await dumps(lab.hosts)).toEqual(after)
    const again = await ctfleet(['plan', ...PORT_80, ...JSON_OUT], env)
    expect(statusesIn(again), again.stdout).toEqual(each(lab.hosts, 'already-right'))

    const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
    expect(statusesIn(back), back.stdout).toEqual(each(lab.hosts, 'rolled-back'))
    expect(await dumps(lab.hosts)).toEqual(before)
    await restarted(lab.hosts)
    expect(await dumps(lab.hosts)).toEqual(before)
  })

  test('a restart before the confirmation leaves each as before, and nothing of ours after the next contact', async () => {
    const path = join(dir, 'window.json')
    const planned = await ctfleet(['plan', ...PORT_80, '-o', path], env)
    expect(planned.code, planned.stderr).toBe(0)
    const plans = (JSON.parse(await readFile(path, 'utf8')).hosts as readonly { plan: Plan }[]).map(({ plan }) => plan)
    expect(plans).toHaveLength(lab.hosts.length)
    await Promise.all(
      plans.map(async (plan) => {
        const there = lab.host(plan.host.name)
        const words = await launched(plan.host, plan, { transaction: 'window', window: 60, confirmWithin: 300 })
        expect(words.at(-1)).toBe('applied')
        expect(await there.dump()).toContain('notrack')
        await there.reboot()
        expect(rulesIn(await there.dump()), plan.host.name).toBe(rulesIn(dumpOf(there)))
        expect(await resumeHost({ plan, transaction: 'window' }, TELLING)).toMatchObject({ status: 'rolled-back' })
        expect(await remains(there)).toBe('')
      }),
    )
    expect(await dumps(lab.hosts)).toEqual(before)
  })

  test('stateful rules that are taken out go from its files too, and come back to their places', async () => {
    const only = ['--strategy', 'unload', '--limit', 'legacy-1']
    const applied = await ctfleet(['apply', ...only, '--yes', ...JSON_OUT], env)
    expect(statusesIn(applied), applied.stdout).toEqual({ 'legacy-1': 'applied' })
    const legacy = lab.host('legacy-1')
    const after = await legacy.dump()
    await legacy.reboot()
    expect(await legacy.dump()).toBe(after)
    expect(after).not.toContain('--state')
    const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
    expect(statusesIn(back), back.stdout).toEqual({ 'legacy-1': 'rolled-back' })
    expect(await legacy.dump()).toBe(dumpOf(legacy))
  })

  function dumpOf({ name }: LabHost): string {
    return before[lab.hosts.findIndex((host) => host.name === name)] ?? ''
  }
})

describe('where ours would not be the only hand', () => {
  const CASES: { readonly [host: string]: { readonly boots: readonly Boot[]; readonly says: RegExp } } = {
    'web-1': {
      boots: ['netfilter-persistent', 'nftables'],
      says: /last until the next reboot, because netfilter-persistent and nftables would both load rules at boot, and only one may own them/,
    },
    'web-2': {
      boots: ['ufw'],
      says: /last until the next reboot, because what is for raw ufw would add at each reload once more, and ctfleet writes a unit of its own for systemd alone/,
    },
    'web-3': {
      boots: ['firewalld'],
      says: /last until the next reboot, because firewalld makes its rules anew at boot/,
    },
    'web-4': {
      boots: ['shorewall'],
      says: /last until the next reboot, because shorewall loads them, and in what language/,
    },
    'web-5': { boots: [], says: /last until the next reboot, because rules run here that nothing known loads at boot/ },
    'web-6': { boots: ['commands'], says: /last until the next reboot, because \/etc\/rc\.local loads them/ },
    'web-7': {
      boots: ['netfilter-persistent', 'a linked file'],
      says: /last until the next reboot, because \/etc\/iptables\/rules\.v4.*it is a symbolic link/,
    },
  }

  test('no file is written, and the plan says so, and why', async () => {
    await using lab = await startLab({ hosts: [...Object.keys(CASES), 'legacy-1', 'native-1'] })
    const env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'alone') }
    for (const [name, { boots }] of Object.entries(CASES)) {
      for (const boot of boots) await bootedBy(lab.host(name), boot)
    }
    await bootedBy(lab.host('legacy-1'), 'the iptables services')
    await bootedBy(lab.host('legacy-1'), 'saves on stop')
    for (const boot of ['nftables', 'an idle service'] as const) await bootedBy(lab.host('native-1'), boot)
    const said = await ctfleet(['plan', ...PORT_80, ...JSON_OUT], env)
    for (const { host, changes, notes, status, why } of hostsIn(said)) {
      if (host === 'native-1') {
        // What a service that does not run would save when it stops is in nobody's way.
        expect(changes.map(({ title }) => title).join('\n'), why ?? '').toMatch(/rules? in \/etc\/nftables\.conf/)
        continue
      }
      expect(
        changes.map(({ phase }) => phase),
        host,
      ).not.toContain('persist')
      if (host !== 'legacy-1') expect(notes.join('\n'), host).toMatch(CASES[host]?.says ?? /^$/)
      else {
        expect(status).toBe('blocked')
        expect(why).toMatch(/writes the running rules to disk when it stops .*: set IPTABLES_SAVE_ON_STOP="no" first/)
      }
    }
  })
})

test('where nobody loads rules a unit of our own does, once, and goes again', async () => {
  await using lab = await startLab({ hosts: ['open-1'] })
  const env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'unit') }
  const open = lab.host('open-1')
  const before = await open.dump()
  // What shows that systemd runs; that it does not here matters to nobody before the next boot.
  await open.exec('mkdir -p /run/systemd/system')
  const applied = await ctfleet(['apply', ...PORT_80, '--yes', ...JSON_OUT], env)
  expect(statusesIn(applied), applied.stdout).toEqual({ 'open-1': 'applied' })
  const after = await open.dump()
  await open.reboot()
  expect(rulesIn(await open.dump())).toBe(rulesIn(before))
  const link = '/etc/systemd/system/multi-user.target.wants/ctfleet-notrack.service'
  for (let time = 1; time <= 2; time += 1) {
    const started = await open.exec(`$(sed -n s/^ExecStart=//p ${link})`)
    expect(started, started.stderr).toMatchObject({ code: 0 })
    expect(await open.dump()).toBe(after)
  }
  const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
  expect(statusesIn(back), back.stdout).toEqual({ 'open-1': 'rolled-back' })
  expect(await open.dump()).toBe(before)
})

describe('a machine with systemd, restarted for real', () => {
  let vm: LabVm
  let env: { readonly [name: string]: string }
  beforeAll(async () => {
    if (!able.ok) return
    vm = await startVm({ init: 'systemd' })
    env = { CTFLEET_INVENTORY: vm.inventoryPath, CTFLEET_STATE: join(dir, 'vm') }
  }, 900_000)
  afterAll(async () => await vm?.down())

  test('where nobody loads rules, our unit does', { timeout: 600_000 }, async () => {
    await vm.exec('systemctl disable netfilter-persistent; modprobe nf_conntrack')
    const before = lasting(await vm.dump())
    const applied = await ctfleet(['apply', ...PORT_80, '--yes', ...JSON_OUT], env)
    expect(statusesIn(applied), applied.stdout).toEqual({ 'vm-1': 'applied' })
    const after = lasting(await vm.dump())
    expect(after).toContain('notrack')
    await restartedVm(vm)
    expect((await vm.exec('systemctl is-active ctfleet-notrack')).stdout).toBe('active\n')
    expect(lasting(await vm.dump())).toBe(after)
    const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
    expect(statusesIn(back), back.stdout).toEqual({ 'vm-1': 'rolled-back' })
    expect(lasting(await vm.dump())).toBe(before)
  })

  test('where netfilter-persistent does, what was not confirmed is gone, and what was is there', {
    timeout: 900_000,
  }, async () => {
    const saved = await vm.exec(`set -e
for family in v4 v6; do
  printf '%s\n' '*filter' ':INPUT DROP [0:0]' ':FORWARD ACCEPT [0:0]' ':OUTPUT ACCEPT [0:0]' '-A INPUT -i lo -j ACCEPT' \
    '-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT' \
    '-A INPUT -p tcp -m conntrack --ctstate NEW -m multiport --dports 22,80 -j ACCEPT' COMMIT > /etc/iptables/rules.$family
done
systemctl enable netfilter-persistent
systemctl restart netfilter-persistent`)
    expect(saved.code, saved.stderr).toBe(0)
    const before = lasting(await vm.dump())
    expect(before).toContain('policy drop')

    const path = join(dir, 'vm.json')
    const planned = await ctfleet(['plan', ...PORT_80, '-o', path], env)
    expect(planned.code, planned.stderr).toBe(0)
    const plan: Plan = JSON.parse(await readFile(path, 'utf8')).hosts[0].plan
    const words = await launched(plan.host, plan, { transaction: 'window', window: 100, confirmWithin: 600 })
    expect(words.at(-1)).toBe('applied')
    await restartedVm(vm)
    expect(rulesIn(lasting(await vm.dump()))).toBe(rulesIn(before))
    expect(await resumeHost({ plan, transaction: 'window' }, TELLING)).toMatchObject({ status: 'rolled-back' })
    expect(lasting(await vm.dump())).toBe(before)

    const applied = await ctfleet(['apply', ...PORT_80, '--yes', ...JSON_OUT], env)
    expect(statusesIn(applied), applied.stdout).toEqual({ 'vm-1': 'applied' })
    const after = lasting(await vm.dump())
    await restartedVm(vm)
    expect(lasting(await vm.dump())).toBe(after)
    const again = await ctfleet(['plan', ...PORT_80, ...JSON_OUT], env)
    expect(statusesIn(again), again.stdout).toEqual({ 'vm-1': 'already-right' })
    const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
    expect(statusesIn(back), back.stdout).toEqual({ 'vm-1': 'rolled-back' })
    expect(lasting(await vm.dump())).toBe(before)
  })
})

type HostSaid = {
  readonly host: string
  readonly status: string
  readonly changes: readonly { readonly title: string; readonly phase: string }[]
  readonly notes: readonly string[]
  readonly why: string | null
}

function hostsIn({ stdout, stderr }: Said): readonly HostSaid[] {
  if (stdout === '') throw new Error(stderr)
  return JSON.parse(stdout).hosts
}

function statusesIn(said: Said): { readonly [host: string]: string } {
  return Object.fromEntries(hostsIn(said).map(({ host, status }) => [host, status]))
}

function each(hosts: readonly LabHost[], status: string): { readonly [host: string]: string } {
  return Object.fromEntries(hosts.map(({ name }) => [name, status]))
}

async function dumps(hosts: readonly LabHost[]): Promise<readonly string[]> {
  return await Promise.all(hosts.map((host) => host.dump()))
}

async function restarted(hosts: readonly NamespaceHost[]): Promise<void> {
  await Promise.all(hosts.map((host) => host.reboot()))
}

/** Returns when the last service has started: rules come before the network, and a login before them all. */
async function restartedVm(vm: LabVm): Promise<void> {
  await vm.reboot()
  const state = (await vm.exec('systemctl is-system-running --wait')).stdout.trim()
  if (state !== 'running' && state !== 'degraded') throw new Error(`${vm.name}: ${state}: ${await vm.console()}`)
}

/** Rules and files: on a machine with modules, which of them are loaded, with their settings, hangs on more than rules. */
function lasting(dump: string): string {
  const sections = dump.split(/^(?=@@ )/m)
  return sections.filter((section) => !/^@@ (sysctl|modules|ctfleet)/.test(section)).join('')
}

/** What is in the kernel, without files. */
function rulesIn(dump: string): string {
  return dump.slice(0, dump.indexOf('@@ etc'))
}
