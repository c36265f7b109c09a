import type { AuditFinding, AuditResult, Severity } from './audit.ts'
import type { LeftOutHosts } from './result.ts'
import type { Mood } from './review.ts'

/**
 * An audit as it is told, for every format but text and JSON the same. Its texts may come from hosts: each format escapes them in
 * its own way. Of a text without end the beginning is here, with its length.
 */
export type AuditReview = {
  readonly made: AuditTold
  /** What was found, in one sentence. */
  readonly headline: string
  /** Each host under the worst that counts against it; worst first. */
  readonly counts: readonly ClassCount[]
  /** All that could be asked, in the order of the catalogue. */
  readonly rules: readonly RuleTold[]
  /** Rule by rule, worst first; what is waived is not in it. */
  readonly found: readonly RuleFound[]
  /** Against the policy itself. */
  readonly policy: readonly AuditFinding[]
  readonly waived: readonly WaivedTold[]
  /** Hosts that could not be asked, or not as root; those with the same cause together. */
  readonly troubles: readonly AuditTrouble[]
  readonly leftOut: LeftOutHosts
  /** Every host that was meant, worst first. */
  readonly hosts: readonly AuditedHost[]
}

/** How it was made. `at`: RFC 3339, UTC. `inventory`: as it was named. `facts`: the file of recorded facts, and when those were taken. */
export type AuditTold = {
  readonly at: string
  readonly inventory: string | null
  readonly policy: string | null
  readonly failOn: Severity
  readonly facts: { readonly file: string; readonly takenAt: string | null } | null
  /** Where only what changed is told: since when, and what is gone or better, a line each; else empty. */
  readonly since: readonly string[]
}

export type AuditClass = Severity | 'clean' | Exclude<AuditResult['status'], 'audited'>

export type ClassCount = { readonly class: AuditClass; readonly mood: Mood; readonly hosts: number }

export type RuleTold = {
  readonly id: string
  readonly summary: string
  /** Unless what it finds says another. */
  readonly severity: Severity
  readonly off: boolean
}

export type RuleFound = {
  readonly rule: string
  readonly summary: string
  readonly severity: Severity
  readonly mood: Mood
  /** Hosts of which exactly the same was found, together. */
  readonly alike: readonly {
    readonly hosts: readonly string[]
    readonly title: string
    readonly evidence: readonly string[]
  }[]
  readonly thresholds: readonly string[]
  /** What to type or do, for all those hosts. */
  readonly remedies: readonly string[]
}

export type WaivedTold = {
  readonly rule: string
  readonly hosts: readonly string[]
  readonly reason: string
  readonly until: string
}

export type AuditTrouble = {
  readonly hosts: readonly string[]
  readonly status: 'unreachable' | 'failed' | 'not-reached' | 'without root'
  readonly mood: Mood
  readonly message: string
  readonly next: string | null
}

export type AuditedHost = {
  readonly host: string
  readonly class: AuditClass
  readonly mood: Mood
  /** Worst first, waived ones among them; the remedies name this host. */
  readonly findings: readonly AuditFinding[]
  /** Why it could not be asked; null where it was. */
  readonly trouble: { readonly code: string; readonly message: string; readonly next: string | null } | null
  /** Where the inventory has it: `inventory.yaml:14:5`; null where that is not known. */
  readonly origin: string | null
}
