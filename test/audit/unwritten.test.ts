import { expect, test } from 'vitest'
import { DEFAULT_POLICY } from '../../src/audit/policy.ts'
import { unwrittenOf } from '../../src/audit/unwritten.ts'
import type { Json } from '../../src/model/json.ts'
import { known } from '../../src/model/reading.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'
import { policyOf } from './auditing.ts'
import { aChange } from './drifting.ts'

const KEY = 'ctfleet:notrack:0123456789'
const edit = (action: string): Json => ({ action, key: KEY, table: 'raw', chain: 'OUTPUT' })
const rules = (...actions: readonly string[]) => aChange({ kind: 'firewall', want: { edits: actions.map(edit) } })
const NOTES = ['These rules last until the next reboot, because nobody loads any', 'sessions go on']
const titleOf = (changes: readonly ReturnType<typeof aChange>[], facts = HEALTHY, policy = DEFAULT_POLICY) =>
  unwrittenOf({ changes, notes: NOTES }, facts, policy)?.title

test('rules that were added, and no file by which they come back: a reboot takes them', () => {
  expect(unwrittenOf({ changes: [rules('add')], notes: NOTES }, HEALTHY, DEFAULT_POLICY)).toMatchObject({
    rule: 'not-persistent',
    severity: 'warning',
    title: 'a rule that ctfleet added would not survive a reboot',
    evidence: ['no file was written by which they come back', `its plan: ${NOTES[0]}`],
  })
})

test('not where the plan wrote files, added none, or the policy does not ask', () => {
  expect(titleOf([rules('add'), aChange({ phase: 'persist' })])).toBeUndefined()
  expect(titleOf([rules('remove'), aChange({ kind: 'sysctl' })])).toBeUndefined()
  expect(titleOf([rules('add')], HEALTHY, policyOf('rules: { not-persistent: off }\n'))).toBeUndefined()
})

test('nor where somebody put them into a file that is loaded at boot', () => {
  const text = known(`*raw\n-A OUTPUT -m comment --comment "${KEY}" -j CT --notrack\nCOMMIT\n`)
  const files = [{ path: '/etc/iptables/rules.v4', holds: 'ip', text } as const]
  const facts = factsWith({
    persistence: { loaders: known([{ name: 'netfilter-persistent', sign: '/etc/rc2.d/S01', files }]) },
  })
  expect(titleOf([rules('add')], facts)).toBeUndefined()
})
