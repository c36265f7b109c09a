import { expect, test } from 'vitest'
import { AUDIT_REPORTS } from '../../../src/report/catalog.ts'
import { aFinding, anAudit, audited, evilAudit, largeAudit } from '../an-audit.ts'
import { HOSTILE } from '../hostile.ts'
import { breaches, whyNoXmllint } from './xsd.ts'

const junit = AUDIT_REPORTS.junit.write
const report = junit(anAudit())

test('each rule is a suite, each host that was asked a case, and a rule that is off is none', () => {
  const suites = [...report.matchAll(/<testsuite name="ctfleet audit: ([^"]*)" tests="(\d+)"/g)]
  expect(suites.map(([, name, tests]) => [name, Number(tests)])).toEqual([
    ['asked', 9],
    ['dropping-now', 7],
    ['near-full', 7],
    ['not-persistent', 7],
    ['long-timeouts', 7],
    ['policy', 1],
  ])
})

test('what fails the audit is a failure, what is less bad is output, what is waived is skipped, who is silent an error', () => {
  const caseOf = (host: string, rule: string) => {
    const [, found] =
      new RegExp(`(<testcase name="${host}" classname="ctfleet.audit.${rule}".*?(?:/>|</testcase>))\\n`, 's').exec(
        report,
      ) ?? []
    return found
  }
  expect(caseOf('web-1', 'near-full')).toContain('<failure message="critical: table 96 % full')
  expect(caseOf('web-1', 'near-full')).toContain('\nNext: ctfleet plan --limit web-1<')
  expect(caseOf('web-1', 'long-timeouts')).toContain('<system-out>info: tcp_timeout_established is 5 d\n')
  expect(caseOf('web-5', 'near-full')).toMatch(/"\/>$/)
  expect(caseOf('db-1', 'long-timeouts')).toContain('<skipped>waived until 2027-06-30: pooled')
  expect(caseOf('db-2', 'asked')).toContain('<error message="unreachable: port 22 refused" type="refused">')
  expect(report).toContain(
    '<testcase name="the waiver of near-full for web is over since 2026-11-01" classname="ctfleet.audit.waiver-over">',
  )
})

test('failures follow --fail-on, as the exit code does', () => {
  const failing = (failOn: 'critical' | 'warning' | 'info') => {
    const { made } = anAudit()
    const [, count] = /<testsuites [^>]*failures="(\d+)"/.exec(junit(anAudit({}, { made: { ...made, failOn } }))) ?? []
    return Number(count)
  }
  expect([failing('critical'), failing('warning'), failing('info')]).toEqual([1, 4, 7])
})

test('two findings of one rule on a host are one case with the words of both', () => {
  const twice = [aFinding({ title: 'first' }), aFinding({ title: 'second' })]
  const made = junit(anAudit({ results: [audited('a', ...twice)], policy: [] }))
  expect(made.match(/<failure/g)).toHaveLength(1)
  expect(made).toMatch(/critical: first\n(?:.*\n)*critical: second\n/)
})

test('it keeps to the schema that CI servers share, whatever anybody sent', (context) => {
  const why = whyNoXmllint()
  if (why !== null) return context.skip(why)
  const empty = junit(anAudit({ results: [], policy: [] }))
  const all = [report, empty, junit(largeAudit(200)), ...HOSTILE.map((evil) => junit(evilAudit(evil)))]
  expect(breaches(all)).toEqual([])
})

test('there is nothing but characters of XML 1.0', () => {
  for (const evil of HOSTILE)
    expect(junit(evilAudit(evil))).toMatch(/^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u)
})
