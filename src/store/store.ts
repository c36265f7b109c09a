import type { HostResult } from '../model/result.ts'
import type { Approval, Run, RunSummary } from '../model/run.ts'

/** Where this controller remembers who asked for what and how it ended. What it was told to keep outlives a power cut. */
export type RunStore = {
  /** Rejects when nothing could be saved here. */
  prepare(): Promise<void>
  /** Records the run, or replaces what was recorded under its id: whole or not at all. Rejects when it cannot be kept. */
  save(run: Run): Promise<void>
  /**
   * Puts these results in the place of what was recorded of their hosts: all of them or none. A resume writes so into the
   * run that it closes. Rejects when they cannot be kept.
   * @param approvals given since, which are added to those that are there, with the results or not at all
   * @returns false where no run has this id; then nothing was recorded.
   */
  record(id: string, results: readonly HostResult[], approvals?: readonly Approval[]): Promise<boolean>
  /** @param endedAt RFC 3339, UTC. @returns false where no run has this id. */
  end(id: string, endedAt: string): Promise<boolean>
  /** Newest first, plans unread. What cannot be read is named beside them and hides nothing else. */
  list(): Promise<RunList>
  /** Whether any run is meant by this, readable or not. @param wanted an id, or the beginning of one. */
  has(wanted: string): Promise<boolean>
  /** @param wanted an id, or the beginning of one. */
  load(wanted: string): Promise<Found>
}

export type RunList = { readonly runs: readonly RunSummary[]; readonly damaged: readonly Damaged[] }

/** A record that is there and cannot be read, and why: a run, or one host of it. */
export type Damaged = { readonly place: string; readonly why: string }

export type Found =
  | { readonly type: 'found'; readonly run: Run; readonly damaged: readonly Damaged[] }
  | { readonly type: 'none' }
  | { readonly type: 'several'; readonly ids: readonly string[] }
  | ({ readonly type: 'damaged' } & Damaged)
