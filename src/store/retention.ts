import type { SweepBounds } from './history.ts'

/** Days that the record keeps things for. Of samples one an hour stays after `hourly`, one a day after `daily`. */
export const KEPT_DAYS = { runs: 400, audits: 180, samples: 90, hourly: 7, daily: 30 } as const

const DAY = 86_400_000

/** @param most days: nothing that is older stays, but for what a run that stands needs. Left out: the usual times. */
export function boundsAt(now: Date, most = Number.POSITIVE_INFINITY): SweepBounds {
  const before = (days: number) => new Date(now.getTime() - Math.min(days, most) * DAY).toISOString()
  const { runs, audits, samples, hourly, daily } = KEPT_DAYS
  return {
    now: now.toISOString(),
    runs: before(runs),
    audits: before(audits),
    samples: before(samples),
    hourly: before(hourly),
    daily: before(daily),
  }
}

/** Whether it is time to sweep again, of itself. @param last RFC 3339, UTC. */
export function isDue(last: string | null, now: Date): boolean {
  return last === null || now.getTime() - Date.parse(last) > DAY
}

/**
 * Whether the clock is too far ahead of the last sweep to be believed unasked: by one that is years ahead all would be too old.
 * @param last RFC 3339, UTC.
 */
export function isImplausible(last: string | null, now: Date): boolean {
  return last !== null && now.getTime() - Date.parse(last) > LONGEST_PAUSE
}

/** Who audits once a year is believed. */
const LONGEST_PAUSE = 370 * DAY

/** What it may take then, ms: somebody waits for a report. */
export const BESIDES = 300
