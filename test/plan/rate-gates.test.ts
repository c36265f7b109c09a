import { describe, expect, test } from 'vitest'
import type { Change } from '../../src/model/change.ts'
import type { Json } from '../../src/model/json.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { dropsGate, invalidGate } from '../../src/plan/rate-gates.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'
import { aChange } from '../report/fleet.ts'
import { edit } from '../support/rules.ts'

const WANTED = { withinSeconds: 10, mostPerSecond: null }
if (!HEALTHY.entries.sample.known) throw new Error('the sample is of a table that was read')
const SAMPLE = HEALTHY.entries.sample.value
const COUNTERS = { drop: known(24), insertFailed: known(0), seconds: known(2) }

const max = (from: number, to: number): Change =>
  aChange({
    want: { key: 'net.netfilter.nf_conntrack_max', value: to },
    before: { path: '/proc/sys/net/netfilter/nf_conntrack_max', value: String(from) },
    after: { path: '/proc/sys/net/netfilter/nf_conntrack_max', value: String(to) },
  })
const TIMEOUT = '/proc/sys/net/netfilter/nf_conntrack_tcp_timeout_established'
const timeout = aChange({
  want: { key: 'net.netfilter.nf_conntrack_tcp_timeout_established', value: 600 },
  before: { path: TIMEOUT, value: '432000' },
  after: { path: TIMEOUT, value: '600' },
})
const unloaded = (...unload: readonly string[]) =>
  aChange({
    kind: 'kernel-modules',
    want: { unload },
    before: { loaded: unload, hashSize: null, settings: {} },
    after: { loaded: [], hashSize: null, settings: {} },
  })
const stateful = (key: string) => edit({ action: 'remove', key, spec: '-m state --state ESTABLISHED -j ACCEPT' })
const flow = (port: number) => ({ protocol: 'tcp', ports: [port], addresses: ['192.0.2.1'] })
const rules = (edits: readonly ReturnType<typeof edit>[], flows: readonly Json[] = []): Change => {
  const all = (there: 'add' | 'remove') => Object.fromEntries(edits.map(({ key, action }) => [key, action === there]))
  return aChange({
    kind: 'firewall',
    want: { edits, ...(flows.length === 0 ? {} : { flows }) },
    before: { rules: all('remove') },
    after: { rules: all('add') },
  })
}
const untracked = (port: number) =>
  rules(
    [edit({ table: 'raw', key: 'ctfleet:notrack:1', spec: `-p tcp --dport ${port} -j CT --notrack` })],
    [flow(port)],
  )
const flushed = (want: Json, entries: 'some' | 'none' = 'some') =>
  aChange({ kind: 'flush-entries', want, before: { entries }, after: { entries: 'none' }, volatile: true })

const remaining = { told: 500, half: 20, ninety: 45, longest: 120 }
const ports = [
  { key: 'tcp/443', protocol: 'tcp', port: 443, entries: 400, share: 0.8, local: 1 },
  { key: 'tcp/25', protocol: 'tcp', port: 25, entries: 10, share: 0.02, local: 1 },
  { key: 'tcp/8443', protocol: 'tcp', port: 8443, entries: 90, share: 0.18, local: null },
]
const sample = known({ ...SAMPLE, read: 500, total: 4096, byDestinationPort: ports, remaining })
const full = factsWith({
  conntrack: { count: known(4096), max: known(4096) },
  counters: COUNTERS,
  entries: { sample },
})

