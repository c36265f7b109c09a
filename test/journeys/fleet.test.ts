import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import type { Facts } from '../../src/model/facts.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { shortest } from '../support/lab-host.ts'

/** A fleet as it is: some hosts in trouble, and none of them in the way of the others. */

const able = canRunLab()
const GOOD = ['web-1', 'legacy-1']

/** What each host in trouble is told, and what to do next. */
const TROUBLE: readonly { readonly name: string; readonly cause: RegExp; readonly next: RegExp }[] = [
  { name: 'dead-1', cause: /no way to \S+ from here|does not answer/, next: /ip route get|ping/ },
  { name: 'silent-1', cause: /accepts connections but says nothing/, next: /sshd is overloaded or stopped/ },
  {
    name: 'changedkey-1',
    cause: /its host key is ssh-ed25519 SHA256:\S+, but \S+known_hosts:\d+ has SHA256:\S+/,
    next: /compare on its console: ssh-keygen -lf/,
  },
  { name: 'askpass-1', cause: /sudo did not let ops become root without a password/, next: /visudo -f/ },
]

/** It is waited for longest; that nobody answers for dead-1 this machine may know at once. */
const SLOWEST = '  silent-1  unreachable'

let dir: string
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
})
afterAll(async () => await rm(dir, { recursive: true, force: true }))
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

describe('six hosts of which four are in trouble', () => {
  let lab: Lab
  let env: { readonly [name: string]: string }
  beforeAll(async () => {
    if (!able.ok) return
    lab = await startLab({ hosts: ['dead-1', 'silent-1', 'changedkey-1', 'askpass-1', ...GOOD] })
    env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'six') }
  })
  afterAll(async () => await lab?.down())

  test('plan and facts finish the good ones first, and name each bad one with its cause and the next step', async () => {
    const [plan, facts] = await Promise.all([ctfleet(['plan'], env), ctfleet(['facts', '--format', 'json'], env)])
    expect([plan.code, facts.code]).toEqual([1, 1])

    for (const { name, cause, next } of TROUBLE) {
      const section = sectionOf(plan.stdout, name)
      expect(section, name).toMatch(cause)
      expect(section, name).toMatch(new RegExp(`Next: .*${next.source}`))
    }
    for (const name of GOOD) {
      comesBefore(plan.stderr, `  ${name}  healthy`, SLOWEST)
      comesBefore(facts.stderr, `  ${name}  read`, SLOWEST)
    }

    const { hosts } = JSON.parse(facts.stdout) as { hosts: readonly Read[] }
    expect(Object.fromEntries(hosts.map(({ host, status, fault }) => [host, fault?.code ?? status]))).toEqual({
      'dead-1': expect.stringMatching(/^(?:unreachable|timed-out|connect-timed-out)$/),
      'silent-1': 'handshake-timed-out',
      'changedkey-1': 'host-key-changed',
      'askpass-1': 'read',
      'web-1': 'read',
      'legacy-1': 'read',
    })
    for (const { fault } of hosts) if (fault !== undefined) expect(fault.next).not.toBe('')
    // Without root there is still something to read, and what there is not says why.
    const asked = hosts.find(({ host }) => host === 'askpass-1')?.facts
    expect(asked?.system.hostname).toEqual({ known: true, value: 'askpass-1' })
    expect(asked?.privilege.root).toEqual({ known: true, value: false })
    expect(asked?.firewall.nft.ip).toMatchObject({ known: false, why: expect.stringMatching(/root/) })
  })

  test('apply changes the good ones, touches no other, and takes them back', async () => {
    const reachable = [...GOOD, 'changedkey-1', 'askpass-1']
    const dumps = async () => await Promise.all(reachable.map(async (name) => await lab.host(name).dump()))
    const before = await dumps()
    const words = ['--strategy', 'notrack', '--ports', '80', '--yes', '--format', 'json']
    const { code, stdout, stderr } = await ctfleet(['apply', ...words], env)
    expect(code, stderr).toBe(1)
    for (const name of GOOD) comesBefore(stderr, `  ${name}  planned`, SLOWEST)

    const { hosts } = JSON.parse(stdout) as { hosts: readonly Read[] }
    for (const { name, cause, next } of TROUBLE) {
      const result = hosts.find(({ host }) => host === name)
      expect(result?.status).toBe(name === 'askpass-1' ? 'failed' : 'unreachable')
      expect(result?.fault).toMatchObject({
        message: expect.stringMatching(cause),
        next: expect.stringMatching(next),
      })
    }
    expect(hosts.filter(({ status }) => status === 'applied').map(({ host }) => host)).toEqual(
      expect.arrayContaining(GOOD),
    )
    const after = await dumps()
    expect(after.slice(0, 2).every((dump) => dump.includes('ctfleet:notrack:'))).toBe(true)
    expect(after.slice(2)).toEqual(before.slice(2))

    const back = await ctfleet(['rollback', 'last', '--yes'], env)
    expect(back.code, back.stdout + back.stderr).toBe(0)
    expect(await dumps()).toEqual(before)
  })
})

