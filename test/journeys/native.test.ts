import { spawn } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { knocking, talking, type User } from '../support/talking.ts'
import { untilSaid } from '../support/trouble.ts'

/** Hosts where nobody ever installed iptables: rules are nft's own, from the command line. */

const able = canRunLab()
const PORT_80 = ['--strategy', 'notrack', '--ports', '80']
const JSON_OUT = ['--format', 'json']

let dir: string
let lab: Lab
let native: LabHost
let env: { readonly [name: string]: string }
let asLoaded: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['native-1', 'native-2', 'nft-1', 'both-1'] })
  native = lab.host('native-1')
  asLoaded = await native.dump()
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

describe('a port taken out of tracking', () => {
  test('nobody who uses it notices, and afterwards all is as it was', async () => {
    const users: User[] = []
    const everybodyGoesOn = async () => await Promise.all(users.map(async (user) => await user.goOn()))
    try {
      for (const address of [native.address, native.address6 ?? '']) {
        users.push(await talking(address, 80), knocking(address, 80))
      }
      await everybodyGoesOn()
      expect(await entriesTo(native, 80)).toBeGreaterThan(0)

      const facts = await ctfleet(['facts', '--limit', 'native-1'], env)
      expect(facts.code, facts.stderr).toBe(0)
      const planned = await ctfleet(['plan', ...PORT_80, '--limit', 'native-1'], env)
      expect(planned.code, planned.stderr).toBe(0)
      expect(await native.dump()).toBe(asLoaded)
      const told = planned.stdout.replaceAll(/\s+/g, ' ')
      expect(told).toMatch(/add \d+ rules in nft inet filter and inet ctfleet/)
      expect(told).toContain(
        '+ inet filter input: tcp dport 80 ct state untracked jump services comment "ctfleet:notrack:',
      )
      expect(told).toContain(
        '+ inet ctfleet prerouting: fib daddr type local tcp dport 80 notrack comment "ctfleet:notrack:',
      )

      expect(await onlyHost(['apply', ...PORT_80, '--limit', 'native-1', '--yes'])).toMatchObject({ status: 'applied' })
      await everybodyGoesOn()
      expect(await entriesTo(native, 80)).toBe(0)
      const again = await onlyHost(['plan', ...PORT_80, '--limit', 'native-1'])
      expect(again).toMatchObject({ status: 'already-right', changes: [] })

      expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
      await everybodyGoesOn()
      expect(await entriesTo(native, 80)).toBeGreaterThan(0)
    } finally {
      for (const user of users) await user[Symbol.asyncDispose]()
    }
    expect(await native.dump()).toBe(asLoaded)
  })

  test('iptables’ rules beside nft’s own: each filter gets its accepts, tracking ends in one place', async () => {
    const both = lab.host('both-1')
    const before = await both.dump()
    const applied = await onlyHost(['apply', ...PORT_80, '--limit', 'both-1', '--yes'])
    expect(applied).toMatchObject({ status: 'applied' })
    const rules = (await both.exec('nft list ruleset; iptables-legacy-save')).stdout
    expect(rules).toContain('ct state untracked accept comment "ctfleet:notrack:')
    expect(rules).toMatch(/-A PREROUTING .*--dport 80 .*-j (NOTRACK|CT --notrack)/)
    expect(rules).not.toMatch(/^\s.* notrack/m)
    await using user = knocking(both.address, 80)
    await user.goOn()
    expect(await onlyHost(['plan', ...PORT_80, '--limit', 'both-1'])).toMatchObject({ status: 'already-right' })
    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    expect(await both.dump()).toBe(before)
  })
})

describe('what others do to the rules between plan and apply', () => {
  afterEach(async () => await reload(native))

  test.each([
    ['a person inserts a rule', 'nft insert rule inet filter input tcp dport 80 drop'],
    ['a person adds to a chain that others jump to', 'nft add rule inet filter services tcp dport 81 accept'],
    [
      'the rules are loaded again, with one more',
      `sed 's/tcp dport { 22, 80, 443 } accept/&\\ntcp dport 81 accept/' /etc/nftables.conf | nft -f -`,
    ],
    [
      'a chain is filled anew, and its rules have other handles',
      "nft 'flush chain inet filter services; add rule inet filter services tcp dport { 22, 80, 443 } accept'",
    ],
    [
      'another table comes up',
      "nft 'add table inet late; add chain inet late input { type filter hook input priority 10 ; }'",
    ],
  ])('%s: refused as drifted, and not touched', async (_title, change) => {
    const file = join(dir, 'plan.json')
    const planned = await ctfleet(['plan', ...PORT_80, '--limit', 'native-1', '-o', file], env)
    expect(planned.code, planned.stderr).toBe(0)
    expect(await native.exec(change)).toMatchObject({ code: 0 })
    const changed = await native.dump()
    const said = await ctfleet(['apply', file, '--yes', ...JSON_OUT], env)
    expect(said.code).toBe(1)
    expect(JSON.parse(said.stdout).hosts).toMatchObject([{ status: 'refused', fault: { code: 'drifted' } }])
    expect(await native.dump()).toBe(changed)
    await native.exec('nft delete table inet late')
  })

  test('the same file loaded again gives the same rules and handles: the plan holds', async () => {
    const file = join(dir, 'plan.json')
    await ctfleet(['plan', ...PORT_80, '--limit', 'native-1', '-o', file], env)
    await reload(native)
    expect(await onlyHost(['apply', file, '--yes'])).toMatchObject({ status: 'applied' })
    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    expect(await native.dump()).toBe(asLoaded)
  })
})

