import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { reviewOf } from '../../../src/report/catalog/review.ts'
import { visible } from '../../../src/report/format.ts'
import { code, fenced, prose, row } from '../../../src/report/markdown/markdown.ts'
import { runMarkdown } from '../../../src/report/markdown/run.ts'
import { aChange, aFault, aPlan, aRun } from '../fleet.ts'
import { HOSTILE } from '../hostile.ts'
import { evilRun, INCIDENT } from '../incident.ts'
import { withoutCode } from '../without-code.ts'

const anyText = fc.oneof(
  fc.constantFrom(...HOSTILE),
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('`', '|', '\\', '<', '*', ' ', 'a', '1', '.', '@', ':', '/', '[', '&', '\n') }),
)

test('a run as a channel has it', async () => {
  await expect(runMarkdown(reviewOf(INCIDENT, []))).toMatchFileSnapshot('../screens/run.md')
})

lawTest.prop([anyText])('prose is read back as what is visible of it, and nothing in it can be live', (text) => {
  const made = prose(text)
  // CommonMark: a backslash before ASCII punctuation is that character, and nothing else.
  expect(made.replace(/\\([!-/:-@[-`{-~])/g, '$1')).toBe(visible(text))
  const bare = made.replace(/\\[!-/:-@[-`{-~]/g, '·')
  expect(bare).not.toMatch(/[<>&`*_[\]|~#@$\\]|:\/\/|www\./i)
})

lawTest.prop([anyText.filter((text) => text !== '' && !visible(text).includes('\\|'))])(
  'code holds its text whole, whatever backticks are in it',
  (text) => {
    const made = code(text)
    const [, fence = '', inside = ''] = /^(`+)(.*?)\1$/s.exec(made) ?? []
    expect(inside.match(/`+/g) ?? []).not.toContain(fence)
    const stripped = /^ .* $/s.test(inside) && /[^ ]/.test(inside) ? inside.slice(1, -1) : inside
    expect(stripped.trim()).toBe(visible(text).trim())
  },
)

lawTest.prop([fc.array(anyText, { minLength: 1, maxLength: 5 })])(
  'a row has as many cells as it was given',
  (texts) => {
    for (const cells of [texts.map(prose), texts.map(code)]) {
      const bars = row(cells).replace(/\\./g, '').match(/\|/g) ?? []
      expect(bars).toHaveLength(cells.length + 1)
    }
  },
)

test('a backslash before a bar ends no cell, however it is read', () => {
  for (const text of ['\\|', '\\\\|', '`\\|`']) {
    const made = row([code(text), 'next'])
    // Some take `\\` for a pair, some only look at the character before the bar.
    expect(made.replace(/\\./g, '').match(/\|/g)).toHaveLength(3)
    expect(made.match(/(?<!\\)\|/g)).toHaveLength(3)
  }
})

lawTest.prop([fc.array(anyText)])('no line ends its fence', (lines) => {
  const [head = '', ...rest] = fenced('diff', lines)
  const fence = head.slice(0, -'diff'.length)
  expect(rest.at(-1)).toBe(fence)
  expect(rest.slice(0, -1).some((line) => line.includes(fence))).toBe(false)
  expect(rest).toHaveLength(lines.length + 1)
})

describe.each(HOSTILE)('a run in which everything is %j', (evil) => {
  const lines = runMarkdown(reviewOf(evilRun(evil), [])).split('\n')

  test('has no live HTML, link, image or mention outside of code', () => {
    const bare = withoutCode(lines).map((line) => line.replace(/\\[!-/:-@[-`{-~]/g, '·'))
    for (const line of bare) expect(line).not.toMatch(/[<>&@]|\]\(|:\/\/|www\./)
  })

  test('has the lines that we wrote and no other', () => {
    const plain = runMarkdown(reviewOf(evilRun('plain'), [])).split('\n')
    expect(lines).toHaveLength(plain.length)
    expect(lines.filter((line) => /^#{1,3} /.test(line))).toHaveLength(
      plain.filter((line) => /^#{1,3} /.test(line)).length,
    )
  })
})

test('a channel is spared a fleet: names and hosts past some are counted, and no line has no end', () => {
  const fault = aFault({ message: 'x'.repeat(1_000_000) })
  const down = Array.from({ length: 5000 }, (_, at) => ({ host: `h${at}`, status: 'unreachable', fault }) as const)
  const change = aChange({ shown: { before: [], after: ['y'.repeat(1_000_000)] } })
  const work = { host: 'a', status: 'declined', plan: aPlan('a', { changes: [change] }) } as const
  const text = runMarkdown(reviewOf(aRun({ results: [...down, work] }), []))
  expect(text).toMatch(/and 4\s980 more/)
  expect(text).toMatch(/And 4\s901 hosts more/)
  expect(text.length).toBeLessThan(50_000)
})

/** Fenced blocks go, then code within a line. */
