import { test as property } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { changesSince } from '../../src/audit/since.ts'
import type { AuditFinding, AuditReport } from '../../src/model/audit.ts'
import type { AuditChanges } from '../../src/model/history.ts'
import { aFault } from '../report/fleet.ts'
import { aFinding, audited, reportOf } from '../store/audit-on-record.ts'

const NOTHING: AuditChanges = { new: [], worse: [], better: [], gone: [], lost: [], back: [], left: [] }

function on(host: string, ...findings: readonly AuditFinding[]): AuditReport {
  return reportOf(audited(host, ...findings))
}

function full(usage: string, severity: AuditFinding['severity'] = 'warning'): AuditFinding {
  return aFinding('near-full', severity, { title: `table ${usage} full` })
}

describe('one finding', () => {
  test('that is there again with other numbers has not changed', () => {
    expect(changesSince(on('a', full('96 %')), on('a', full('97 %')))).toEqual(NOTHING)
  })
  test('is new, or gone', () => {
    expect(changesSince(on('a'), on('a', full('96 %')))).toEqual({
      ...NOTHING,
      new: [{ host: 'a', finding: full('96 %') }],
    })
    expect(changesSince(on('a', full('96 %')), on('a'))).toEqual({
      ...NOTHING,
      gone: [{ host: 'a', finding: full('96 %') }],
    })
  })
  test('is worse, or better, by its severity', () => {
    const [warning, critical] = [full('80 %'), full('99 %', 'critical')]
    expect(changesSince(on('a', warning), on('a', critical))).toEqual({
      ...NOTHING,
      worse: [{ host: 'a', before: warning, finding: critical }],
    })
    expect(changesSince(on('a', critical), on('a', warning))).toEqual({
      ...NOTHING,
      better: [{ host: 'a', before: critical, finding: warning }],
    })
  })
  test('whose waiver is over is new, and one that was waived meanwhile is gone', () => {
    const waived = { ...full('96 %'), waived: { reason: 'known', until: '2027-01-31' } }
    expect(changesSince(on('a', waived), on('a', full('96 %'))).new).toHaveLength(1)
    expect(changesSince(on('a', full('96 %')), on('a', waived)).gone).toHaveLength(1)
    expect(changesSince(on('a', waived), on('a'))).toEqual(NOTHING)
  })
  test('of one host says nothing of another', () => {
    const before = reportOf(audited('a', full('96 %')), audited('b'))
    const after = reportOf(audited('a'), audited('b', full('96 %')))
    const changes = changesSince(before, after)
    expect(changes.new).toEqual([{ host: 'b', finding: full('96 %') }])
    expect(changes.gone).toEqual([{ host: 'a', finding: full('96 %') }])
  })
})

describe('several findings of one rule', () => {
  const lost = (name: string, value: number) =>
    aFinding('not-persistent', 'warning', { title: `${name} is ${value} and would not survive a reboot` })

  test('are told apart by what they are about, whatever their order and their numbers', () => {
    const before = on('a', lost('max', 262144), lost('tcp_loose', 0))
    const after = on('a', lost('tcp_loose', 1), lost('max', 524288))
    expect(changesSince(before, after)).toEqual(NOTHING)
  })
  test('one of them that went is gone', () => {
    const changes = changesSince(on('a', lost('max', 1), lost('tcp_loose', 0)), on('a', lost('max', 2)))
    expect(changes).toEqual({ ...NOTHING, gone: [{ host: 'a', finding: lost('tcp_loose', 0) }] })
  })
  test('what cannot be told for another reason is another matter', () => {
    const blind = (what: string) => aFinding('cannot-tell', 'warning', { title: `cannot tell ${what}` })
    const changes = changesSince(on('a', blind('the rules')), on('a', blind('the counters')))
    expect(changes).toMatchObject({
      new: [{ finding: blind('the counters') }],
      gone: [{ finding: blind('the rules') }],
    })
  })
})

