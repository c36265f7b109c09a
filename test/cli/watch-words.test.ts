import { expect, test } from 'vitest'
import { exitCodeOfWatching } from '../../src/cli/exit-code.ts'
import { inZone } from '../../src/cli/schedule-zone.ts'
import { newsLine } from '../../src/cli/watch-news.ts'
import { oftenWords } from '../../src/cli/watch-words.ts'

const NOON = Date.parse('2026-11-26T12:00:00Z')

test('of the first audit ever nothing is late', () => {
  expect(newsLine({ type: 'taken', due: NOON, late: null }, '')).toBe(
    'the audit of 2026-11-26T12:00:00Z begins, the first of this schedule',
  )
  expect(newsLine({ type: 'taken', due: NOON, late: 120_000 }, '')).toContain('late')
  expect(newsLine({ type: 'taken', due: NOON, late: 1000 }, '')).toBe('the audit of 2026-11-26T12:00:00Z begins')
})

test('one that ends after a single audit, or is stopped, does not promise to try again', () => {
  const news = { type: 'not-sent', why: 'answered with 503', again: true } as const
  expect(newsLine(news, 'us', true)).toBe('could not tell us: answered with 503; the next audit tells it')
  expect(newsLine(news, 'us', false)).toContain('tried again')
  expect(newsLine({ ...news, again: false }, 'us', false)).toMatch(/; the next ctfleet serve tells it$/)
})

test('a timer hears that nobody could be told, which findings do not hide', () => {
  expect([0, 1, 4, 70].map((code) => exitCodeOfWatching(code as 0, true))).toEqual([1, 1, 1, 70])
  expect([0, 1, 4, 70].map((code) => exitCodeOfWatching(code as 0, false))).toEqual([0, 1, 4, 70])
})

test('what asks hosts more than once a minute is worth a word', () => {
  expect(oftenWords({ every: 59 })).toContain('180 days')
  expect(oftenWords({ every: 60 })).toBeNull()
  expect(oftenWords({ cron: '* * * * *', timezone: 'UTC' })).toBeNull()
})

test('times in another zone than that of cron are told in its own', () => {
  expect(inZone({ cron: '30 2 * * *', timezone: 'Asia/Tokyo' }, 'UTC')).toContain('the next one is at 17:30 in UTC')
  expect(inZone({ cron: '30 2 * * *', timezone: 'UTC' }, 'UTC')).toBeNull()
  expect(inZone({ every: 7 }, 'UTC')).toBeNull()
})
