import { describe, expect, test } from 'vitest'
import type { Explanation } from '../../../src/model/explanation.ts'
import { known, unknown } from '../../../src/model/reading.ts'
import { explanationText } from '../../../src/report/text/explanation.ts'
import { EXPLAINED, EXPLAINED_FLEET } from '../explained.ts'
import { aFault } from '../fleet.ts'
import { marked, plain } from '../paper.ts'

describe('hosts explained', () => {
  test.each([80, 200])('on %i columns', async (columns) => {
    const text = explanationText(plain(columns), EXPLAINED_FLEET).join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/explain-${columns}.txt`)
  })

  test('with colour, the words are the same', () => {
    const coloured = explanationText(marked(80), EXPLAINED_FLEET).join('\n')
    const bare = coloured.replace(/<(?:strong|faint|good|warn|bad):([^>]*)>/g, '$1')
    expect(bare).toBe(explanationText(plain(80), EXPLAINED_FLEET).join('\n'))
  })
})

test('no line is wider than the paper', () => {
  for (const columns of [40, 80, 137, 200]) {
    const paper = plain(columns)
    for (const line of explanationText(paper, EXPLAINED_FLEET)) expect(paper.width(line)).toBeLessThanOrEqual(columns)
  }
})

test('a number that is not known says why, in its place', () => {
  const [, notrack] = EXPLAINED.strategies
  if (notrack?.effect.remedy !== 'notrack') throw new Error('another fixture')
  const effect = { ...notrack.effect, entriesFreed: unknown('only root may read it') }
  const text = textOf({ ...EXPLAINED, strategies: [{ ...notrack, effect }] })
  expect(text).toMatch(/ {4}entries {13}not known: only root may read it/)
})

test('where it is not known who fills the table, no port is called not worth it', () => {
  const [, notrack] = EXPLAINED.strategies
  if (notrack?.effect.remedy !== 'notrack') throw new Error('another fixture')
  const { effect } = notrack
  const ports = (share: typeof effect.share) =>
    textOf({ ...EXPLAINED, strategies: [{ ...notrack, effect: { ...effect, services: [], share } }] })
  expect(ports(known({ value: 0, low: 0, high: 0 }))).toMatch(/ {4}ports {15}none worth leaving out/)
  expect(ports(unknown('no list of entries'))).toMatch(/ {4}ports {15}not known: no list of entries/)
})

test('what a strategy that does not fit would change is said as what would be', () => {
  const [unload, , tune] = EXPLAINED.strategies
  if (unload === undefined || tune === undefined) throw new Error('another fixture')
  const [blocked, unsure] = [unload, tune].map((each) => textOf({ ...EXPLAINED, strategies: [each] }))
  expect(blocked).toMatch(/ {4}If it fitted:\n {4}entries {13}all 251.658 would go, and no new one would come\n/)
  expect(blocked).toContain('77.3 MiB would be freed')
  expect(unsure).toMatch(/If it fitted:\n {4}max {17}262.144, would be 503.316\n {4}buckets {13}65.536, would stay\n/)
  const fits = { ...unload, verdict: { ...unload.verdict, verdict: 'eligible' } } as const
  const eligible = textOf({ ...EXPLAINED, strategies: [fits] })
  expect(eligible).toContain('go, and no new one comes')
  expect(eligible).not.toMatch(/would go|If it fitted/)
})

test('a figure says where it comes from, as its playbook has it', () => {
  const [, , tune] = EXPLAINED.strategies
  if (tune === undefined) throw new Error('another fixture')
  const vars = { max_because: ['the formula, of ', 1024, ' things'] }
  const text = textOf({ ...EXPLAINED, strategies: [{ ...tune, verdict: { ...tune.verdict, vars } }] })
  expect(text).toContain('262\u202f144, would be 503\u202f316: the formula, of 1\u202f024 things\n')
})

test('of a host that a transaction has nothing would be chosen, and what to type comes first', () => {
  const locked = aFault({ code: 'locked', message: 'it is locked', next: 'ctfleet resume 7f3a' })
  const choice = { strategy: null, why: locked.message }
  const text = textOf({ ...EXPLAINED, locked, health: 'cannot-tell', choice })
  expect(text).toMatch(
    /^1 host: 1 locked\n\na: nothing would be chosen\n {2}it is locked\n {2}Next: ctfleet resume 7f3a\n/,
  )
  expect(text).not.toContain('First aid')
})

describe('where nothing was chosen', () => {
  const none: Explanation = { ...EXPLAINED, choice: { strategy: null, why: 'no strategy fits this host' } }
  const judged = (verdict: 'eligible' | 'ineligible') =>
    none.strategies.map((each) => ({
      ...each,
      verdict: { ...each.verdict, verdict, vars: each.verdict.strategy === 'tune' ? { first_aid: 'type this' } : {} },
    }))

  test('first aid is the last word', () => {
    const text = textOf({ ...none, strategies: judged('ineligible') })
    expect(text).toMatch(/\n {2}First aid\n {4}- type this$/)
  })

  test('a strategy that fits all the same comes before it', () => {
    const text = textOf({ ...none, health: 'cannot-tell', strategies: judged('eligible') })
    expect(text).toMatch(/First aid\n {4}- unload fits, if you want it: ctfleet plan --limit a --strategy unload$/)
  })

  test('a healthy host, and one that has a strategy, get none', () => {
    const strategies = judged('ineligible')
    expect(textOf({ ...none, health: 'healthy', strategies })).not.toContain('First aid')
    expect(textOf({ ...EXPLAINED, strategies })).not.toContain('First aid')
  })
})

test.each([
  ['connect-timed-out', true],
  ['handshake-timed-out', true],
  ['refused', false],
  ['auth', false],
] as const)('a host that is unreachable by %s: whether a full table may be why', (code, isHinted) => {
  const text = explanationText(plain(300), [{ host: 'a', status: 'unreachable', fault: aFault({ code }) }]).join()
  expect(text.includes('sysctl -w net.netfilter.nf_conntrack_max=N')).toBe(isHinted)
})

test('nothing that a host or a document of facts says reaches the terminal as it was said', () => {
  const bad = 'a\x1b[2J\u202e\r\b'
  const [unload] = EXPLAINED.strategies
  if (unload === undefined || !EXPLAINED.ports.known) throw new Error('another fixture')
  const [decision] = EXPLAINED.ports.value
  if (decision === undefined) throw new Error('another fixture')
  const text = textOf({
    ...EXPLAINED,
    findings: [{ rule: 'near-full', severity: 'warning', title: bad, evidence: [bad] }],
    table: { ...EXPLAINED.table, entrySize: { bytes: 320, measured: false, why: bad }, max: unknown(bad) },
    strategies: [
      { title: bad, verdict: { strategy: bad, verdict: 'unsure', reasons: [bad], vars: {} }, effect: unload.effect },
      { ...unload, effect: { remedy: 'other', why: bad } },
    ],
    choice: { strategy: bad, why: bad },
    ports: known([{ ...decision, protocol: bad, why: bad }]),
  })
  expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
})

function textOf(explanation: Explanation): string {
  return explanationText(plain(80), [{ host: 'a', status: 'explained', explanation }]).join('\n')
}
