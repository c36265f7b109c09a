import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { When } from '../../src/model/schedule.ts'
import { timesOf } from '../../src/serve/cron.ts'
import { cronTimes, onCalendar } from '../../src/serve/on-calendar.ts'

const ANALYZE = '/usr/bin/systemd-analyze'
const START = '2026-03-20 00:00:00 UTC'

const SAID: readonly When[] = [
  { every: 300 },
  { every: 1800 },
  { every: 3600 },
  { every: 6 * 3600 },
  { every: 86_400 },
  { cron: '30 4 * * *', timezone: 'Europe/Berlin' },
  { cron: '0 */6 * * *', timezone: 'America/New_York' },
  { cron: '*/20 8-18 * * MON-FRI', timezone: 'Europe/Berlin' },
  { cron: '15 6 1,15 * *', timezone: 'UTC' },
  { cron: '0 12 13 * FRI', timezone: 'UTC' },
  { cron: '0 0 */2 * MON', timezone: 'UTC' },
  { cron: '0 0 1 * */3', timezone: 'UTC' },
  { cron: '5 0 * JAN,JUL 7', timezone: 'Australia/Lord_Howe' },
]

describe.skipIf(!existsSync(ANALYZE))('systemd means the same times as we do', () => {
  test.each(SAID.map((when) => [JSON.stringify(when), when] as const))('%s', (_, when) => {
    const calendar = onCalendar(when)
    if ('problem' in calendar) throw new Error(calendar.problem)
    const theirs = [...new Set(elapses(calendar))].sort((a, b) => a - b).slice(0, 12)
    const times = timesOf(when)
    if ('problem' in times) throw new Error(times.problem)
    const ours: number[] = []
    let at: number | null = Date.parse('2026-03-20T00:00:00Z')
    for (let count = 0; count < 12 && at !== null; count++) {
      at = times.next(at)
      if (at !== null) ours.push(at)
    }
    expect(theirs.map(iso)).toEqual(ours.map(iso))
  })
})

test.each([
  [{ every: 7 * 3600 }],
  [{ every: 90 * 60 }],
  [{ every: 10 }],
  [{ every: 7 * 86_400 }],
  [{ cron: '0 0 L * *', timezone: 'UTC' }],
  [{ cron: '0 0 * * FRI#2', timezone: 'UTC' }],
])('%j can be said neither to systemd nor to cron', (when) => {
  expect(onCalendar(when)).toHaveProperty('problem')
  expect(cronTimes(when, 'UTC')).toHaveProperty('problem')
})

test('cron is told in its own words, in the zone of the machine alone', () => {
  expect(cronTimes({ every: 900 }, 'UTC')).toBe('*/15 * * * *')
  expect(cronTimes({ every: 3600 }, 'UTC')).toBe('0 * * * *')
  expect(cronTimes({ every: 6 * 3600 }, 'UTC')).toBe('0 */6 * * *')
  expect(cronTimes({ every: 86_400 }, 'UTC')).toBe('0 0 * * *')
  expect(cronTimes({ cron: ' 30 4  * * MON ', timezone: 'UTC' }, 'UTC')).toBe('30 4 * * MON')
  expect(cronTimes({ cron: '30 4 * * *', timezone: 'Europe/Berlin' }, 'UTC')).toEqual({
    problem: 'cron counts in the zone of this machine, UTC, and in no other',
  })
})

test('cron, which wants both days where one begins with a star, is told of either as lists', () => {
  const said = (cron: string) => cronTimes({ cron, timezone: 'UTC' }, 'UTC')
  expect(said('0 0 */10 * 1')).toBe('0 0 1,11,21,31 * 1')
  expect(said('0 0 13 * */3')).toBe('0 0 13 * 0,3,6')
  expect(said('0 0 13 * 5,*/3')).toBe('0 0 13 * 0,3,5,6')
  expect(said('0 0 */10 * *')).toBe('0 0 */10 * *')
  expect(said('0 0 13 * FRI')).toBe('0 0 13 * FRI')
})

function elapses(expressions: readonly string[]): readonly number[] {
  const words = ['calendar', '--iterations=12', `--base-time=${START}`, ...expressions]
  const text = execFileSync(ANALYZE, words, { encoding: 'utf8', env: { ...process.env, TZ: 'UTC', LC_ALL: 'C' } })
  return [...text.matchAll(/(?:Next elapse|Iter(?:ation|\.) #\d+): \w+ (\d{4}-\d\d-\d\d) (\d\d:\d\d:\d\d) UTC/g)].map(
    ([, day, time]) => Date.parse(`${day}T${time}Z`),
  )
}

function iso(at: number): string {
  return new Date(at).toISOString()
}
