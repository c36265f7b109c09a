import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { paragraph, verbatim, visible } from '../../src/report/format.ts'
import { marked, plain } from './paper.ts'

/** What a hostile host may send, and what a person then sees. */
const HOSTILE: readonly (readonly [name: string, sent: string, seen: string])[] = [
  ['clear the screen', '\x1b[2J\x1b[Hok', '\\x1b[2J\\x1b[Hok'],
  ['overwrite the line', 'failed\rok    ', 'failed\\rok    '],
  ['erase with backspaces', 'bad\b\b\bok', 'bad\\x08\\x08\\x08ok'],
  ['set the window title', '\x1b]0;root@prod\x07', '\\x1b]0;root@prod\\x07'],
  ['open a link without an end', '\x1b]8;;https://evil.example', '\\x1b]8;;https://evil.example'],
  ['write the clipboard', '\x1b]52;c;cm0gLXJm\x1b\\', '\\x1b]52;c;cm0gLXJm\\x1b\\'],
  ['eight-bit control sequence', '\x9b2J', '\\x9b2J'],
  ['turn the text around', 'invoice\u202egpj.exe', 'invoice\\u{202e}gpj.exe'],
  ['isolate', '\u2066a\u2069', '\\u{2066}a\\u{2069}'],
  ['zero width', 'web\u200b-1\ufeff\u2060', 'web\\u{200b}-1\\u{feff}\\u{2060}'],
  ['soft hyphen', 'web\u00ad-1', 'web\\xad-1'],
  ['invisible letters', 'web\u3164\u115f-1', 'web\\u{3164}\\u{115f}-1'],
  ['letters of the tag block', 'a\u{e0041}b', 'a\\u{e0041}b'],
  ['line separators', 'a\u2028b\u2029c\x85d', 'a\\u{2028}b\\u{2029}c\\x85d'],
  ['newline and tab', 'a\nb\tc', 'a\\nb\\tc'],
  ['NUL and DEL', 'a\0b\x7fc', 'a\\0b\\x7fc'],
  ['half a character', 'a\ud800b', 'a\\u{d800}b'],
  ['marks piled on a letter', `a${'\u0301'.repeat(5)}`, `a${'\u0301'.repeat(3)}\\u{0301}\\u{0301}`],
  ['a mark on nothing', '\u0301a', '\\u{0301}a'],
]

describe('what a terminal would obey, or a person could not see, is escaped', () => {
  test.each(HOSTILE)('%s', (_name, sent, seen) => {
    expect(visible(sent)).toBe(seen)
  })
})

test('what is visible stays as it is', () => {
  const text = 'table 96 % full (251\u202f658 of 262\u202f144 entries) — naïve, Zürich, 東京, हिन्दी, é, 👍🏽, C:\\x1b'
  expect(visible(text)).toBe(text)
})

const anyText = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\x1b', '[', '\r', '\u202e', '\u0301', ' ', 'a', '\ud83d', '東', '9', '%', '\n') }),
)

lawTest.prop([anyText])(
  'visible text holds no control or format character, and seeing it again changes nothing',
  (text) => {
    const seen = visible(text)
    expect(seen).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
    expect(visible(seen)).toBe(seen)
  },
)

lawTest.prop([fc.string({ unit: 'grapheme-ascii' })])('printable ASCII is not touched', (text) => {
  expect(visible(text)).toBe(text)
})

lawTest.prop([anyText, fc.integer({ min: 20, max: 120 })])(
  'no line of a paragraph is wider than the paper',
  (text, columns) => {
    const lines = paragraph(plain(columns), { first: '  - ', rest: '    ' }, text, { tone: 'bad', text })
    for (const line of lines) expect(plain(columns).width(line)).toBeLessThanOrEqual(columns)
  },
)

lawTest.prop([anyText, fc.integer({ min: 20, max: 120 })])(
  'the words of a paragraph are those of its text',
  (text, columns) => {
    const lines = paragraph(plain(columns), '', text)
    expect(lines.join('').replaceAll(' ', '')).toBe(visible(text).replaceAll(' ', ''))
  },
)

lawTest.prop([anyText, fc.integer({ min: 20, max: 120 })])(
  'verbatim lines put together are the text, every space in it',
  (text, columns) => {
    const lines = verbatim(plain(columns), { first: '', rest: '' }, text)
    if (text.trim() !== '') expect(lines.join('')).toBe(visible(text))
  },
)

test('a space that alone goes on the next line is not lost', () => {
  const text = `${'x'.repeat(20)} ${'y'.repeat(19)} `
  expect(verbatim(plain(20), { first: '', rest: '' }, text).join('')).toBe(text)
  expect(verbatim(plain(20), { first: '', rest: '' }, `漢漢\u3000'a'\u3000\u0301\u3000`).at(-1)).toBe('\u3000')
})

test('a number stays with its thousands and with what it counts', () => {
  expect(paragraph(plain(18), '', 'it holds 251 658 of 262 144, or 96 % of it')).toEqual([
    'it holds',
    '251 658 of',
    '262 144, or 96 %',
    'of it',
  ])
})

test('a word longer than the line is cut; what comes first hangs out', () => {
  expect(paragraph(plain(20), { first: '- ', rest: '  ' }, `see ${'x'.repeat(40)} there`)).toEqual([
    '- see',
    '  xxxxxxxxxxxxxxxxxx',
    '  xxxxxxxxxxxxxxxxxx',
    '  xxxx there',
  ])
})

test('neighbours of one tone are inked as one', () => {
  const text = { tone: 'bad', text: 'one two three' } as const
  expect(paragraph(marked(12), '', text, ' and more')).toEqual(['<bad:one two>', '<bad:three> and', 'more'])
})

test('a comma in another tone stays with its word', () => {
  const word = { tone: 'bad', text: 'three' } as const
  expect(paragraph(plain(11), '', 'one ', word, ', ', word, '; and')).toEqual(['one three,', 'three; and'])
})

test('a text without end is cut short, and says how long it was', () => {
  const lines = paragraph(plain(80), '', 'x'.repeat(10_000_000))
  expect(lines.length).toBeLessThan(100)
  expect(lines.at(-1)).toMatch(/… \(10000000 characters\)$/)
})

test('wide letters take two columns', () => {
  expect(paragraph(plain(10), '', '東京東京東京東京')).toEqual(['東京東京東', '京東京'])
})
