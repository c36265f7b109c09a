import type { Fault } from './fault.ts'
import type { Reading } from './reading.ts'

/** Whether what a run applied to one host is in force now. */
export type VerifyResult = { readonly host: string } & (
  | {
      /** `not-restarted` where a restart was to be proved, and the host has not been restarted since, or cannot tell. */
      readonly status: 'in-force' | 'not-in-force' | 'unsure' | 'not-restarted'
      readonly transaction: string
      /** Whether the host was restarted since the change. */
      readonly restarted: Reading<boolean>
      /**
       * What the host's own journal says: `stands`; `taken-back`, by an undo, or, of first aid, by a restart; `missing`, where the
       * host holds none any more; `unclear` all else.
       */
      readonly journal: 'stands' | 'taken-back' | 'unclear' | 'missing'
      /** What the host's own journal says of the transaction; null where it is as it should be. */
      readonly remark: string | null
      readonly changes: readonly VerifiedChange[]
    }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)

/** One change, looked at again. */
export type VerifiedChange = {
  readonly title: string
  readonly phase: 'runtime' | 'persist'
  /** Null where nothing can be told: entries come and go by themselves. */
  readonly inForce: Reading<boolean> | null
  /** What is there, and what was applied, as lines; equal where it is in force. */
  readonly shown: { readonly now: readonly string[]; readonly applied: readonly string[] }
}
