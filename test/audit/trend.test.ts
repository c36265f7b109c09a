import { describe, expect, test } from 'vitest'
import { lossBetween } from '../../src/audit/loss-between.ts'
import { sampleOf } from '../../src/audit/sample.ts'
import { soonestFirst, trendOf } from '../../src/audit/trend.ts'
import type { Sample } from '../../src/model/history.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { aSample } from '../store/audit-on-record.ts'

const WINDOW = { since: '2026-11-20T00:00:00.000Z', now: '2026-11-26T00:00:00.000Z', columns: 6 }
const on = (day: number, more: Partial<Sample> = {}) => aSample(`2026-11-${day}T00:00:00.000Z`, more)

function trend(...samples: readonly Sample[]) {
  const found = trendOf(samples, WINDOW)
  if (found === null) throw new Error('no trend')
  return found
}

test('now, the peak by usage, and a line with a gap where nobody looked', () => {
  const found = trend(
    on(20, { entries: 100_000, max: 131_072 }),
    on(21, { entries: 26_214 }),
    on(24, { entries: null }),
    on(25, { entries: 52_429 }),
  )
  expect(found).toMatchObject({
    from: on(20).at,
    to: on(25).at,
    readings: 4,
    now: { at: on(25).at, entries: 52_429, max: 262_144 },
    peak: { at: on(20).at, entries: 100_000, max: 131_072 },
  })
  expect(found.line.map((usage) => usage && Math.round(usage * 100))).toEqual([76, 10, null, null, null, 20])
})

test('nothing was read, so nothing is told', () => {
  expect(trendOf([], WINDOW)).toBeNull()
})

test('what will be full soonest is first: what is full, what fills, then the fullest', () => {
  const found = {
    idle: trend(on(20, { entries: 10 })),
    half: trend(on(20, { entries: 131_072 })),
    full: trend(on(20, { entries: 262_144 })),
    fills: trend(...[20, 21, 22, 23, 24, 25].map((day) => on(day, { entries: 20_000 * (day - 13) }))),
  }
  const { idle, half, full, fills } = found
  expect(fills.forecast.type).toBe('fills')
  expect(soonestFirst([idle, half, fills, full])).toEqual([full, fills, half, idle])
})

test('a restart and another max split the series, what was not read does not', () => {
  const found = trend(
    on(20),
    on(21, { boot: null, max: null }),
    on(22),
    on(23, { boot: 'b' }),
    on(24, { boot: 'b', max: 524_288 }),
  )
  expect(found.splits).toEqual([
    { at: on(23).at, why: 'restarted', from: null, to: null },
    { at: on(24).at, why: 'max', from: 262_144, to: 524_288 },
  ])
  expect(found.forecast).toMatchObject({ type: 'none', why: '1 reading over 0 s since max was changed' })
})

test('without a max there is no forecast, and without entries no level', () => {
  const found = trend(on(20, { entries: null, max: null }))
  expect(found).toMatchObject({ now: null, peak: null, forecast: { type: 'none', why: 'max is not known' } })
})

describe('loss', () => {
  test('is what the counter grew by, less lost races for one entry', () => {
    expect(lossBetween(on(20, { drops: 10 }), on(21, { drops: 25 }))).toEqual(known(15))
    const races = [on(20, { drops: 10, insertFailed: 3 }), on(21, { drops: 25, insertFailed: 10 })] as const
    expect(lossBetween(...races)).toEqual(known(8))
    expect(lossBetween(on(20, { insertFailed: 0 }), on(21, { insertFailed: 5 }))).toEqual(known(0))
  })
  test.each<readonly [string, Partial<Sample>, Partial<Sample>]>([
    ['a restart', { boot: 'a' }, { boot: 'b', drops: 5 }],
    ['a boot id that was not read', { boot: null }, {}],
    ['counters that were not read', { drops: null }, {}],
    ['a counter that went backwards', { drops: 5 }, { drops: 4 }],
  ])('cannot be told over %s, and is not 0', (_name, before, after) => {
    expect(lossBetween(on(20, before), on(21, after))).toMatchObject({ known: false })
  })
  test('is added up over what is covered, and says what is not', () => {
    const found = trend(
      on(20, { drops: 1 }),
      on(21, { drops: 3 }),
      on(23, { boot: 'b', drops: 9 }),
      on(24, { boot: 'b', drops: 10 }),
    )
    expect(found.lost).toEqual({ packets: 3, seconds: 2 * 86_400, uncovered: 2 * 86_400 })
  })
})

test('a sample holds what was read, and null for what was not', () => {
  const counters = { drop: 7, early_drop: 2 }
  const facts = factsWith({
    conntrack: { count: known(5), max: unknown('no such file') },
    counters: { second: known({ at: 1, counters }) },
  })
  const where = { host: 'web-1', inventory: 'i', at: on(20).at }
  expect(sampleOf(facts, where)).toMatchObject({
    ...where,
    entries: 5,
    max: null,
    drops: 7,
    earlyDrops: 2,
    insertFailed: null,
  })
})
