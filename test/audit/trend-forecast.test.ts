import { describe, expect, test } from 'vitest'
import { forecastOf, type Stretch } from '../../src/audit/trend-forecast.ts'
import { KINDS, MAX, score, scoreText } from './trend-series.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-11-26T12:00:00Z')

describe('on hundreds of series with known answers', () => {
  const scores = KINDS.map((kind) => score(kind, 200))
  console.log(scoreText(scores))
  const filling = scores.filter((_, at) => KINDS[at]?.fills === true)
  const others = scores.filter((_, at) => KINDS[at]?.fills === false)

  test.each(filling)('$kind: the truth lies in the interval nine times in ten', ({ covered, told }) => {
    expect(told).toBeGreaterThan(0.5)
    expect(covered).toBeGreaterThanOrEqual(0.9)
  })
  test.each(filling)('$kind: the likely time is near the truth, and no table fills that was said not to', (found) => {
    expect(found.error).toBeLessThan(0.25)
    expect(found.error90).toBeLessThan(0.75)
    expect(found.missed).toBeLessThan(0.02)
  })
  test.each(filling)('$kind: the interval is worth something', ({ width }) => expect(width).toBeLessThan(4))
  test.each(others)('$kind: a table that never fills is hardly ever said to', ({ told }) => {
    expect(told).toBeLessThanOrEqual(0.05)
  })
})

describe('without noise', () => {
  test('a line is followed to where it meets max, and the interval is that moment', () => {
    const points = hourly(10, (days) => 200_000 + 10_000 * days)
    const forecast = forecastOf({ points, max: 262_144, after: null }, NOW)
    const full = NOW + 6.2144 * DAY
    expect(forecast).toMatchObject({ type: 'fills', perDay: 10_000, low: 10_000, high: 10_000, basis: { of: 'days' } })
    if (forecast.type !== 'fills') return
    for (const time of [forecast.earliest, forecast.likely, forecast.latest]) {
      expect(Math.abs(Date.parse(time ?? '') - full)).toBeLessThan(HOUR)
    }
  })
  test('a level table is never full', () => {
    const forecast = forecastOf({ points: hourly(10, () => 200_000), max: MAX, after: null }, NOW)
    expect(forecast).toMatchObject({ type: 'not-in-sight', perDay: 0, until: new Date(NOW + 18 * DAY).toISOString() })
  })
  test('one that empties neither', () => {
    const forecast = forecastOf({ points: hourly(10, (days) => 100_000 - 5000 * days), max: MAX, after: null }, NOW)
    expect(forecast).toMatchObject({ type: 'not-in-sight', perDay: -5000 })
  })
  test('one third of the readings wrong moves nothing', () => {
    const points = hourly(15, (days) => 200_000 + 4000 * days).map((point, at) =>
      Math.floor(at / 24) % 4 === 1 ? { ...point, value: point.value + 30_000 } : point,
    )
    expect(forecastOf({ points, max: 400_000, after: null }, NOW)).toMatchObject({ perDay: 4000 })
  })
})

test('a table that is full is no matter of forecasts, nor one that is full at its daily peak', () => {
  expect(forecastOf({ points: hourly(1, () => MAX), max: MAX, after: null }, NOW)).toEqual({ type: 'full' })
  const peaks = hourly(10, (days) => Math.min(MAX, 200_000 + 90_000 * Math.sin(2 * Math.PI * (days + 0.6))))
  expect(peaks.at(-1)?.value).toBeLessThan(MAX)
  expect(forecastOf({ points: peaks, max: MAX, after: null }, NOW)).toEqual({ type: 'full' })
})

describe('none where there is too little', () => {
  const cases: readonly (readonly [string, Stretch['points'], RegExp])[] = [
    ['nothing', [], /nothing was read/],
    ['one reading', hourly(0, () => 1000), /1 reading/],
    ['few readings over a day', every(3 * HOUR, 8, () => 1000), /8 readings over 21 h, 3 of them in the last 6 h/],
    ['many readings within minutes', every(60_000, 30, () => 1000), /30 readings over 29 min/],
    ['three days of one reading each', every(DAY, 3, () => 1000), /3 readings over 2 d, 1 of them in the last 6 h/],
  ]
  test.each(cases)('%s', (_name, points, why) => {
    const forecast = forecastOf({ points, max: MAX, after: null }, NOW)
    expect(forecast).toMatchObject({ type: 'none', why: expect.stringMatching(why) })
    expect(forecast).toMatchObject({ need: '5 whole days, or 12 readings within 6 h that span an hour' })
  })
  test('since a split: it says which', () => {
    const forecast = forecastOf({ points: hourly(0, () => 1000), max: MAX, after: 'its restart' }, NOW)
    expect(forecast).toMatchObject({ type: 'none', why: '1 reading over 0 s since its restart' })
  })
  test('since a step', () => {
    const points = hourly(10, (days) => (days > -3.5 ? 200_000 : 50_000))
    expect(forecastOf({ points, max: MAX, after: null }, NOW)).toMatchObject({
      type: 'none',
      why: expect.stringMatching(/^its level changed at 2026-11-2\d/),
    })
  })
  test('where nobody looked lately', () => {
    const points = hourly(10, (days) => 200_000 + 1000 * days)
    const later = NOW + 5 * DAY
    expect(forecastOf({ points, max: MAX, after: null }, later)).toMatchObject({
      type: 'none',
      why: 'the last reading is 5 d old',
    })
  })
})

test('from readings of some hours nobody looks further ahead than half as far', () => {
  const points = every(5 * 60_000, 25, (at) => 100_000 + 100 * at)
  expect(forecastOf({ points, max: MAX, after: null }, NOW)).toMatchObject({
    type: 'not-in-sight',
    basis: { of: 'readings' },
    until: new Date(NOW + HOUR).toISOString(),
  })
})

test('a day of which only the end was seen is no day', () => {
  const points = hourly(5.5, (days) => 200_000 + 4000 * days)
  expect(forecastOf({ points, max: MAX, after: null }, NOW)).toMatchObject({ basis: { of: 'days', points: 5 } })
})

function hourly(days: number, value: (days: number) => number): Stretch['points'] {
  const count = Math.round(days * 24) + 1
  return every(HOUR, count, (at) => Math.round(value((at - count + 1) / 24)))
}

function every(step: number, count: number, value: (at: number) => number): Stretch['points'] {
  return Array.from({ length: count }, (_, at) => ({ at: NOW - (count - 1 - at) * step, value: value(at) }))
}
