import { describe, expect, test } from 'vitest'
import type { Traces } from '../../src/audit/drift/traces.ts'
import { driftOf, isInQuestion } from '../../src/audit/drift.ts'
import { DEFAULT_POLICY } from '../../src/audit/policy.ts'
import type { Change } from '../../src/model/change.ts'
import { known, type Reading, unknown } from '../../src/model/reading.ts'
import type { VerifiedChange, VerifyResult } from '../../src/model/verification.ts'
import { liveRules } from '../../src/strategies/live-rules.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'
import { aFault } from '../report/fleet.ts'
import { policyOf, rulesOf } from './auditing.ts'
import { aChange, NO_TRACES, SET_MAX } from './drifting.ts'

const verified = (title: string, inForce: Reading<boolean> | null, now: readonly string[] = []): VerifiedChange => ({
  title,
  phase: 'runtime',
  inForce,
  shown: { now, applied: ['net.netfilter.nf_conntrack_max = 500000'] },
})
type Looked = Extract<VerifyResult, { readonly changes: readonly VerifiedChange[] }>
const looked = (
  status: Looked['status'],
  changes: readonly VerifiedChange[],
  more: Partial<Looked> = {},
): VerifyResult =>
  ({
    host: 'web-1',
    status,
    transaction: '7f3a',
    restarted: known(false),
    journal: 'stands',
    remark: null,
    changes,
    ...more,
  }) as Looked

const GONE = looked('not-in-force', [
  verified('set max', known(false), ['net.netfilter.nf_conntrack_max = 262144']),
  verified('set another', known(true)),
])
const CHANGES: readonly Change[] = [SET_MAX, SET_MAX]

const found = (seen: VerifyResult, more: Partial<Parameters<typeof driftOf>[0]> = {}, policy = DEFAULT_POLICY) => {
  const facts = more.facts ?? HEALTHY
  const base = { looked: seen, changes: CHANGES, strategy: 'tune', facts, live: liveRules(facts), traces: NO_TRACES }
  return driftOf({ ...base, ...more }, policy)
}

describe('what ctfleet applied', () => {
  test('is told with what is gone, what is there instead, and that nothing shows who did it', () => {
    expect(found(GONE)).toMatchObject({
      rule: 'drift',
      severity: 'warning',
      title: '1 of 2 changes that ctfleet applied is not in force, by a person or a program that leaves no trace',
      evidence: [
        'set max',
        'applied, and not there: net.netfilter.nf_conntrack_max = 500000',
        'there now: net.netfilter.nf_conntrack_max = 262144',
        'nothing on the host shows who: a person, or a program that leaves no trace',
      ],
      by: [],
    })
  })

  test('by the one whose configuration makes the value that is there', () => {
    const settings = known(new Map([['/etc/sysctl.d/99-db.conf', ['net.netfilter.nf_conntrack_max=262144']]]))
    const finding = found(GONE, { traces: { ...NO_TRACES, settings } })
    expect(finding?.title).toContain('most likely by /etc/sysctl.d/99-db.conf')
    expect(finding?.by).toMatchObject([{ certainty: 'likely' }])
  })

  test('and lost by a restart is nobody’s doing but the restart’s, and what files make of it stands beside', () => {
    const settings = known(new Map([['/etc/sysctl.d/99-db.conf', ['net.netfilter.nf_conntrack_max=262144']]]))
    const finding = found({ ...GONE, restarted: known(true) } as VerifyResult, { traces: { ...NO_TRACES, settings } })
    expect(finding?.title).toBe('1 of 2 changes that ctfleet applied did not survive the restart')
    expect(finding?.by?.map(({ who }) => who)).toEqual(['the restart', '/etc/sysctl.d/99-db.conf'])
  })

  test('and taken back on the host itself is ctfleet’s own doing', () => {
    const seen = { ...GONE, journal: 'taken-back', remark: 'it was taken back on the host itself' } as VerifyResult
    expect(found(seen)).toMatchObject({
      by: [{ who: 'ctfleet', certainty: 'certain' }],
      remedy: expect.stringMatching(/^ctfleet rollback RUN/),
    })
  })

  test.each(['missing', 'unclear'] as const)('is not put to ctfleet where its journal is %s', (journal) => {
    const remark = 'the host knows nothing of its transaction any more: it was cleaned, or taken back'
    const seen = { ...GONE, journal, remark, restarted: unknown('the host holds none') } as VerifyResult
    const settings = known(new Map([['/etc/sysctl.d/99-db.conf', ['net.netfilter.nf_conntrack_max=262144']]]))
    expect(found(seen, { traces: { ...NO_TRACES, settings } })).toMatchObject({
      title: '1 of 2 changes that ctfleet applied is not in force, most likely by /etc/sysctl.d/99-db.conf',
      by: [
        { who: '/etc/sysctl.d/99-db.conf', certainty: 'likely' },
        { who: 'ctfleet', certainty: 'possible', evidence: [remark] },
      ],
      remedy: expect.stringMatching(/^ctfleet plan/),
    })
    expect(found(seen)).toMatchObject({
      title: '1 of 2 changes that ctfleet applied is not in force, and ctfleet may have done it',
      by: [{ who: 'ctfleet', certainty: 'possible' }],
    })
  })

  test('is none where all is in force, or the policy does not ask', () => {
    expect(found(looked('in-force', [verified('max', known(true)), verified('entries', null)]))).toBeNull()
    expect(found(GONE, {}, policyOf('rules: { drift: off }\n'))).toBeNull()
  })

  test('and could not be looked at is said to be so', () => {
    const unread = looked('unsure', [verified('max', unknown('permission denied'))])
    const lost: VerifyResult = { host: 'web-1', status: 'unreachable', fault: aFault({ message: 'it is gone' }) }
    expect(found(unread)).toMatchObject({ rule: 'cannot-tell', evidence: ['permission denied'] })
    expect(found(lost)).toMatchObject({ rule: 'cannot-tell', evidence: ['it is gone'] })
  })

  test('and what nobody could look into is named, since the answer may be there', () => {
    const traces: Traces = { ...NO_TRACES, acts: unknown('it told more than is taken in') }
    expect(found(GONE, { traces })?.evidence.at(-1)).toBe(
      'what sudo has on record is not known: it told more than is taken in',
    )
  })
})

describe('tracking that unload ended', () => {
  const inForce = looked('in-force', [verified('remove 1 rule', known(true))])
  const facts = factsWith({
    firewall: rulesOf(`*nat
:PREROUTING ACCEPT [0:0]
:DOCKER - [0:0]
-A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
COMMIT
`),
  })
  const look = { looked: inForce, changes: [aChange()], strategy: 'unload', facts, live: liveRules(facts) }

  test('is in question once a rule needs it again, and the rule’s mark names who brought it', () => {
    expect(isInQuestion(look)).toBe(true)
    expect(driftOf({ ...look, traces: NO_TRACES }, DEFAULT_POLICY)).toMatchObject({
      title: 'connections are tracked again, which ctfleet had ended, by docker',
      by: [{ who: 'docker', certainty: 'certain' }],
    })
  })

  test('is not in question under any other strategy, nor without such a rule', () => {
    expect(isInQuestion({ ...look, strategy: 'notrack' })).toBe(false)
    expect(isInQuestion({ ...look, live: liveRules(HEALTHY) })).toBe(false)
  })
})
