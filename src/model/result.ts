import type { Explanation } from './explanation.ts'
import type { Facts } from './facts.ts'
import type { Fault } from './fault.ts'
import type { Finding } from './finding.ts'
import type { IndicativePlan } from './indicative.ts'
import type { GateOutcome, Plan } from './plan.ts'
import type { Verdict } from './verdict.ts'

/** How one host ended, always exactly one of these. */
export type HostResult = { readonly host: string } & (
  | { readonly status: 'not-reached'; readonly why: string }
  | { readonly status: 'unreachable'; readonly fault: Fault }
  | { readonly status: 'failed'; readonly fault: Fault }
  /** Another name of the inventory leads to the same machine, which is handled under that one. */
  | { readonly status: 'same-machine'; readonly why: string }
  | Judged<'healthy'>
  | (Judged<'no-strategy'> & { readonly why: string })
  | Blocked
  | { readonly status: 'already-right'; readonly plan: Plan }
  | { readonly status: 'planned'; readonly plan: Plan }
  | { readonly status: 'refused'; readonly plan: Plan; readonly fault: Fault }
  /** `why` where it was neither a person's no nor a person's skip: that taking it back may break sessions was not accepted. */
  | { readonly status: 'skipped'; readonly plan: Plan; readonly why?: string }
  | { readonly status: 'declined'; readonly plan: Plan; readonly why?: string }
  /** Recorded before the host is asked for its change, or its undo; what came of it, only the host can tell. */
  | { readonly status: 'under-way'; readonly plan: Plan | null; readonly transaction: string }
  | {
      readonly status: 'applied'
      readonly plan: Plan
      readonly transaction: string
      /** RFC 3339, UTC: when the host takes the change back by itself; absent where it stays for good. */
      readonly until?: string
      /** What came of the gates before it was confirmed. */
      readonly checked?: readonly GateOutcome[]
      /** Where gates that held at the confirmation did not hold later in the run: the change is in force all the same. */
      readonly fault?: Fault
    }
  | {
      readonly status: 'rolled-back'
      readonly plan: Plan | null
      readonly transaction: string
      /** Whether it deleted entries, which stay away; absent where only its plan can tell. */
      readonly deletedEntries?: boolean
      readonly checked?: readonly GateOutcome[]
      readonly fault: Fault | null
    }
  | { readonly status: 'needs-hands'; readonly plan: Plan | null; readonly transaction: string; readonly fault: Fault }
)

export type HostStatus = HostResult['status']

/** `fault` where the host is another transaction's for now; `why` says the same then. */
type Blocked = Judged<'blocked'> & { readonly why: string; readonly fault?: Fault }

type Judged<Status> = {
  readonly status: Status
  readonly findings: readonly Finding[]
  readonly considered: readonly Verdict[]
}

/** What reading one host's facts came to. `notRoot` is why root was not to be had, and what needs root is unknown. */
export type FactsResult = {
  readonly host: string
} & (
  | { readonly status: 'read'; readonly facts: Facts; readonly notRoot?: Fault | undefined }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)

/** What explaining one host came to. */
export type ExplainResult = { readonly host: string } & (
  | { readonly status: 'explained'; readonly explanation: Explanation; readonly notRoot?: Fault | undefined }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)

/** What could be foretold of one host from facts that were recorded earlier; it was not contacted. */
export type ForetoldResult = { readonly host: string } & (
  | { readonly status: 'not-reached'; readonly why: string }
  | { readonly status: 'unreachable'; readonly fault: Fault }
  | { readonly status: 'failed'; readonly fault: Fault }
  | Judged<'healthy'>
  | (Judged<'no-strategy'> & { readonly why: string })
  | Blocked
  | { readonly status: 'indicative'; readonly plan: IndicativePlan }
)

/** A host that the operator's condition (`--where`) leaves out, or of which it cannot be told: its facts were read, and nothing else. */
export type LeftOut = { readonly host: string } & (
  | { readonly status: 'left-out' }
  | { readonly status: 'unsure'; readonly why: string }
)

/** Those hosts together: names of them for which it is false, and those of which it cannot be told, with the cause. */
export type LeftOutHosts = {
  readonly leftOut: readonly string[]
  readonly unsure: readonly { readonly host: string; readonly why: string }[]
}
