import type { RunSummary } from '../model/run.ts'
import type { Database } from './engine.ts'
import type { SweepBounds, Swept } from './history.ts'
import { listRuns } from './list-runs.ts'
import { stillApplied, stillOpen } from './standing.ts'
import type { RunList } from './store.ts'
import { timeText } from './time-text.ts'

/** What one transaction takes at most: whoever writes meanwhile waits for it. */
const MOST_RUNS = 100
const MOST_AUDITS = 500
const MOST_SERIES = 50

type Tell = (sentence: string) => void

/**
 * One step: runs, audits and due times that are too old, and once those are through, some series of samples.
 * @param tell hears why runs that are old cannot go, at each step.
 */
export function sweepStep(database: Database, path: string, bounds: SweepBounds, tell: Tell): Swept {
  const from = Number(database.prepare('select next_series from sweeps').get()?.next_series ?? 0)
  const runs = from === 0 ? forgetRuns(database, oldRuns(listRuns(database, path), bounds.runs, tell)) : 0
  const audits = from === 0 ? forgetAudits(database, timeText(bounds.audits)) : 0
  if (runs === MOST_RUNS || audits === MOST_AUDITS) return { runs, audits, samples: 0, isWhole: false }
  const { samples, next } = thinSome(database, from, bounds)
  const isWhole = next === 0
  database
    .prepare(
      `insert into sweeps (id, ended_at, next_series) values (1, ?1, ?2)
       on conflict (id) do update set ended_at = coalesce(?1, ended_at), next_series = ?2`,
    )
    .run(isWhole ? timeText(bounds.now) : null, next)
  return { runs, audits, samples, isWhole }
}

export function lastSweep(database: Database): string | null {
  const at = database.prepare('select ended_at from sweeps').get()?.ended_at
  return typeof at === 'string' ? at : null
}

/** Of a record that was never swept the newest run tells until when it was in use. */
export function lastSweepOrRun(database: Database): string | null {
  const newest = database.prepare('select max(started_at) as at from runs').get()?.at
  return lastSweep(database) ?? (typeof newest === 'string' && !Number.isNaN(Date.parse(newest)) ? newest : null)
}

/** @param all oldest first. */
function forgetRuns(database: Database, all: readonly string[]): number {
  const old = all.slice(0, MOST_RUNS)
  for (const id of old) {
    database.prepare('delete from results where run = ?').run(id)
    database.prepare('delete from approvals where run = ?').run(id)
    database.prepare('delete from runs where id = ?').run(id)
  }
  if (old.length > 0) {
    database.exec('delete from plans where id not in (select plan from results where plan is not null)')
  }
  return old.length
}

/** Those that nobody needs any more: none of their changes stands, and no run that stays is told of in them. */
function oldRuns({ runs, damaged }: RunList, before: string, tell: Tell): readonly string[] {
  const [odd] = damaged
  if (odd !== undefined) {
    const isAnyOld = runs.some((run) => !isYoung(run, new Date(before)))
    if (isAnyOld) tell(`No old run was swept out: ${odd.place} ${odd.why}, so what still stands cannot be told`)
    return []
  }
  const stays = new Set(runs.filter((run) => isNeeded(run, runs, before)).map(({ id }) => id))
  for (let known = -1; known !== stays.size; ) {
    known = stays.size
    for (const { id, of } of runs) {
      if (of === null) continue
      if (stays.has(of)) stays.add(id)
      if (stays.has(id)) stays.add(of)
    }
  }
  // Oldest first: a run whose rollback was forgotten before it would seem to stand.
  return runs.flatMap(({ id }) => (stays.has(id) ? [] : [id])).toReversed()
}

function isNeeded(run: RunSummary, runs: readonly RunSummary[], before: string): boolean {
  const border = new Date(before)
  if (isYoung(run, border)) return true
  const { id, hosts } = run
  return stillApplied(id, hosts, runs, border).length > 0 || stillOpen(id, hosts, runs).length > 0
}

function isYoung({ startedAt, endedAt }: RunSummary, border: Date): boolean {
  return Date.parse(endedAt ?? startedAt) >= border.getTime()
}

/**
 * But for the newest of each series, with which the next one is compared, and of each schedule, which tells that its time
 * was taken.
 */
function forgetAudits(database: Database, before: string): number {
  const ids = database
    .prepare(
      `select id from (
         select id, started_at, schedule,
           row_number() over (partition by inventory, only_some, policy order by started_at desc, id desc) as of_series,
           row_number() over (partition by schedule order by due_at desc) as of_schedule
         from audits
       ) where started_at < ? and of_series > 1 and (schedule is null or of_schedule > 1) order by started_at limit ?`,
    )
    .all(before, MOST_AUDITS)
  for (const { id } of ids) {
    database.prepare('delete from reports where audit = ?').run(String(id))
    database.prepare('delete from audits where id = ?').run(String(id))
  }
  database.prepare('delete from claims where until < ?').run(before)
  return ids.length
}

/** The series from this one on; `next` is 0 after the last one. */
function thinSome(
  database: Database,
  from: number,
  bounds: SweepBounds,
): { readonly samples: number; readonly next: number } {
  const ids = database
    .prepare('select id from series where id >= ? order by id limit ?')
    .all(from, MOST_SERIES + 1)
    .map(({ id }) => Number(id))
  const next = ids[MOST_SERIES] ?? 0
  const swept = ids.slice(0, MOST_SERIES).map((id) => thinSeries(database, id, bounds))
  database
    .prepare('delete from series where id between ? and ? and not exists (select 1 from samples where series = id)')
    .run(from, ids.at(-1) ?? 0)
  return { samples: swept.reduce((sum, each) => sum + each, 0), next }
}

/** @returns how many went. */
function thinSeries(database: Database, series: number, { samples, daily, hourly }: SweepBounds): number {
  const [none, day, hour] = [timeText(samples), timeText(daily), timeText(hourly)]
  const { changes } = database.prepare('delete from samples where series = ? and at < ?').run(series, none)
  return (
    Number(changes) +
    keepPeaks(database, { series, from: none, to: day, letters: DAY }) +
    keepPeaks(database, { series, from: day, to: hour, letters: HOUR })
  )
}

/** What of `2026-11-26T09:42:00.000Z` a day has in common, and an hour. */
const DAY = 10
const HOUR = 13

/** The fullest table of each stretch; one for each boot and each max, since those split a series. */
function keepPeaks(
  database: Database,
  {
    series,
    from,
    to,
    letters,
  }: { readonly series: number; readonly from: string; readonly to: string; readonly letters: number },
): number {
  const { changes } = database
    .prepare(
      `delete from samples where series = ?1 and at in (
         select at from (
           select at, row_number() over (
             partition by substr(at, 1, ?4), boot, max order by entries desc, at desc
           ) as rank
           from samples where series = ?1 and at >= ?2 and at < ?3
         ) where rank > 1
       )`,
    )
    .run(series, from, to, letters)
  return Number(changes)
}
