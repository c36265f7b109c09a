import MarkdownIt from 'markdown-it'
import { describe, expect, test } from 'vitest'
import { AUDIT_REPORTS, REPORTS } from '../../../src/report/catalog.ts'
import { visible } from '../../../src/report/format.ts'
import { anAudit, evilAudit } from '../an-audit.ts'
import { HOSTILE } from '../hostile.ts'
import { evilRun, INCIDENT } from '../incident.ts'

/** As a channel that allows everything would: HTML, tables, and whatever looks like an address as a link. */
const reader = new MarkdownIt({ html: true, linkify: true })

/** What it makes of a text: every kind of element, and all words. */
function read(text: string) {
  const tokens = reader.parse(text, {}).flatMap((token) => [token, ...(token.children ?? [])])
  const words = tokens.flatMap(({ type, content }) =>
    ['text', 'code_inline', 'fence', 'text_special'].includes(type) ? [content] : [],
  )
  return { kinds: tokens.map(({ type }) => type).filter((type) => !WORDS.has(type)), words: words.join('') }
}

/** They follow each other in other numbers where a text has characters of their own. */
const WORDS: ReadonlySet<string> = new Set(['text', 'text_special', 'code_inline'])

const ALIVE = [
  'html_block',
  'html_inline',
  'link_open',
  'image',
  'em_open',
  's_open',
  'hr',
  'blockquote_open',
  'code_block',
]

const TOLD: readonly (readonly [string, (evil: string) => string])[] = [
  ['a run', (evil) => REPORTS.markdown.write({ run: evilRun(evil), later: [] })],
  ['an audit', (evil) => AUDIT_REPORTS.markdown.write(evilAudit(evil))],
]

describe.each(TOLD)('%s', (_what, write) => {
  const plain = read(write('plain')).kinds

  test.each(HOSTILE)('in which everything is %j is of the same elements, and says what is visible of it', (evil) => {
    const { kinds, words } = read(write(evil))
    expect(kinds.filter((kind) => ALIVE.includes(kind))).toEqual([])
    expect(kinds).toEqual(plain)
    expect(words).toContain(visible(evil).trim())
  })
})

test('the reader sees what is alive', () => {
  expect(read('a <b>b</b> [c](http://d) https://e.org *f*').kinds).toEqual(
    expect.arrayContaining(['html_inline', 'link_open', 'em_open']),
  )
})

test('an audit as a ticket has it', async () => {
  await expect(AUDIT_REPORTS.markdown.write(anAudit())).toMatchFileSnapshot('../screens/audit.md')
  expect(read(AUDIT_REPORTS.markdown.write(anAudit())).kinds).toContain('table_open')
  expect(read(REPORTS.markdown.write({ run: INCIDENT, later: [] })).kinds).toContain('fence')
})
