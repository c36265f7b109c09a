/** Something that diagnosis saw in the facts, with the numbers it saw. */
export type Finding = {
  readonly rule: FindingRule
  readonly severity: 'critical' | 'warning' | 'info'
  /** One sentence a person reads: `table 96 % full (251 658 of 262 144 entries)`. */
  readonly title: string
  /** The readings it rests on, one line each. */
  readonly evidence: readonly string[]
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
