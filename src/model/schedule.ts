/** When audits are due by themselves, and how strictly. */
export type Schedule = {
  /** Tells its audits from those of others in the record. */
  readonly name: string
  readonly when: When
  /** Seconds, less than between two due times: each audit begins up to so much later than it is due. */
  readonly jitter: number
  /** Due times that nobody was there for are made up by one audit. */
  readonly catchUp: boolean
}

export type When =
  /** Seconds, counted from 1970-01-01 00:00 UTC: every process means the same times. */
  | { readonly every: number }
  /** Five fields, and the time zone that they are in: `Europe/Berlin`. */
  | { readonly cron: string; readonly timezone: string }

/** The due times. All moments are milliseconds since 1970, UTC. */
export type Times = {
  /** The first one after; null where there is none any more. */
  readonly next: (after: number) => number | null
  /** The last one that is not after `at`; null where there was none in the last five years. */
  readonly last: (at: number) => number | null
}