describe('what others do after an apply', () => {
  beforeEach(async () => {
    expect(await onlyHost(['apply', ...PORT_80, '--limit', 'native-1', '--yes'])).toMatchObject({ status: 'applied' })
  })
  afterEach(async () => {
    await native.exec('nft delete table inet ctfleet')
    await reload(native)
  })

  test('a rule of ours that somebody deleted is put back by the next plan', async () => {
    const applied = await rulesOf(native)
    await native.exec(`nft delete rule inet filter input handle "$(nft -a list chain inet filter input |
      sed -n 's/.*untracked.* # handle //p')"`)
    expect(await rulesOf(native)).not.toBe(applied)
    const planned = await onlyHost(['plan', ...PORT_80, '--limit', 'native-1'])
    expect(planned).toMatchObject({ status: 'planned' })
    expect(await onlyHost(['apply', ...PORT_80, '--limit', 'native-1', '--yes'])).toMatchObject({ status: 'applied' })
    expect(await rulesOf(native)).toBe(applied)
  })

  test('after a reload, which takes our accepts, a rollback takes the rest and touches nothing else', async () => {
    await reload(native)
    await native.exec('nft insert rule inet filter services tcp dport 81 accept')
    const left = await native.exec('nft list table inet filter')
    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    expect((await native.exec('nft list table inet ctfleet')).code).not.toBe(0)
    expect((await native.exec('nft list table inet filter')).stdout).toBe(left.stdout)
  })

  test('a rule that somebody put into our table stays there', async () => {
    await native.exec('nft add rule inet ctfleet output tcp sport 7 notrack')
    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    const ours = (await native.exec('nft -s list table inet ctfleet')).stdout
    expect(ours).toContain('tcp sport 7 notrack')
    expect(ours).not.toContain('ctfleet:notrack')
  })
})

