import { expect, test } from 'vitest'
import { answerShown, inLines } from '../../src/cli/ask.ts'
import { plain } from '../report/paper.ts'

const LONG =
  'web-1.example.com: forget 12 transactions (11 can then not be taken back), but not 1 that must stay for now?'

test('a question that has room stays as it is', () => {
  expect(inLines('web-1: tune, 2 changes. Go ahead?', '(ynsfaqH)', 80)).toBe('web-1: tune, 2 changes. Go ahead?')
})

test('what was answered takes no more room than the keys did', () => {
  expect(answerShown('change: choose another strategy, ask again')).toBe('change')
  expect(answerShown('yes: do this').length).toBeLessThanOrEqual('(ynsfaqH)'.length)
})

test.each([40, 60, 80, 105, 110, 115])(
  'a longer one is broken at spaces, and its answers stay whole, on %i columns',
  (columns) => {
    // As it is drawn: a mark before it, the answers and what is typed behind it.
    const drawn = `? ${inLines(LONG, '(ynsfaqH)', columns)} (ynsfaqH) y`
    const lines = drawn.split('\n')
    for (const line of lines) expect(plain(columns).width(line)).toBeLessThanOrEqual(columns)
    expect(lines.at(-1)).toMatch(/\(ynsfaqH\) y$/)
    expect(drawn.replaceAll(/\s+/g, ' ')).toBe(`? ${LONG} (ynsfaqH) y`)
  },
)