describe('what is foretold of drops', () => {
  const LAST = [stateful('rule-1'), stateful('rule-2')]
  const gateOf = (changes: readonly Change[], withinSeconds = 10, facts = full) => {
    const gate = dropsGate(facts, changes, { withinSeconds, mostPerSecond: null }, LAST)
    if (!gate.known) throw new Error(gate.why)
    return gate.value
  }

  test.each([
    ['a larger limit', [max(4096, 8192)]],
    ['the modules that hold the table', [unloaded('xt_conntrack', 'nf_conntrack')]],
    ['the last stateful rules, of both families', [rules([stateful('rule-1')]), rules([stateful('rule-2')])]],
    ['all entries', [flushed({ all: true })]],
    ['the entries of the port that most are of', [untracked(443), flushed(flow(443))]],
  ])('%s: they end within seconds', (_what, changes) => {
    expect(gateOf([timeout, ...changes])).toMatchObject({ mostPerSecond: 0, withinSeconds: 10, beforePerSecond: 12 })
  })

  test.each([
    ['shorter timeouts alone', [timeout], 'nothing makes room at once'],
    ['a module that holds no table', [unloaded('xt_conntrack')], 'nothing makes room at once'],
    ['some of the stateful rules', [rules([stateful('rule-1')])], 'nothing makes room at once'],
    [
      'the last ones, while others come',
      [rules(LAST), rules([edit({ key: 'mine', spec: '-m state --state NEW -j ACCEPT' })])],
      'nothing makes room at once',
    ],
    ['rules that leave flows untracked, while entries stay', [untracked(443)], 'nothing makes room at once'],
    [
      'a limit that is no larger than what the table holds',
      [max(2048, 4096)],
      'max is raised to 4\u202f096, which may',
    ],
    ['a limit with room for one more', [max(4096, 4097)], 'max is raised to 4\u202f097, which may not be room enough'],
    ['a limit that was lowered', [max(8192, 6144)], 'nothing makes room at once'],
    ['the entries of an idle port', [flushed(flow(25))], 'entries are deleted at once, which may not be room enough'],
    ['entries of which nobody knows whose they are', [flushed(flow(8443))], 'which may not be room enough'],
    ['a port without entries', [flushed(flow(443), 'none')], 'nothing makes room at once'],
    ['nothing at run time', [aChange({ kind: 'symlink', phase: 'persist' })], 'nothing makes room at once'],
  ])('%s: they are only held from growing', (_what, changes, because) => {
    const gate = gateOf(changes)
    expect(gate).toMatchObject({ mostPerSecond: 24, beforePerSecond: 12 })
    expect(gate.because).toContain(because)
    expect(gate.because).toContain('half of the entries run out within 20 s')
  })

  test('the edits of the analysis, once they are steps and changes, are known again as the last rules', () => {
    const dump = '*filter\n:INPUT ACCEPT [0:0]\n-A INPUT -m state --state RELATED,ESTABLISHED -j ACCEPT\nCOMMIT\n'
    const facts = factsWith({
      ...full,
      conntrack: { form: known('built-in'), settings: known({ enable_hooks: '0' }) },
      modules: { loadable: known(false), loaded: known([]) },
      firewall: { nft: { ip: known(dump), ip6: known(dump) } },
    })
    const { form, edits } = analyse(facts, null).unload
    expect([form, edits.length]).toEqual(['hooks', 2])
    const changes = (STEP_KINDS.find(({ kind }) => kind === 'firewall')?.bind({ edits }) ?? []).map((step) => {
      const planned = step.plan(
        keysOf(step.want)
          .map((key) => `${key} yes\n`)
          .join(''),
      )
      if (!planned.known || !planned.value.needed) throw new Error(JSON.stringify(planned))
      return aChange({ kind: step.kind, want: step.want, before: planned.value.before, after: planned.value.after })
    })
    const most = (some: readonly Change[]) => dropsGate(facts, some, WANTED, edits)
    expect(most(changes)).toMatchObject({ value: { mostPerSecond: 0, because: 'no new flow takes an entry' } })
    expect(most(changes.slice(1))).toMatchObject({ value: { mostPerSecond: 24 } })
  })

  test('room for a second of what is turned away is no end of it', () => {
    const flood = factsWith({ ...full, counters: { ...COUNTERS, drop: known(20_000) } })
    expect(gateOf([max(4096, 16_384)], 10, flood).mostPerSecond).toBe(20_000)
    expect(gateOf([max(4096, 524_288)], 10, flood).mostPerSecond).toBe(0)
  })

  test('what is evicted to let others in needs room as well', () => {
    const evicting = factsWith({ ...full, counters: { ...COUNTERS, drop: known(0), earlyDrop: known(2000) } })
    expect(gateOf([max(4096, 8192)], 10, evicting).mostPerSecond).toBe(10)
  })

  test('where it is not known how full the table is, nothing is foretold', () => {
    const facts = factsWith({ ...full, conntrack: { count: unknown('no file') } })
    expect(gateOf([max(4096, 8192)], 10, facts)).toMatchObject({
      mostPerSecond: 24,
      because: expect.stringContaining('how many entries there are is not known: no file'),
    })
  })

  test('entries that nothing renews run out: where that is within the time of the gate, drops fall', () => {
    expect(gateOf([untracked(443)], 60)).toMatchObject({
      mostPerSecond: 6,
      because: expect.stringContaining('nine of ten of all run out within 45 s'),
    })
    // Others renew theirs with each packet.
    expect(gateOf([timeout], 60).mostPerSecond).toBe(24)
    expect(gateOf([untracked(25)], 60).mostPerSecond).toBe(24)
    expect(gateOf([untracked(443)], 44).mostPerSecond).toBe(24)
  })

  test('what the playbook asks for goes before what is foretold', () => {
    const gate = dropsGate(full, [timeout], { withinSeconds: 30, mostPerSecond: 0 }, [])
    expect(gate).toMatchObject({ value: { mostPerSecond: 0, withinSeconds: 30, because: 'the playbook asks for it' } })
  })

  test('a kernel that does not count drops has no such gate', () => {
    const facts = factsWith({ counters: { ...COUNTERS, drop: unknown('this kernel does not count drop') } })
    expect(dropsGate(facts, [timeout], WANTED, [])).toEqual(unknown('this kernel does not count drop'))
  })
})

function keysOf(want: Json): readonly string[] {
  return (want as { readonly edits: readonly { readonly key: string }[] }).edits.map(({ key }) => key)
}

test.each([
  [0, 25],
  [2, 25],
  [2.5, 25],
  [40, 400],
])('with %d INVALID packets a second before, %d are too many only when exceeded', (before, most) => {
  const facts = factsWith({
    counters: {
      first: known({ at: 10, counters: { invalid: 0 } }),
      second: known({ at: 12, counters: { invalid: before * 2 } }),
      seconds: known(2),
    },
  })
  expect(invalidGate(facts, WANTED)).toEqual(
    known({ gate: 'invalid', mostPerSecond: most, withinSeconds: 10, beforePerSecond: before }),
  )
})
