import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Times, When } from '../../src/model/schedule.ts'
import { timesOf } from '../../src/serve/cron.ts'

const SEED = 20261126
const A_YEAR = 365 * 86_400_000
const START = Date.parse('2026-01-01T00:00:00Z')
const ZONES = ['Europe/Berlin', 'America/New_York', 'Australia/Lord_Howe', 'UTC', 'Asia/Kathmandu', 'Africa/Casablanca']
const EXPRESSIONS = [
  '30 2 * * *',
  '0 */6 * * *',
  '*/20 * * * *',
  '15 3 1 * *',
  '0 6 * * MON-FRI',
  '0 0 29 2 *',
  '59 23 * * 0',
]

describe('the last due time and the next one agree, in every zone and on both sides of a change', () => {
  test.each(ZONES)('%s', (timezone) => {
    const moments = fc.integer({ min: START, max: START + 2 * A_YEAR })
    fc.assert(
      fc.property(fc.constantFrom(...EXPRESSIONS), moments, (cron, at) => {
        const times = known({ cron, timezone })
        const last = times.last(at)
        const next = times.next(at)
        if (next === null) throw new Error('it is due for ever')
        expect(next).toBeGreaterThan(at)
        expect(times.last(next)).toBe(next)
        expect(times.last(next - 1)).toBe(last)
        if (last === null) return
        expect(last).toBeLessThanOrEqual(at)
        expect(times.next(last)).toBe(next)
      }),
      { seed: SEED, numRuns: 40 },
    )
  })
})

describe('the last due time is the largest that is not after, also right at a change of the clock', () => {
  test.each(ZONES)('%s', (timezone) => {
    for (const cron of ['30 2 * * *', '*/20 * * * *', '10 1,2,3 * * *']) {
      const times = known({ cron, timezone })
      for (const day of ['2026-03-08', '2026-03-29', '2026-04-04', '2026-10-03', '2026-10-25', '2026-11-01']) {
        const from = Date.parse(`${day}T00:00:00Z`) - 12 * 3_600_000
        const all: number[] = []
        for (let at = times.next(from - 3 * 86_400_000); at !== null && at < from + 86_400_000; at = times.next(at))
          all.push(at)
        for (let at = from; at < from + 86_400_000; at += 37 * 60_000 + 1) {
          expect(iso(times.last(at))).toBe(iso(all.findLast((due) => due <= at) ?? null))
        }
      }
    }
  })
})

test('a schedule that is quiet for most of a year is asked for its last due time as often as any other', () => {
  const times = known({ cron: '* * * 1 *', timezone: 'Europe/Berlin' })
  for (let day = 1; day <= 28; day++) {
    const at = Date.parse(`2026-11-${String(day).padStart(2, '0')}T00:00:00Z`)
    expect(iso(times.last(at))).toBe('2026-01-31T22:59:00.000Z')
  }
})

test.each(ZONES)(
  'what is due once a day is due once on every day of %s, also on those of 23 and of 25 hours',
  (timezone) => {
    for (const cron of ['30 2 * * *', '45 1 * * *']) {
      const times = known({ cron, timezone })
      const days = []
      for (let at = times.next(START); at !== null && at < START + A_YEAR; at = times.next(at)) {
        days.push(new Date(at).toLocaleDateString('sv-SE', { timeZone: timezone }))
      }
      expect(days.length).toBeGreaterThan(360)
      expect(new Set(days).size).toBe(days.length)
      for (const [index, day] of days.entries()) {
        const before = days[index - 1]
        if (before !== undefined) expect(Date.parse(day) - Date.parse(before)).toBe(86_400_000)
      }
    }
  },
)

test('a time within the gap is due right after it, one that comes twice at its first', () => {
  const berlin = known({ cron: '30 2 * * *', timezone: 'Europe/Berlin' })
  expect(iso(berlin.next(Date.parse('2026-03-28T12:00:00Z')))).toBe('2026-03-29T01:00:00.000Z')
  expect(iso(berlin.next(Date.parse('2026-10-24T12:00:00Z')))).toBe('2026-10-25T00:30:00.000Z')
  expect(iso(berlin.next(Date.parse('2026-10-25T00:30:00Z')))).toBe('2026-10-26T01:30:00.000Z')
})

test('a schedule by its length is due at the same times for everybody', () => {
  const times = known({ every: 6 * 3600 })
  const noon = Date.parse('2026-11-26T12:00:00Z')
  expect(times.last(noon)).toBe(noon)
  expect(times.last(noon + 1)).toBe(noon)
  expect(times.next(noon)).toBe(noon + 6 * 3_600_000)
})

test.each([
  ['61 * * * *', 'UTC'],
  ['* * * *', 'UTC'],
  ['0 0 31 2 *', 'UTC'],
  ['* * * * *', 'Europe/Atlantis'],
  ['* * * * * *', 'UTC'],
  ['', 'UTC'],
  ['bogus', 'UTC'],
  ['@bogus', 'UTC'],
  ['* * * * X', 'UTC'],
  ['every day', 'UTC'],
])('%j in %s is told why it is none', (cron, timezone) => {
  const made = timesOf({ cron, timezone })
  if (!('problem' in made)) throw new Error('it was taken')
  expect(made.problem).toMatch(/\S{3}/)
  expect(made.problem).not.toContain('\n')
  expect(made.problem).not.toMatch(/six|seven|5-part|configuration/)
})

function known(when: When): Times {
  const made = timesOf(when)
  if ('problem' in made) throw new Error(made.problem)
  return made
}

function iso(at: number | null): string {
  return at === null ? 'never' : new Date(at).toISOString()
}
