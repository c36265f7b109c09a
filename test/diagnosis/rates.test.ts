import { expect, test } from 'vitest'
import { dropsPerSecond, invalidPerSecond } from '../../src/diagnosis/rates.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith } from './sample-facts.ts'

const between = (from: { [name: string]: number }, to: { [name: string]: number }, seconds = 2) =>
  factsWith({
    counters: {
      first: known({ at: 100, counters: from }),
      second: known({ at: 100 + seconds, counters: to }),
      seconds: known(seconds),
    },
  }).counters

test('INVALID packets are counted a second, to one decimal', () => {
  expect(invalidPerSecond(between({ invalid: 10 }, { invalid: 15 }))).toEqual(known(2.5))
  expect(invalidPerSecond(between({ invalid: 10 }, { invalid: 10 }))).toEqual(known(0))
})

test('a counter of 32 bits that wrapped goes on; one that fell is not known', () => {
  expect(invalidPerSecond(between({ invalid: 2 ** 32 - 2 }, { invalid: 4 }))).toEqual(known(3))
  expect(invalidPerSecond(between({ invalid: 400 }, { invalid: 4 }))).toMatchObject({ known: false })
})

test('a kernel that does not count them, a file that is not there, and no time between are not none', () => {
  expect(invalidPerSecond(between({ drop: 1 }, { drop: 2 }))).toEqual(unknown('this kernel does not count invalid'))
  expect(invalidPerSecond(between({ invalid: 1 }, { invalid: 2 }, 0))).toMatchObject({ known: false })
  const { counters } = factsWith({ counters: { first: unknown('no such file') } })
  expect(invalidPerSecond(counters)).toEqual(unknown('no such file'))
})

test('a race between two entries of one flow is no drop for want of room', () => {
  const { counters } = factsWith({ counters: { drop: known(9), insertFailed: known(3), seconds: known(2) } })
  expect(dropsPerSecond(counters)).toEqual(known(3))
})
