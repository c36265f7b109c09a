import { describe, expect, test } from 'vitest'
import { AUDIT_REPORTS } from '../../../src/report/catalog.ts'
import { visible } from '../../../src/report/format.ts'
import { anAudit, audited, evilAudit, largeAudit } from '../an-audit.ts'
import { HOSTILE } from '../hostile.ts'
import { readMarkup, whyNoParser } from '../read-markup.ts'

const page = AUDIT_REPORTS.html.write(anAudit())

test('it tells what was found, what to type, who could not be asked, and what is waived', () => {
  for (const told of [
    '2 of 9 hosts with findings of warning or worse; 2 could not be asked; 1 finding against the policy',
    'table 96 % full (251 658 of 262 144 entries)',
    'counts from 75 % of max; critical from 95 %',
    '<strong>Next:</strong> ctfleet plan --limit web-1</p>',
    'ctfleet plan --limit web-1,web-3,web-4',
    'port 22 refused',
    'the audit was stopped before its turn',
    'sudo wants a password',
    'pooled connections stay silent (NET-412)',
    'the waiver of near-full for web is over since 2026-11-01',
    'off, by the policy',
  ])
    expect(page).toContain(told)
})

test('it runs nothing and loads nothing', () => {
  expect(page).toContain(`content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"`)
  expect(page).not.toMatch(
    /<(?:script|link|iframe|object|embed|form|img|base)\b|\son\w+=|\bsrc=|\bhref=(?!"#)|url\(|@import/i,
  )
})

test('its links lead to parts of it, and headings stand in order', () => {
  const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
  for (const [, name] of page.matchAll(/ href="#([^"]*)"/g)) expect(ids).toContain(name)
  const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level))
  expect(levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1)).toEqual([])
})

test('of a fleet the names of a group beyond some are folded, and every host is in it', () => {
  const large = AUDIT_REPORTS.html.write(largeAudit(200))
  expect(large).toMatch(/<summary>and \d+ hosts more<\/summary>/)
  for (let at = 1; at <= 200; at++) expect(large).toContain(`<th scope="row"><code>web-${at}.example.org</code></th>`)
})

test('where nothing is wrong it says so, and where nobody was asked it is a page all the same', () => {
  const fine = AUDIT_REPORTS.html.write(anAudit({ results: [audited('web-1')], policy: [] }))
  expect(fine).toContain('0 of 1 host with findings of warning or worse')
  expect(AUDIT_REPORTS.html.write(anAudit({ results: [], policy: [] }))).toContain(
    '0 of 0 hosts with findings of warning or worse',
  )
})

describe.skipIf(whyNoParser() !== null)('whatever anybody sent, as another program reads the page', () => {
  test('it has the elements that we wrote and no other, with the text that is visible of it', () => {
    const pages = ['plain', ...HOSTILE].map((evil) => AUDIT_REPORTS.html.write(evilAudit(evil)))
    const [plain, ...all] = readMarkup('html', pages)
    for (const [at, read] of all.entries()) {
      expect(read.broken).toBeNull()
      expect(read.text.split(visible(HOSTILE[at] ?? '')).length).toBeGreaterThan(20)
      expect(read.elements).toEqual(plain?.elements)
    }
  })
})
