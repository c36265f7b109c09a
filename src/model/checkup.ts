/** One thing that doctor looked at; `not-reached` where an earlier step of the way failed. */
export type Check = {
  readonly check: string
  readonly standing: 'ok' | 'note' | 'failed' | 'not-reached'
  /** What was seen, a clause; empty where nothing was reached. */
  readonly said: string
  /** What to type or do now; null where nothing is to do. */
  readonly next: string | null
}

export type Checkup = {
  readonly machine: readonly Check[]
  /** Null where no host was looked at; `why` says so. */
  readonly host: { readonly name: string; readonly checks: readonly Check[] } | null
  readonly why: string | null
}
