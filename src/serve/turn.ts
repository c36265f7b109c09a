import type { Times } from '../model/schedule.ts'

/** What is to be done now. All moments are milliseconds since 1970, UTC. */
export type Turn = { readonly act: 'take'; readonly due: number } | { readonly act: 'wait'; readonly until: number }

/** The latest due time that somebody took. */
export type Latest = { readonly at: number; readonly state: 'done' | 'held' | 'abandoned' } | null

/** An audit of ours that failed, and when it may be tried again. */
export type Failed = { readonly due: number; readonly notBefore: number; readonly attempts: number }

export type Rules = {
  readonly times: Times
  /** How much later than it is due this one begins. */
  readonly delayOf: (due: number) => number
  readonly catchUp: boolean
}

/** How late an audit may begin that is not made up for: a restart of ctfleet is no downtime. */
const GRACE = 5 * 60_000
/** How soon to look again whether somebody else is through. */
const LOOK_AGAIN = 5000
const A_DAY = 86_400_000

/**
 * Whose turn it is, from the clock and the record alone: whatever happened before (a crash, a suspended machine, a clock
 * that was set), the same answer comes out. Of several due times that passed, the last one stands for all.
 */
export function turnAt(now: number, { times, delayOf, catchUp }: Rules, latest: Latest, failed: Failed | null): Turn {
  const next = times.next(now)
  const untilNext: Turn = { act: 'wait', until: next === null ? now + A_DAY : next + delayOf(next) }
  const due = times.last(now)
  if (due === null) return untilNext
  const begin = due + delayOf(due)
  // What lies further ahead than the next due time was written by a clock that was wrong, and counts for its own time alone.
  if (latest !== null && (next === null || latest.at <= next)) {
    if (latest.state === 'held') return { act: 'wait', until: now + LOOK_AGAIN }
    if (latest.state === 'done' && latest.at >= due) return untilNext
  }
  if (now < begin) return { act: 'wait', until: begin }
  if (!catchUp && now - begin > GRACE) return untilNext
  if (failed !== null && failed.due === due && now < failed.notBefore && failed.notBefore - now <= LONGEST_BACKOFF)
    return { act: 'wait', until: failed.notBefore }
  return { act: 'take', due }
}

const FIRST_BACKOFF = 30_000
const LONGEST_BACKOFF = 15 * 60_000

/** Each attempt at one due time waits twice as long as the one before, up to 15 minutes. */
export function failedAt(now: number, due: number, before: Failed | null): Failed {
  const attempts = before?.due === due ? before.attempts + 1 : 1
  return { due, attempts, notBefore: now + Math.min(FIRST_BACKOFF * 2 ** (attempts - 1), LONGEST_BACKOFF) }
}