describe('every kind of host', () => {
  let lab: Lab
  let env: { readonly [name: string]: string }
  beforeAll(async () => {
    if (!able.ok) return
    lab = await startLab()
    env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'nine') }
  })
  afterAll(async () => await lab?.down())

  test('facts and plan change nothing, and the facts tell what kind of host it is', async () => {
    await Promise.all(lab.hosts.map(async (host) => await host.exec('touch /run/before-ctfleet')))
    const looks = async () =>
      await Promise.all(lab.hosts.map(async (host) => [host.name, await host.dump(), (await host.exec(LOOK)).stdout]))
    const before = await looks()

    const read = await ctfleet(['facts', '--format', 'json'], env)
    expect(read.code, read.stderr).toBe(0)
    const healthy = await ctfleet(['plan'], env)
    expect(healthy.code, healthy.stderr).toBe(0)
    expect(healthy.stdout).toContain('9 hosts: 9 healthy')
    // Asked for by name, the steps are probed too.
    const asked = await ctfleet(['plan', '--strategy', 'notrack', '--ports', '80'], env)
    expect(asked.code, asked.stderr).toBe(0)
    expect(asked.stdout).toContain('9 hosts: 9 planned')
    expect(await looks()).toEqual(before)

    const { hosts } = JSON.parse(read.stdout) as { hosts: readonly Read[] }
    const essentials = hosts.map(({ host, facts }) => [host, facts === undefined ? 'unread' : essentialsOf(facts)])
    expect(Object.fromEntries(essentials)).toEqual(KINDS)
    for (const { host, facts } of hosts) {
      const { address, address6 } = lab.host(host)
      const addresses = facts?.listeners.addresses
      expect(addresses?.known === true && addresses.value, host).toEqual(
        expect.arrayContaining([address, shortest(address6 ?? '')]),
      )
    }
  })
})

type Read = {
  readonly host: string
  readonly status: string
  readonly facts?: Facts
  readonly fault?: { readonly code: string; readonly message: string; readonly next: string }
}

/** What a dump leaves out: empty tables, and files that are new since the marker. */
const LOOK = `
nft list tables
cat /proc/net/ip_tables_names /proc/net/ip6_tables_names 2>&1
cat /proc/modules 2>&1
find /etc /root /home /run /tmp -newer /run/before-ctfleet`

/** Which backends hold rules of which families; `native` are nft tables that iptables did not make. */
function essentialsOf({ firewall, managers, privilege, listeners, conntrack }: Facts) {
  const { legacy, nft, nftRuleset, tools } = firewall
  const families = ({ ip, ip6 }: typeof legacy) => [holds(ip) && 'ip', holds(ip6) && 'ip6'].filter(Boolean).join(' ')
  const dumps = [legacy.ip, nft.ip].map((dump) => (dump.known ? (dump.value ?? '') : dump.why)).join('\n')
  return {
    legacy: families(legacy),
    nft: families(nft),
    native: /"table": \{"family": "inet"/.test((nftRuleset.known && nftRuleset.value) || ''),
    usual: tools.known && tools.value.defaultBackend,
    nat: /-j (?:MASQUERADE|DNAT)/.exec(dumps)?.[0] ?? '',
    managers: managers.present.known ? managers.present.value.map(({ name }) => name).join() : managers.present.why,
    sshPort: privilege.sshPort.known && privilege.sshPort.value,
    ports: listeners.sockets.known
      ? [...new Set(listeners.sockets.value.map(({ port }) => port))].sort((a, b) => a - b).join(' ')
      : listeners.sockets.why,
    tracking: `${said(conntrack.generation)} ${said(conntrack.maxWritable)}`,
  }
}

function holds(dump: Facts['firewall']['legacy']['ip']): boolean {
  return dump.known && dump.value !== null
}

function said(reading: { readonly known: true; readonly value: unknown } | { readonly known: false }): string {
  return reading.known ? String(reading.value) : 'unknown'
}

const PLAIN = {
  legacy: '',
  nft: '',
  native: false,
  usual: 'nft',
  nat: '',
  managers: '',
  sshPort: 22,
  ports: '22 80 443',
  tracking: 'nf false',
}
const KINDS: { readonly [host: string]: typeof PLAIN } = {
  'web-1': { ...PLAIN, nft: 'ip ip6' },
  'sudo-1': { ...PLAIN, nft: 'ip ip6' },
  'healthy-1': { ...PLAIN, nft: 'ip ip6', ports: '22 443' },
  'gateway-1': { ...PLAIN, nft: 'ip ip6', nat: '-j MASQUERADE', ports: '22' },
  'docker-1': { ...PLAIN, nft: 'ip', nat: '-j MASQUERADE', managers: 'docker', ports: '22' },
  'legacy-1': { ...PLAIN, legacy: 'ip ip6', usual: 'legacy' },
  'nft-1': { ...PLAIN, native: true },
  'both-1': { ...PLAIN, legacy: 'ip ip6', native: true, usual: 'legacy' },
  'open-1': PLAIN,
}

/** A host's own part of a text report. */
function sectionOf(report: string, host: string): string {
  const section = report.split('\n\n').find((part) => part.startsWith(`${host}:`))
  if (section === undefined) throw new Error(`${host} has no part of its own in:\n${report}`)
  return section.replaceAll(/\n\s+/g, ' ')
}

/** Of lines of the progress, by how they begin: why a host failed stands behind it. */
function comesBefore(log: string, line: string, other: string): void {
  const lines = log.split('\n')
  const placeOf = (start: string) => lines.findIndex((each) => each.startsWith(start))
  expect(placeOf(line), `"${line}" in:\n${log}`).toBeGreaterThan(-1)
  expect(placeOf(other), `"${other}" after "${line}" in:\n${log}`).toBeGreaterThan(placeOf(line))
}
