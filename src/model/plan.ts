import type { Change } from './change.ts'
import type { Finding } from './finding.ts'
import type { Host } from './host.ts'
import type { Verdict } from './verdict.ts'

/** What is to be done to one host, as approved: `id` is the digest of everything else in here. */
export type Plan = {
  readonly id: string
  readonly host: Host
  readonly strategy: string
  readonly boundTo: BoundTo
  readonly considered: readonly Verdict[]
  readonly findings: readonly Finding[]
  readonly changes: readonly Change[]
  /** Steps that were already at their goal, by title. */
  readonly kept: readonly string[]
  readonly notes: readonly string[]
  /** What a later rollback may cost, said beforehand and said again when it is asked for. */
  readonly rollbackNotes: readonly string[]
  readonly gates: readonly Gate[]
  /** The bytes that run on the host, undo included; transaction id and time limits come in as arguments. */
  readonly script: string
}

/** What must still be so on the host when the change begins. */
export type BoundTo = {
  /** Prints, in a normal form, everything the verdict rests on; run the same at plan and at apply. */
  readonly probe: string
  /** Digest of what it printed at plan time, as the host computed it. */
  readonly digest: string
}

/** A question asked over a new connection after the change and before it is confirmed. */
export type Gate =
  | { readonly gate: 'reads-back' }
  | { readonly gate: 'ports'; readonly ports: readonly number[] }
  | { readonly gate: 'drops'; readonly withinSeconds: number }
