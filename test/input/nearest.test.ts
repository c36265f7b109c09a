import fc from 'fast-check'
import { expect, test } from 'vitest'
import { nearest } from '../../src/input/nearest.ts'

const cases: readonly [word: string, meant: string | undefined][] = [
  ['stpes', 'steps'],
  ['hsots', 'hosts'],
  ['Hosts', 'hosts'],
  ['step', 'steps'],
  ['vras', 'vars'],
  ['completely-else', undefined],
  ['', undefined],
]
test.each(cases)('%j was meant as %j', (word, meant) => {
  expect(nearest(word, ['hosts', 'vars', 'steps', 'children'])).toBe(meant)
})

test('a candidate is nearest to itself', () => {
  const words = fc.uniqueArray(fc.string({ minLength: 1, maxLength: 20 }), {
    minLength: 1,
    selector: (word) => word.toLowerCase(),
  })
  fc.assert(
    fc.property(words, (each) => {
      expect(nearest(each[0] ?? '', each)).toBe(each[0])
    }),
  )
})
