import { describe, expect, test } from 'vitest'
import type { Change } from '../../src/model/change.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { dropsGate, invalidGate } from '../../src/plan/rate-gates.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { aChange } from '../report/fleet.ts'

const WANTED = { withinSeconds: 10, mostPerSecond: null }
const COUNTERS = { drop: known(24), insertFailed: known(0), seconds: known(2) }

const max = (from: number, to: number): Change =>
  aChange({
    want: { key: 'net.netfilter.nf_conntrack_max', value: to },
    before: { path: '/p', value: String(from) },
    after: { path: '/p', value: String(to) },
  })
const timeout = aChange({ want: { key: 'net.netfilter.nf_conntrack_tcp_timeout_established', value: 600 } })
const rules = (action: 'add' | 'remove') => aChange({ kind: 'firewall', want: { edits: [{ action }] } })

describe('what is foretold of drops', () => {
  const full = factsWith({ conntrack: { count: known(4096), max: known(4096) }, counters: COUNTERS })
  const gateOf = (...changes: readonly Change[]) => {
    const gate = dropsGate(full, changes, WANTED)
    if (!gate.known) throw new Error(gate.why)
    return gate.value
  }

  test.each([
    ['a larger limit', max(4096, 8192)],
    ['modules that go', aChange({ kind: 'kernel-modules', want: { unload: ['nf_conntrack'] } })],
    ['the last stateful rules that go', rules('remove')],
    ['entries that are deleted', aChange({ kind: 'flush-entries', want: { all: true } })],
  ])('%s: they end within seconds', (_what, change) => {
    expect(gateOf(timeout, change)).toMatchObject({ mostPerSecond: 0, withinSeconds: 10, beforePerSecond: 12 })
  })

  test.each([
    ['shorter timeouts alone', timeout],
    ['rules before tracking, while the entries stay', rules('add')],
    ['a limit that is no larger than what the table holds', max(2048, 4096)],
    ['a limit that was lowered', max(8192, 6144)],
    ['nothing at run time', aChange({ kind: 'file', phase: 'persist' })],
  ])('%s: they go on while entries run out, and may not get much worse', (_what, change) => {
    expect(gateOf(change)).toMatchObject({ mostPerSecond: 24, beforePerSecond: 12 })
    expect(gateOf(change).because).toContain('nothing makes room at once')
  })

  test('what the playbook asks for goes before what is foretold', () => {
    const gate = dropsGate(full, [timeout], { withinSeconds: 30, mostPerSecond: 0 })
    expect(gate).toMatchObject({ value: { mostPerSecond: 0, withinSeconds: 30 } })
  })

  test('a kernel that does not count drops has no such gate', () => {
    const facts = factsWith({ counters: { ...COUNTERS, drop: unknown('this kernel does not count drop') } })
    expect(dropsGate(facts, [timeout], WANTED)).toEqual(unknown('this kernel does not count drop'))
  })
})

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
