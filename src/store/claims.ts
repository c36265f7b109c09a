import type { Due } from '../model/history.ts'
import type { Database } from './engine.ts'
import type { Claimed } from './history.ts'
import { timeText } from './time-text.ts'

type Wanted = { readonly due: Due; readonly by: string; readonly now: string; readonly until: string }

/** Inside a transaction that writes, so that of all that ask one is first. */
export function claim(database: Database, { due, by, now, until }: Wanted): Claimed {
  const key = [due.schedule, timeText(due.at)] as const
  if (isDone(database, key)) return 'done'
  const held = database.prepare('select "by", until from claims where schedule = ? and at = ?').get(...key)
  // Who asks twice was not sure whether he was heard.
  if (held !== undefined && held.by !== by && String(held.until) > timeText(now)) return 'held'
  database
    .prepare('insert or replace into claims (schedule, at, "by", until) values (?, ?, ?, ?)')
    .run(...key, by, timeText(until))
  return 'mine'
}

export function hold(database: Database, { due, by, until }: Omit<Wanted, 'now'>): boolean {
  const key = [due.schedule, timeText(due.at)] as const
  if (isDone(database, key)) return false
  const { changes } = database
    .prepare('update claims set until = ? where schedule = ? and at = ? and "by" = ?')
    .run(timeText(until), ...key, by)
  return Number(changes) > 0
}

type Latest = { readonly at: string; readonly state: 'done' | 'held' | 'abandoned' }

export function latest(database: Database, schedule: string, now: string): Latest | null {
  const done = database.prepare('select max(due_at) as at from audits where schedule = ?').get(schedule)?.at
  const taken = database
    .prepare('select at, until from claims where schedule = ? order by at desc limit 1')
    .get(schedule)
  if (taken !== undefined && (typeof done !== 'string' || String(taken.at) > done)) {
    return { at: String(taken.at), state: String(taken.until) > timeText(now) ? 'held' : 'abandoned' }
  }
  return typeof done === 'string' ? { at: done, state: 'done' } : null
}

function isDone(database: Database, [schedule, at]: readonly [string, string]): boolean {
  return database.prepare('select 1 from audits where schedule = ? and due_at = ?').get(schedule, at) !== undefined
}
