import type { Severity } from '../model/audit.ts'
import type { Facts } from '../model/facts.ts'
import type { Fault } from '../model/fault.ts'
import type { Finding } from '../model/finding.ts'
import type { Sample } from '../model/history.ts'
import type { Analysis } from '../strategies/analysis.ts'
import type { Choice } from '../strategies/choose.ts'
import type { AuditThresholds } from './policy.ts'

/** One thing that an audit looks for: a file, or an entry of one, and a line in the catalogue. */
export type AuditRule = {
  /** In small letters and dashes; where diagnosis finds the same, its name there. */
  readonly id: string
  /** Unless what it found says another, or the policy does. */
  readonly severity: Severity
  /** What it looks for, as the end of a sentence: `a table that is nearly full`. */
  readonly summary: string
  /** Total: what it cannot read it says, and never guesses. */
  readonly judge: (look: Look) => readonly (Found | Untold)[]
}

/** All that is known of one host; nothing here is worked out again. */
export type Look = {
  readonly facts: Facts
  readonly findings: readonly Finding[]
  readonly analysis: Analysis
  readonly choice: Choice
  /** That a transaction of ctfleet has the host for itself; null where none has. */
  readonly locked: Fault | null
  readonly thresholds: AuditThresholds
  /** What was last read of it before; null where nothing was, or where the record is not asked. */
  readonly earlier: Earlier | null
}

/** `seconds` ago. */
export type Earlier = { readonly sample: Sample; readonly seconds: number }

export type Found = {
  readonly severity?: Severity
  readonly title: string
  readonly evidence: readonly string[]
  /** From where on it counts, in words; null where there is no number to it. */
  readonly threshold: string | null
  /** What to type; `HOST` stands for the host's name. */
  readonly remedy: string
}

/** Completes "cannot tell …: …". */
export type Untold = { readonly untold: string; readonly why: string }

/** Nothing that is about the table applies where there is none; where that is not known, diagnosis says so. */
export function tracks({ conntrack: { generation } }: Facts): boolean {
  return generation.known && generation.value !== 'none'
}

/** What tune would mend; in a container max is the node's, and tune fits nothing there. */
export function tuneRemedy({ conntrack: { maxWritable } }: Facts): string {
  return maxWritable.known && !maxWritable.value
    ? 'its max belongs to the node that it runs on: ask its owner; what can be done here: ctfleet explain --limit HOST'
    : 'ctfleet plan --strategy tune --limit HOST'
}

/** `net.netfilter.nf_conntrack_max`; kernels before 2.6.22 have their settings elsewhere. */
export function sysctlName({ conntrack: { generation } }: Facts, key: string): string {
  const isOld = generation.known && generation.value === 'ip'
  return `${isOld ? 'net.ipv4.netfilter.ip_conntrack_' : 'net.netfilter.nf_conntrack_'}${key}`
}

/** What ctfleet would do about the table, or what a person can type where nothing fits. */
export const PLAN = 'ctfleet plan --limit HOST'
export const EXPLAIN = 'ctfleet explain --limit HOST'