describe('hosts', () => {
  const lost = { host: 'a', status: 'unreachable', fault: aFault() } as const

  test('one that cannot be audited any more is lost, and its findings are not said to be gone', () => {
    expect(changesSince(on('a', full('96 %')), reportOf(lost))).toEqual({ ...NOTHING, lost: [lost] })
    expect(changesSince(reportOf(), reportOf(lost))).toEqual({ ...NOTHING, lost: [lost] })
  })
  test('one that still cannot be audited has not changed', () => {
    expect(changesSince(reportOf(lost), reportOf({ ...lost, status: 'failed' }))).toEqual(NOTHING)
  })
  test('one that is back shows what it has as new', () => {
    const changes = changesSince(reportOf(lost), on('a', full('96 %')))
    expect(changes).toEqual({ ...NOTHING, back: ['a'], new: [{ host: 'a', finding: full('96 %') }] })
  })
  test('one that is no longer asked about left, with all that was found on it', () => {
    expect(changesSince(on('a', full('96 %')), reportOf())).toEqual({ ...NOTHING, left: ['a'] })
  })
})

test('what there is against the policy is compared too', () => {
  const over = aFinding('waiver-over', 'warning', { title: 'the waiver of near-full for web is over since 2026-11-01' })
  const changes = changesSince(reportOf(), { ...reportOf(), policy: [over] })
  expect(changes).toEqual({ ...NOTHING, new: [{ host: null, finding: over }] })
})

describe('laws', () => {
  const finding = fc.record({
    rule: fc.constantFrom('near-full', 'not-persistent', 'cannot-tell', 'own'),
    severity: fc.constantFrom('critical' as const, 'warning' as const, 'info' as const),
    title: fc.constantFrom('table 96 % full', 'table 97 % full', 'max is 1', 'max is 2', 'loose is 3'),
    isWaived: fc.boolean(),
  })
  const host = fc.record({
    name: fc.constantFrom('a', 'b', 'c'),
    isLost: fc.boolean(),
    findings: fc.array(finding, { maxLength: 5 }),
  })
  const report = fc.uniqueArray(host, { selector: ({ name }) => name }).map((hosts) =>
    reportOf(
      ...hosts.map(({ name, isLost, findings }) =>
        isLost
          ? ({ host: name, status: 'unreachable', fault: aFault() } as const)
          : audited(
              name,
              ...findings.map(({ isWaived, ...each }) =>
                aFinding(each.rule, each.severity, {
                  title: each.title,
                  waived: isWaived ? { reason: 'r', until: '2027-01-01' } : null,
                }),
              ),
            ),
      ),
    ),
  )
  const counting = (each: AuditReport, hosts: ReadonlySet<string>) =>
    each.results
      .flatMap((result) => (result.status === 'audited' && hosts.has(result.host) ? result.findings : []))
      .filter(({ waived }) => waived === null).length
  const auditedIn = (each: AuditReport) =>
    new Set(each.results.flatMap(({ host: name, status }) => (status === 'audited' ? [name] : [])))

  property.prop([report])('nothing changed since an audit that says the same', (same) => {
    expect(changesSince(same, same)).toEqual(NOTHING)
  })
  property.prop([report, report], { numRuns: 1000 })(
    'what is there now is what was there, less what is gone, with what is new',
    (before, after) => {
      const { new: fresh, gone } = changesSince(before, after)
      const [then, now] = [auditedIn(before), auditedIn(after)]
      const both = new Set([...then].filter((name) => now.has(name)))
      expect(counting(after, now)).toBe(counting(before, both) - gone.length + fresh.length)
    },
  )
  property.prop([report, report], { numRuns: 1000 })(
    'seen from the other end, gone is new and worse is better',
    (before, after) => {
      const [there, back] = [changesSince(before, after), changesSince(after, before)]
      const both = new Set([...auditedIn(before)].filter((name) => auditedIn(after).has(name)))
      const onBoth = (all: readonly { readonly host: string | null }[]) =>
        all.filter(({ host: name }) => both.has(name ?? '')).length
      expect(onBoth(there.new)).toBe(onBoth(back.gone))
      expect(there.worse.length - there.better.length).toBe(back.better.length - back.worse.length)
    },
  )
})
