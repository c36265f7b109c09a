import type { Fault } from './fault.ts'
import type { Finding } from './finding.ts'
import type { Reading } from './reading.ts'
import type { Verdict } from './verdict.ts'

/** Why a host would get what it would get, and what each strategy would change in its table. */
export type Explanation = {
  /** Where a transaction has the host for itself: nothing would be chosen now, and the host is never healthy. */
  readonly locked: Fault | null
  readonly health: 'healthy' | 'unwell' | 'cannot-tell'
  readonly findings: readonly Finding[]
  readonly table: TableSize
  /** In the playbooks' order of preference. */
  readonly strategies: readonly StrategyExplained[]
  /** `strategy` is null where none would be chosen. */
  readonly choice: { readonly strategy: string | null; readonly why: string }
  /** Every port that the sample of entries names, with what decides whether `notrack` would leave it out. */
  readonly ports: Reading<readonly PortDecision[]>
  /** What rules of ctfleet leave out of tracking already. */
  readonly standing: readonly LeftService[]
  /** Whether the facts were read as root; without it much is not known. */
  readonly root: Reading<boolean>
}

export type StrategyExplained = { readonly title: string; readonly verdict: Verdict; readonly effect: Effect }

/** The table as it is: entries, buckets, bytes. */
export type TableSize = {
  readonly entries: Reading<number>
  readonly max: Reading<number>
  readonly buckets: Reading<number>
  readonly entrySize: EntrySize
  /** Entries and buckets together. */
  readonly bytes: Reading<number>
}

/** Bytes of one entry: the kernel's own number, or a large one that is assumed, and why. */
export type EntrySize =
  | { readonly bytes: number; readonly measured: true }
  | { readonly bytes: number; readonly measured: false; readonly why: string }

/** A number, and between which bounds it lies; the three are equal where it was counted. */
export type Estimate = { readonly value: number; readonly low: number; readonly high: number }

/** How sure the numbers are: counted over the whole table, or from a sample, with bounds that hold with 95 % confidence. */
export type Basis =
  | { readonly basis: 'counted' }
  /** Both in entries. */
  | { readonly basis: 'sample'; readonly read: number; readonly total: number }

/** What a strategy would change in the table, whether it fits the host or not. Entries, bytes, shares from 0 to 1. */
export type Effect = Emptied | LeftOut | Resized | Unforeseen

type Change = {
  readonly entriesFreed: Reading<Estimate>
  readonly entriesLeft: Reading<Estimate>
  /** Entries that are left over what the table may hold then. */
  readonly usageAfter: Reading<Estimate>
  readonly bytesFreed: Reading<Estimate>
  /** Whether that is so when the change is made, or only as entries run out; and a sentence of how long that takes. */
  readonly atOnce: Reading<boolean>
  readonly pace: string
  readonly basis: Reading<Basis>
}

/** Nothing is tracked any more. */
export type Emptied = Change & {
  readonly remedy: 'unload'
  /** `modules`: table and buckets go with them; `hooks`: tracking is built in and only stops. */
  readonly form: 'modules' | 'hooks'
}

/** Of the host itself, or of others that flows pass through to. */
export type LeftService = { readonly protocol: string; readonly port: number; readonly forwarded?: true }

/** Some services are no longer tracked. */
export type LeftOut = Change & {
  readonly remedy: 'notrack'
  readonly services: readonly LeftService[]
  /** Of all entries, those that the services hold. */
  readonly share: Reading<Estimate>
}

/** All is tracked still, in a table of another size or for another time. */
export type Resized = Change & {
  readonly remedy: 'tune'
  readonly max: FromTo
  readonly buckets: FromTo
  /** Entries needed at once, where that number comes from, and the largest max that memory can spare. */
  readonly demand: Reading<number>
  readonly demandBecause: string
  readonly fits: Reading<number>
  /** What the table takes when it is full, and how much that is more than it takes now. */
  readonly bytesWhenFull: Reading<number>
  readonly bytesMoreThanNow: Reading<number>
}

/** A playbook whose steps are about something else than the table. */
export type Unforeseen = { readonly remedy: 'other'; readonly why: string }

export type FromTo = { readonly from: Reading<number>; readonly to: Reading<number> }

/** Whether `notrack` would leave a port out, and what decides it. */
export type PortDecision = {
  readonly protocol: string
  readonly port: number
  /** Of the sample. */
  readonly entries: number
  /** Of the whole table, 0 to 1. */
  readonly share: Estimate
  /** Part of its entries whose destination is the host itself, 0 to 1; null where the host's addresses are not known. */
  readonly local: number | null
  readonly listens: Reading<boolean>
  readonly decision: PortRule
  /** A clause for a person. */
  readonly why: string
}

export type PortRule =
  | 'chosen'
  | 'refused'
  | 'not-named'
  | 'other-protocol'
  | 'ssh'
  | 'addresses-unknown'
  | 'elsewhere'
  | 'listeners-unknown'
  | 'not-listening'
  | 'not-busy'
