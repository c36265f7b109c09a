import { describe, expect, test } from 'vitest'
import { reviewOf } from '../../../src/report/catalog/review.ts'
import { visible } from '../../../src/report/format.ts'
import { runHtml } from '../../../src/report/html/run.ts'
import { aFault, aPlan, aRun } from '../fleet.ts'
import { HOSTILE } from '../hostile.ts'
import { evilRun, INCIDENT } from '../incident.ts'
import { readMarkup, whyNoParser } from '../read-markup.ts'
import { summaryOf } from '../run-summary.ts'

const LATER = summaryOf(aRun({ id: '20261126-1003-02b1', command: 'rollback', endedAt: null }))
const page = runHtml(reviewOf(INCIDENT, [LATER]))
const pageOf = (evil: string) => runHtml(reviewOf(evilRun(evil), [summaryOf(evilRun(evil))]))

describe('the page alone', () => {
  test('runs nothing, loads nothing, and has the browser hold it to that', () => {
    expect(page).toContain(
      `<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'">`,
    )
    expect(page).not.toMatch(
      /<(?:script|link|iframe|object|embed|form|img|base)\b|\son\w+=|\bsrc=|\bhref=(?!"#)|url\(|@import/i,
    )
    // The policy has to come before the first thing that it could forbid.
    expect(page.indexOf('Content-Security-Policy')).toBeLessThan(page.indexOf('<style>'))
  })

  test('tells what a review asks for', () => {
    for (const told of [
      '3 of 11 hosts changed',
      'alice@bastion',
      '2026-11-26 09:42:11 UTC',
      'table 96 % full (251 658 of 262 144 entries)',
      '<del>- net.netfilter.nf_conntrack_max = 262144</del>',
      '<ins>+ net.netfilter.nf_conntrack_max = 1572864</ins>',
      'port 443 no longer answered after the change',
      'go.txt:3 CHG-7',
      '20261126-1003-02b1',
      '<strong>Next:</strong>',
      '<strong>620\u202fpackets/s</strong>',
      '<strong>0\u202fpackets/s</strong>',
      '10 hosts were under pressure. 2 dropped 1\u202f240\u202fpackets/s before the change and 0\u202fpackets/s after it',
    ]) {
      expect(page).toContain(told)
    }
  })

  test('a table that is over its max, and one without any, make no bar that leaves its frame', () => {
    const widths = [400, 0].map((entries) => {
      const finding = {
        rule: 'near-full',
        severity: 'critical',
        title: 't',
        evidence: [],
        table: { entries, max: entries / 4 },
      } as const
      const results = [{ host: 'a', status: 'declined', plan: aPlan('a', { findings: [finding] }) }] as const
      return /<svg class="bar".*?<rect class="([^"]*)" width="([^"]*)"/
        .exec(runHtml(reviewOf(aRun({ results }), [])))
        ?.slice(1)
    })
    expect(widths).toEqual([
      ['fill bad', '100'],
      ['fill good', '0'],
    ])
  })

  test('many works are folded, few stand open', () => {
    const results = (count: number) =>
      Array.from({ length: count }, (_, at) => {
        const plan = aPlan(`h${at}`, { strategy: `s${at}` })
        return { host: `h${at}`, status: 'declined', plan } as const
      })
    expect(
      runHtml(reviewOf(aRun({ results: results(12) }), [])).match(/<details open>\n<summary>2 changes/g),
    ).toHaveLength(12)
    expect(runHtml(reviewOf(aRun({ results: results(13) }), []))).not.toContain('<details open>')
  })

  test('a run without a host is a page all the same', () => {
    expect(runHtml(reviewOf(aRun({ results: [] }), []))).toContain('0 of 0 hosts changed')
  })
})

describe('who cannot see it well', () => {
  test('headings stand in order, beginning with one', () => {
    const levels = [...page.matchAll(/<h(\d)/g)].map(([, level]) => Number(level))
    expect(levels.filter((level) => level === 1)).toEqual([1])
    expect(levels.filter((level, at) => level > (levels[at - 1] ?? 0) + 1)).toEqual([])
  })

  test('the language and the landmarks are named, and so is every table and its heads', () => {
    expect(page).toContain('<html lang="en">')
    for (const landmark of ['header', 'main', 'footer'])
      expect(page.match(new RegExp(`<${landmark}>`, 'g'))).toHaveLength(1)
    expect(page).not.toMatch(/<th(?! scope="(?:col|row)")[ >]/)
    expect(page.match(/<table>\n<(?!caption)/g) ?? []).toEqual([])
    const ids = [...page.matchAll(/ id="([^"]*)"/g)].map(([, id]) => id)
    expect(new Set(ids).size).toBe(ids.length)
    for (const [, name] of page.matchAll(/ href="#([^"]*)"/g)) expect(ids).toContain(name)
    for (const [, name] of page.matchAll(/aria-labelledby="([^"]*)"/g)) expect(ids).toContain(name)
  })

  test.each(['light', 'dark', 'print'])('on %s, text is told from its ground: a contrast of 4.5 at least', (which) => {
    const at = { light: 0, dark: 1, print: 2 }[which] ?? 0
    const block = [...page.matchAll(/:root \{([^}]*)\}/g)][at]?.[1] ?? ''
    const colours = Object.fromEntries(
      [...block.matchAll(/--([\w-]+): (#[0-9a-f]{6})/g)].map(([, name, hex]) => [name, hex]),
    )
    const texts = ['text', 'faint', 'good', 'warn', 'bad', 'link']
    const pairs = [
      ...texts.flatMap((text) => [
        [text, 'ground'],
        [text, 'panel'],
      ]),
      ['added', 'added-ground'],
      ['removed', 'removed-ground'],
    ]
    const poor = pairs.filter(([text = '', ground = '']) => contrast(colours[text], colours[ground]) < 4.5)
    expect(poor).toEqual([])
  })
})

describe.skipIf(whyNoParser() !== null)('whatever anybody sent, as another program reads the page', () => {
  test('it has the elements that we wrote and no other, with the text that is visible of it', () => {
    const [plain, ...all] = readMarkup('html', ['plain', ...HOSTILE].map(pageOf))
    for (const [at, read] of all.entries()) {
      const evil = HOSTILE[at] ?? ''
      expect(read.broken).toBeNull()
      expect(read.text.split(visible(evil)).length).toBeGreaterThan(20)
      expect(read.elements).toEqual(plain?.elements)
    }
  })

  test('a line of a hundred thousand characters is whole in the diff, and cut elsewhere', () => {
    const line = '<b>'.repeat(33_333)
    const plan = aPlan('a', {
      changes: aPlan('a')
        .changes.slice(0, 1)
        .map((change) => ({ ...change, shown: { before: [], after: [line] } })),
    })
    const fault = aFault({ message: line })
    const results = [
      { host: 'a', status: 'refused', plan, fault },
      { host: 'b', status: 'unreachable', fault },
    ] as const
    const made = runHtml(reviewOf(aRun({ results }), []))
    const [read] = readMarkup('html', [made])
    expect(read?.text).toContain(`+ ${line}`)
    expect(read?.text.split(line).length).toBe(2)
    expect(made.length).toBeLessThan(1_000_000)
  })
})

/** WCAG 2.1: (lighter + 0.05) / (darker + 0.05), of relative luminances. */
function contrast(one = '#000000', other = '#000000'): number {
  const [darker = 0, lighter = 0] = [luminance(one), luminance(other)].toSorted((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance(hex: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => {
    const part = Number.parseInt(hex.slice(at, at + 2), 16) / 255
    return part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4
  })
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
