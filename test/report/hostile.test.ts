import { describe, expect, test } from 'vitest'
import { AUDIT_REPORTS, REPORTS } from '../../src/report/catalog.ts'
import { evilAudit } from './an-audit.ts'
import { ENDLESS, HOSTILE } from './hostile.ts'
import { evilRun } from './incident.ts'
import { plain } from './paper.ts'

/** What holds of every format; what holds of one alone is tested beside it. */

test('the corpus is as large as it says', () => {
  expect(new Set(HOSTILE).size).toBeGreaterThanOrEqual(60)
})

describe.each(HOSTILE)('where everything is %j', (evil) => {
  test('JSON holds the very same texts, and nothing that a terminal would obey', () => {
    const run = REPORTS.json.write({ run: evilRun(evil), later: [] })
    const audit = AUDIT_REPORTS.json.write(evilAudit(evil))
    for (const text of [run, audit]) expect(text).not.toMatch(/(?!\n)\p{Cc}|\p{Bidi_Control}|[\u2028\u2029]/u)
    expect(JSON.parse(run)).toMatchObject({
      by: evil,
      hosts: [{ host: evil }, { host: `${evil}2`, fault: { message: evil } }, {}, {}, {}],
    })
    expect(JSON.parse(audit).hosts[0]).toMatchObject({ host: evil, findings: [{ title: evil, evidence: [evil] }, {}] })
  })

  test('no format holds a character that nobody could see, and each ends its last line', () => {
    const run = { run: evilRun(evil), later: [] }
    const told = [
      ...Object.values(REPORTS).map(({ write }) => write(run, plain(80))),
      ...Object.values(AUDIT_REPORTS).map(({ write }) => write(evilAudit(evil), plain(80))),
    ]
    for (const text of told) {
      expect(text).not.toMatch(/(?!\n)\p{C}|\p{Default_Ignorable_Code_Point}/u)
      expect(text.endsWith('\n')).toBe(true)
    }
  })
})

describe('a line of ten megabytes in every place makes no report without end', () => {
  test.each(['text', 'junit', 'sarif', 'markdown', 'html', 'prometheus'] as const)('an audit as %s', (name) => {
    expect(AUDIT_REPORTS[name].write(evilAudit(ENDLESS), plain(80)).length).toBeLessThan(500_000)
  })

  test.each(['junit', 'markdown', 'html', 'prometheus'] as const)('a run as %s', (name) => {
    expect(REPORTS[name].write({ run: evilRun(ENDLESS), later: [] }).length).toBeLessThan(1_000_000)
  })
})
