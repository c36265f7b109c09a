/** Worst first. */
export const SEVERITIES = ['critical', 'warning', 'info'] as const

/** Something that diagnosis saw in the facts, with the numbers it saw. */
export type Finding = {
  readonly rule: FindingRule
  readonly severity: (typeof SEVERITIES)[number]
  /** One sentence a person reads: `table 96 % full (251 658 of 262 144 entries)`. */
  readonly title: string
  /** The readings it rests on, one line each. */
  readonly evidence: readonly string[]
  /** Of `dropping-now`, where the time between the readings is known: packets that were lost in so many seconds. */
  readonly lost?: { readonly packets: number; readonly seconds: number }
  /** Of `near-full`, where both were read: the table as it was, in entries. */
  readonly table?: { readonly entries: number; readonly max: number }
}

export type FindingRule =
  | 'dropping-now'
  | 'near-full'
  | 'notrack-broken'
  | 'dropped-lately'
  | 'evicting'
  | 'hash-too-small'
  | 'busy-port'
  | 'stale-entries'
  | 'forecast'
  | 'tracking-unused'
  | 'not-tracking'
  | 'container'
  | 'cannot-tell'
