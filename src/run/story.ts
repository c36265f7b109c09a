import type { Facts } from '../model/facts.ts'
import type { Fault } from '../model/fault.ts'

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
}

export type FactsResult = { readonly host: string } & (
  | { readonly status: 'read'; readonly facts: Facts }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)
