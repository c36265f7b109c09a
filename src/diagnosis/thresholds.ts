/** When a reading becomes a finding. */
export type Thresholds = {
  /** Entries over max, 0 to 1. */
  readonly usage: number
  /** How long a logged "table full" counts, in seconds. */
  readonly logAgeSeconds: number
  /** Share of the table's entries, 0 to 1, that makes one destination port a busy one. */
  readonly portShare: number
  /** Share of entries, 0 to 1, whose connection is over but which wait for their timeout. */
  readonly staleShare: number
  /** Entries below which a share of them says nothing: of two entries one is half. */
  readonly fewestEntries: number
  /** Entries per bucket, when full, above which searching a chain costs too much. */
  readonly entriesPerBucket: number
}

/**
 * 75 % is where node_exporter's alert stands; a day and 8 entries a bucket are the classic rules of thumb; no host that serves
 * anybody has as few as 30 entries.
 */
export const DEFAULT_THRESHOLDS: Thresholds = {
  usage: 0.75,
  logAgeSeconds: 86_400,
  portShare: 0.3,
  staleShare: 0.5,
  fewestEntries: 30,
  entriesPerBucket: 8,
}