test('a controller that dies before it confirms leaves a host that takes itself back', async () => {
  const before = await rulesOf(native)
  const planned = join(dir, 'cut.json')
  const only = join(dir, 'cut-only.json')
  expect((await ctfleet(['plan', ...PORT_80, '--limit', 'native-1', '-o', planned], env)).code).toBe(0)
  await writeFile(only, JSON.stringify(JSON.parse(await readFile(planned, 'utf8')).hosts[0].plan))
  await native.exec('rm -rf /var/lib/ctfleet')
  const child = join(import.meta.dirname, '../support/apply-in-child.ts')
  const controller = spawn(process.execPath, ['--import', 'tsx', child, only, '3'], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await new Promise<void>((resolve, reject) => {
    controller.stdout.on('data', (chunk: Buffer) => {
      if (!chunk.toString().includes('checking')) return
      controller.kill('SIGKILL')
      resolve()
    })
    controller.on('exit', (code) => reject(new Error(`the controller ended by itself (${code})`)))
  })
  expect(await rulesOf(native)).toContain('notrack comment "ctfleet:notrack:')
  const transaction = (await native.exec('ls /var/lib/ctfleet')).stdout
    .split('\n')
    .find((name) => /^[0-9a-f]{10}$/.test(name))
  await untilSaid(native, transaction ?? '', 'rolled-back')
  expect(await rulesOf(native)).toBe(before)
})

describe('tracking given up', () => {
  const OPEN_RULES = `flush ruleset
table inet filter {
	chain input {
		type filter hook input priority filter; policy accept;
		iif "lo" accept
		ct state established,related counter accept
		ct state new accept
		tcp dport { 22, 80 } accept
		ct state vmap { established : accept, related : accept } comment "the \\$last one"
	}
}`

  let host: LabHost
  beforeEach(async () => {
    if (!able.ok) return
    host = lab.host('native-2')
    expect(await host.exec(['nft', '-f', '-'], { input: OPEN_RULES })).toMatchObject({ code: 0 })
  })
  afterEach(async () => await reload(host))

  test('where no fate hangs on a state the rules go, and a rollback puts each back in its place', async () => {
    const before = await host.exec('nft -s list ruleset')
    await using user = knocking(host.address, 80)
    await user.goOn()
    const planned = await onlyHost(['plan', '--strategy', 'unload', '--limit', 'native-2'])
    expect(planned).toMatchObject({ status: 'planned' })
    expect(await onlyHost(['apply', '--strategy', 'unload', '--limit', 'native-2', '--yes'])).toMatchObject({
      status: 'applied',
    })
    expect((await host.exec('nft list ruleset')).stdout).not.toContain('ct state')
    await user.goOn()
    expect(Number((await host.exec('cat /proc/sys/net/netfilter/nf_conntrack_count')).stdout)).toBe(0)
    expect(await onlyHost(['plan', '--strategy', 'unload', '--limit', 'native-2'])).toMatchObject({
      status: 'already-right',
    })
    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    expect((await host.exec('nft -s list ruleset')).stdout).toBe(before.stdout)
    await user.goOn()
  })

  test('rules that came back by a reload meanwhile are not put back a second time', async () => {
    expect(await onlyHost(['apply', '--strategy', 'unload', '--limit', 'native-2', '--yes'])).toMatchObject({
      status: 'applied',
    })
    await host.exec(['nft', '-f', '-'], { input: OPEN_RULES })
    const reloaded = await host.exec('nft -s list ruleset')
    expect(await onlyHost(['rollback', 'last', '--yes'])).toMatchObject({ status: 'rolled-back' })
    expect((await host.exec('nft -s list ruleset')).stdout).toBe(reloaded.stdout)
  })

  test('a nft that prints a rule otherwise than we write it: blocked at plan time, with the rule', async () => {
    await host.exec(`mv /usr/sbin/nft /usr/sbin/nft.real
printf '%s\\n' '#!/bin/sh' 'case $* in *-j*) exec /usr/sbin/nft.real "$@" ;; esac' '/usr/sbin/nft.real "$@" | sed "s/ct state new accept/ct state new  accept/"' > /usr/sbin/nft
chmod +x /usr/sbin/nft`)
    try {
      const before = await host.exec('/usr/sbin/nft.real -s list ruleset')
      const blocked = await onlyHost(['apply', '--strategy', 'unload', '--limit', 'native-2', '--yes'], 1)
      expect(blocked).toMatchObject({
        status: 'blocked',
        why: expect.stringContaining('inet filter input: ct state new accept'),
      })
      expect((await host.exec('/usr/sbin/nft.real -s list ruleset')).stdout).toBe(before.stdout)
    } finally {
      await host.exec('mv /usr/sbin/nft.real /usr/sbin/nft')
    }
  })

  test('a default drop refuses it, with the rule', async () => {
    await reload(host)
    const refused = await onlyHost(['apply', '--strategy', 'unload', '--limit', 'native-2', '--yes'], 1)
    expect(refused).toMatchObject({ status: 'blocked', why: expect.stringMatching(/inet filter input: ct state vmap/) })
  })

  test('rules that no program on the host can list are not judged', async () => {
    await host.exec('mv /usr/sbin/nft /usr/sbin/nft.away')
    try {
      for (const words of [PORT_80, ['--strategy', 'unload']]) {
        const said = await onlyHost(['apply', ...words, '--limit', 'native-2', '--yes'], 1)
        expect(said).toMatchObject({
          status: 'blocked',
          why: expect.stringContaining('no nft on the host to list them'),
        })
      }
    } finally {
      await host.exec('mv /usr/sbin/nft.away /usr/sbin/nft')
    }
  })
})

test('docker’s way of nft: a translated port is refused, with the rule', async () => {
  const host = lab.host('nft-1')
  await host.exec(`nft 'add table ip dock; add chain ip dock pre { type nat hook prerouting priority -100 ; };
add rule ip dock pre fib daddr type local tcp dport 80 dnat to 172.17.0.2:80'`)
  const before = await host.dump()
  const refused = await onlyHost(['apply', ...PORT_80, '--limit', 'nft-1', '--yes'], 1)
  expect(refused).toMatchObject({
    status: 'blocked',
    why: expect.stringContaining('ip dock pre: fib daddr type local tcp dport 80 dnat to 172.17.0.2:80'),
  })
  expect(await host.dump()).toBe(before)
  await host.exec('nft delete table ip dock')
})

type Told = { readonly status: string; readonly changes: readonly { readonly kind: string }[] }

async function onlyHost(words: readonly string[], code = 0): Promise<Told> {
  const said = await ctfleet([...words, ...JSON_OUT], env)
  expect(said.code, `${said.stdout}\n${said.stderr}`).toBe(code)
  return JSON.parse(said.stdout).hosts[0]
}

async function reload(host: LabHost): Promise<void> {
  expect(await host.exec('nft -f /etc/nftables.conf')).toMatchObject({ code: 0 })
}

async function entriesTo(host: LabHost, port: number): Promise<number> {
  const { stdout } = await host.exec(`grep -c ' dport=${port} ' /proc/net/nf_conntrack`)
  return Number(stdout)
}

async function rulesOf(host: LabHost): Promise<string> {
  return (await host.exec('nft -s list ruleset')).stdout
}
