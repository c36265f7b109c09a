import type { Run } from '../model/run.ts'

/** Where this controller remembers who asked for what and how it ended. */
export type RunStore = {
  /** Rejects when nothing could be saved here. */
  prepare(): Promise<void>
  /** Records the run, or replaces what was recorded under its id: whole or not at all. Rejects when it cannot be kept. */
  save(run: Run): Promise<void>
  /** Newest first. A record that cannot be read is named beside them and hides no other. */
  list(): Promise<RunList>
  /** @param wanted an id, the beginning of one, or `last` for the newest apply whose change still stands on some host. */
  load(wanted: string): Promise<Found>
}

export type RunList = { readonly runs: readonly Run[]; readonly damaged: readonly Damaged[] }

/** A record that is there and cannot be read, and why. */
export type Damaged = { readonly place: string; readonly why: string }

export type Found =
  | { readonly type: 'found'; readonly run: Run }
  | { readonly type: 'none' }
  | { readonly type: 'several'; readonly ids: readonly string[] }
  | ({ readonly type: 'damaged' } & Damaged)
