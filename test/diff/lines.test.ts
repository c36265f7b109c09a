import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { diffLines, type Hunk, hunks } from '../../src/diff/lines.ts'

const someLines = fc.array(fc.constantFrom('a', 'b', 'c', '', ' a', 'a '), { maxLength: 30 })

lawTest.prop([someLines, someLines])(
  'without its added lines a diff is the old text, without the removed ones the new',
  (before, after) => {
    const lines = diffLines(before, after)
    expect(lines.filter(({ sign }) => sign !== '+').map(({ text }) => text)).toEqual(before)
    expect(lines.filter(({ sign }) => sign !== '-').map(({ text }) => text)).toEqual(after)
  },
)

lawTest.prop([someLines])('equal texts have no hunk', (lines) => {
  expect(hunks(lines, lines)).toEqual([])
})

lawTest.prop([someLines, someLines, fc.integer({ min: 0, max: 4 })])(
  'hunks applied to the old text give the new one',
  (before, after, context) => {
    expect(patched(before, hunks(before, after, context))).toEqual(after)
  },
)

test('a place that changed comes with three lines around it', () => {
  const before = ['1', '2', '3', '4', '5', '6', '7', '8', '9']
  const after = ['1', '2', '3', '4', 'five', '6', '7', '8', '9']
  expect(hunks(before, after)).toEqual([
    {
      beforeStart: 2,
      beforeLines: 7,
      afterStart: 2,
      afterLines: 7,
      lines: [
        { sign: ' ', text: '2' },
        { sign: ' ', text: '3' },
        { sign: ' ', text: '4' },
        { sign: '-', text: '5' },
        { sign: '+', text: 'five' },
        { sign: ' ', text: '6' },
        { sign: ' ', text: '7' },
        { sign: ' ', text: '8' },
      ],
    },
  ])
})

describe('a side without lines counts as diff(1) counts it', () => {
  test('all new', () => {
    expect(hunks([], ['a'])[0]).toMatchObject({ beforeStart: 0, beforeLines: 0, afterStart: 1, afterLines: 1 })
  })
  test('all gone', () => {
    expect(hunks(['a', 'b'], [])[0]).toMatchObject({ beforeStart: 1, beforeLines: 2, afterStart: 0, afterLines: 0 })
  })
})

test('texts that have nothing in common do not hold up the plan', () => {
  const many = (prefix: string) => Array.from({ length: 20_000 }, (_, at) => `${prefix} ${at}`)
  const startedAt = performance.now()
  const lines = diffLines(['same', ...many('a'), 'end'], ['same', ...many('b'), 'end'])
  expect(performance.now() - startedAt).toBeLessThan(5000)
  expect(lines.length).toBe(40_002)
  expect([lines[0], lines.at(-1)]).toEqual([
    { sign: ' ', text: 'same' },
    { sign: ' ', text: 'end' },
  ])
})

function patched(before: readonly string[], all: readonly Hunk[]): readonly string[] {
  const result: string[] = []
  let at = 0
  for (const { beforeStart, beforeLines, lines } of all) {
    const start = beforeLines === 0 ? beforeStart : beforeStart - 1
    result.push(...before.slice(at, start), ...lines.filter(({ sign }) => sign !== '-').map(({ text }) => text))
    at = start + beforeLines
  }
  return [...result, ...before.slice(at)]
}
