import { describe, expect, test } from 'vitest'
import { reviewOf } from '../../../src/report/catalog/review.ts'
import { visible } from '../../../src/report/format.ts'
import { runJunit } from '../../../src/report/junit/run.ts'
import { aFault, aPlan, aRun } from '../fleet.ts'
import { HOSTILE } from '../hostile.ts'
import { evilRun, INCIDENT } from '../incident.ts'
import { type Read, readMarkup, whyNoParser } from '../read-markup.ts'
import { breaches, whyNoXmllint } from './xsd.ts'

const report = runJunit(reviewOf(INCIDENT, []))

test('a run is one suite, each host a case, worst first', () => {
  expect(report).toContain(
    '<testsuite name="ctfleet apply 20261126-0942-7f3a" tests="11" failures="4" errors="1" time="49" skipped="2" timestamp="2026-11-26T09:42:11">',
  )
  expect(report.match(/<testsuite /g)).toHaveLength(1)
  expect([...report.matchAll(/<testcase name="([^"]*)"/g)].map(([, name]) => name)).toEqual(
    reviewOf(INCIDENT, []).hosts.map(({ host }) => host),
  )
  expect(report).toContain('<testcase name="web-6" classname="ctfleet.apply.tune">')
  expect(report).toContain('Next: on the host: cat /var/lib/ctfleet/77ffee0011/journal')
})

test('a run that is not ended has no time', () => {
  const open = runJunit(reviewOf(aRun({ endedAt: null }), []))
  expect(open).not.toContain(' time=')
  expect(open).toContain('<property name="ended" value="not ended"/>')
})

test('there is nothing but characters of XML 1.0', () => {
  for (const evil of HOSTILE) {
    expect(runJunit(reviewOf(evilRun(evil), []))).toMatch(
      /^[\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]*$/u,
    )
  }
})

test('it keeps to the schema that CI servers share, whatever anybody sent', (context) => {
  const why = whyNoXmllint()
  if (why !== null) return context.skip(why)
  const open = runJunit(reviewOf(aRun({ endedAt: null, results: [] }), []))
  expect(breaches([report, open, ...HOSTILE.map((evil) => runJunit(reviewOf(evilRun(evil), [])))])).toEqual([])
})

describe.skipIf(whyNoParser() !== null)('as another program reads it', () => {
  test('it counts what it has', () => {
    const [read] = readMarkup('xml', [report])
    expect(read?.broken).toBeNull()
    if (read !== undefined) checkCounts(read)
  })

  test('whatever anybody sent, it is well-formed, of the same elements, and says what is visible of it', () => {
    const [plain, ...all] = readMarkup(
      'xml',
      ['plain', ...HOSTILE].map((evil) => runJunit(reviewOf(evilRun(evil), []))),
    )
    for (const [at, read] of all.entries()) {
      const seen = visible(HOSTILE[at] ?? '')
      expect(read.broken).toBeNull()
      expect(read.elements.map(([name]) => name)).toEqual(plain?.elements.map(([name]) => name))
      expect(read.text).toContain(`${seen}\nNext: ${seen}`)
      expect(read.elements).toContainEqual(['testcase', { name: `${seen}3`, classname: 'ctfleet.apply' }])
      checkCounts(read)
    }
  })

  test('words without end are cut', () => {
    const fault = aFault({ message: ']]>'.repeat(350_000) })
    const results = [{ host: 'a', status: 'refused', plan: aPlan('a'), fault }] as const
    const made = runJunit(reviewOf(aRun({ results }), []))
    expect(readMarkup('xml', [made])[0]?.broken).toBeNull()
    expect(made.length).toBeLessThan(50_000)
  })
})

/** The numbers of a suite are those of what is in it. */
function checkCounts({ elements }: Read): void {
  const count = (wanted: string) => String(elements.filter(([name]) => name === wanted).length)
  const [, suite] = elements.find(([name]) => name === 'testsuite') ?? []
  expect(suite).toMatchObject({
    tests: count('testcase'),
    failures: count('failure'),
    errors: count('error'),
    skipped: count('skipped'),
    timestamp: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/),
  })
}
