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
  /** Tells this machine from every other as long as it runs; absent where that could not be read. */
  readonly machine?: string
  readonly considered: readonly Verdict[]
  readonly findings: readonly Finding[]
  readonly changes: readonly Change[]
  /** Steps that were already at their goal, by title. */
  readonly kept: readonly string[]
  readonly notes: readonly string[]
  /** What a later rollback may cost, said beforehand and said again when it is asked for. */
  readonly rollbackNotes: readonly string[]
  /** Why sessions may break when this is taken back, a clause each: to be accepted before. Absent where they live through it. */
  readonly sessionLoss?: readonly string[]
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

/**
 * A question asked over a new connection after the change and before it is confirmed. Rates are packets a second; a rate
 * holds when one reading within `withinSeconds` of the first is no higher than `mostPerSecond`.
 */
export type Gate =
  | { readonly gate: 'reads-back' }
  /** The login over which all others are asked. */
  | { readonly gate: 'login' }
  /** Of these TCP ports, those that answered before the change. */
  | { readonly gate: 'ports'; readonly ports: readonly number[] }
  | DropsGate
  | InvalidGate

export type GateName = Gate['gate']

/** The plan's forecast for packets that are dropped for want of room. */
export type DropsGate = {
  readonly gate: 'drops'
  /** 0 where drops must end. */
  readonly mostPerSecond: number
  readonly withinSeconds: number
  readonly beforePerSecond: number
  /** Why that is to be expected; a clause for a person. */
  readonly because: string
}

/** Packets that tracking calls INVALID: flows that are tracked one way only, or met in the middle, are full of them. */
export type InvalidGate = {
  readonly gate: 'invalid'
  readonly mostPerSecond: number
  readonly withinSeconds: number
  readonly beforePerSecond: number
}

/** What came of one gate; `message` is a clause that says what was seen. */
export type GateOutcome = {
  readonly gate: GateName
  readonly held: boolean
  readonly message: string
  /** Of `drops`: packets a second that were dropped, and beside it the table in entries, where both its numbers were read. */
  readonly seen?: { readonly perSecond: number; readonly table?: { readonly entries: number; readonly max: number } }
}
