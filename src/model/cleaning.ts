import type { Fault } from './fault.ts'

/**
 * What removing ctfleet's own bookkeeping from one host came to. `clean`: nothing of ctfleet's is on it any more; `kept`: some of
 * it is, each with why it has to stay for now.
 */
export type CleanResult = { readonly host: string } & (
  | { readonly status: 'clean'; readonly removed: readonly string[] }
  | { readonly status: 'kept'; readonly removed: readonly string[]; readonly kept: readonly Fault[] }
  | { readonly status: 'declined' | 'skipped' }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)
