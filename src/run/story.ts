/** Where a host is on its way; shown as progress. */
export type Stage =
  | 'waiting'
  | 'connecting'
  | 'reading'
  | 'planning'
  | 'changing'
  | 'checking'
  | 'confirming'
  | 'undoing'
  | 'ended'

/** What a host's story may tell while it runs, and what can stop it. */
export type Telling = {
  readonly signal: AbortSignal
  readonly onStage: (stage: Stage) => void
  /** Told before a host is asked to change anything; the change waits until it is on record. */
  readonly onTransaction?: (transaction: string) => Promise<void>
}
