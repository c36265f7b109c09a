import type { AuditOnRecord, AuditSummary, Due, Sample } from '../model/history.ts'
import type { Damaged } from './store.ts'

/** Audits and samples, beside the runs: what was seen of hosts, over time. */
export type HistoryStore = {
  /**
   * Keeps the audit and what it read: all or nothing. Of two audits for the same due time the first is kept.
   * @returns false where one for this due time is kept already; then nothing was written.
   */
  keepAudit(audit: AuditOnRecord, samples: readonly Sample[]): Promise<boolean>
  /** Newest first, reports unread. `inventory`: of this one only. */
  audits(chosen: { readonly inventory?: string; readonly limit?: number }): Promise<AuditList>
  /** The newest of this series, of whoever's turn it was. */
  lastOf(series: AuditSeries): Promise<AuditFound>
  /**
   * The audit of the latest due time of this schedule that is not after `until`, however many others lie between.
   * @param until RFC 3339, UTC: what lies after it was written by a clock that was wrong.
   * @returns its id; null where there is none.
   */
  newestDue(schedule: string, until: string): Promise<string | null>
  /** @param wanted an id, the beginning of one, or `last`. */
  loadAudit(wanted: string): Promise<AuditFound>
  /** What a plan or a facts run read; oldest first is not required. */
  keepSamples(samples: readonly Sample[]): Promise<void>
  /** What the last audit of this inventory read of each host, or another command before it; the newest of all where there was no audit. */
  lastSamples(inventory: string): Promise<readonly Sample[]>
  /** Whose samples are on record, in the order of their names, whenever they were read. */
  seriesNames(chosen: Omit<ChosenSamples, 'since'>): Promise<readonly SeriesName[]>
  /** When the first of these samples was read, RFC 3339, UTC; null where there is none. */
  firstSample(chosen: ChosenSamples): Promise<string | null>
  /**
   * Host by host in the order of their names, one of several inventories once for each, those without any left out; each oldest
   * first. Read in parts, so that little is held at once, and others may write between two of them.
   */
  series(chosen: ChosenSamples): AsyncIterable<readonly Sample[]>
  /**
   * Takes a due time for this process: of all that ask, one gets it, and has it until `until`. One that is past its
   * `until` without an audit may be taken again: whoever had it died on the way.
   * @param claim.now and until: RFC 3339, UTC.
   */
  claim(claim: {
    readonly due: Due
    readonly by: string
    readonly now: string
    readonly until: string
  }): Promise<Claimed>
  /** Holds a claim for longer. @returns false where it is another's by now. */
  hold(claim: { readonly due: Due; readonly by: string; readonly until: string }): Promise<boolean>
  /**
   * The latest due time of this schedule that an audit is kept for, or that somebody took; null where there was none yet.
   * @param now RFC 3339, UTC: a claim that is past its `until` by then is abandoned.
   */
  latest(
    schedule: string,
    now: string,
  ): Promise<{ readonly at: string; readonly state: 'done' | 'held' | 'abandoned' } | null>
  /**
   * Removes what is older, and of samples all but the peaks of hours and of days; runs that still stand or are open stay, and
   * those that tell what became of them. It stops when its time is over, and goes on from there the next time.
   * @param milliseconds of work, at least one step of it.
   * @returns how many of each went, and whether all was looked at.
   */
  sweep(before: SweepBounds, milliseconds: number): Promise<Swept>
  /** When a sweep last came through, RFC 3339, UTC; null where none did yet. */
  lastSweep(): Promise<string | null>
}

/** `host`: of this one only; `inventory` likewise. `since`: RFC 3339, UTC. */
export type ChosenSamples = Partial<SeriesName> & { readonly since: string }

/** What one line of a trend is of. */
export type SeriesName = Pick<Sample, 'host' | 'inventory'>

export type AuditSeries = Pick<AuditOnRecord, 'inventory' | 'only' | 'policy'>

/** RFC 3339, UTC, each. Of samples before `hourly` one an hour is kept, before `daily` one a day, before `samples` none. */
export type SweepBounds = {
  readonly now: string
  readonly runs: string
  readonly audits: string
  readonly samples: string
  readonly hourly: string
  readonly daily: string
}

/** mine: go on · held: another is at it · done: an audit is kept for it */
export type Claimed = 'mine' | 'held' | 'done'

export type AuditList = { readonly audits: readonly AuditSummary[]; readonly damaged: readonly Damaged[] }

export type AuditFound =
  | { readonly type: 'found'; readonly audit: AuditOnRecord }
  | { readonly type: 'none' }
  | { readonly type: 'several'; readonly ids: readonly string[] }
  | ({ readonly type: 'damaged' } & Damaged)

export type Swept = {
  readonly runs: number
  readonly audits: number
  readonly samples: number
  readonly isWhole: boolean
}
