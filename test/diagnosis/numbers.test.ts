import fc from 'fast-check'
import { expect, test } from 'vitest'
import {
  bytes,
  counted,
  duration,
  grouped,
  percent,
  percentBelow,
  percentBetween,
} from '../../src/diagnosis/numbers.ts'
import { wilsonInterval } from '../../src/diagnosis/wilson.ts'

const cases: readonly [said: string, expected: string][] = [
  [grouped(262144), '262\u202f144'],
  [grouped(999), '999'],
  [grouped(-1234567.5), '-1\u202f234\u202f567.5'],
  [counted(1, 'entry', 'entries'), '1 entry'],
  [counted(1000, 'entry', 'entries'), '1\u202f000 entries'],
  [percent(0.754), '75 %'],
  [percent(0.999), '99 %'],
  [percent(1), '100 %'],
  [percent(0.001), 'under 1 %'],
  [percent(0), '0 %'],
  [duration(0), '0 s'],
  [duration(59), '59 s'],
  [duration(3600), '1 h'],
  [duration(432_000), '5 d'],
  [duration(90_061), '1 d 1 h'],
  [bytes(51539607552), '48 GiB'],
  [bytes(1536), '1.5 KiB'],
  [bytes(0), '0 B'],
]
test.each(cases)('%s', (said, expected) => {
  expect(said).toBe(expected)
})

test('what has not reached its limit is not said to have', () => {
  expect(percentBelow(249_036 / 262_144, 0.95)).toBe('94.9 %')
  expect(percentBelow(249_037 / 262_144, 0.95)).toBe('95 %')
  expect(percentBelow(0.942, 0.95)).toBe('94 %')
})

test('an interval has two ends', () => {
  expect(percentBetween(0.871, 0.921)).toBe('between 87 % and 92 %')
  expect(percentBetween(0.9855, 0.9909)).toBe('between 98.5 % and 99.1 %')
})

test('the share of a sample lies within its interval, and more of the same makes it narrower', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 10_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (sample, part) => {
      const hits = Math.round(part * sample)
      const { low, high } = wilsonInterval(hits, sample)
      const wider = wilsonInterval(hits * 4, sample * 4)
      expect(low).toBeLessThanOrEqual(hits / sample + 1e-12)
      expect(high).toBeGreaterThanOrEqual(hits / sample - 1e-12)
      expect(wider.high - wider.low).toBeLessThan(high - low)
    }),
  )
})
