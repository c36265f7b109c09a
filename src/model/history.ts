import type { AuditFinding, AuditReport, AuditResult } from './audit.ts'

/** An audit as the record keeps it. */
export type AuditOnRecord = {
  readonly id: string
  /** RFC 3339, UTC. */
  readonly startedAt: string
  readonly endedAt: string
  /** Who asked: login name and machine. */
  readonly by: string
  /** Its files by their whole path, several with commas between, else as it was typed. */
  readonly inventory: string
  /** What of it was meant, as it was typed: `--limit web`; null for all of it. With inventory and policy it tells one series of audits from another. */
  readonly only: string | null
  /** The policy's file; null for the built-in one. */
  readonly policy: string | null
  /** Whose turn it was, and which of its times; null where a person asked. */
  readonly due: Due | null
  readonly report: AuditReport
}

/** One of the times of a schedule. At most one audit is kept for it. */
export type Due = {
  readonly schedule: string
  /** RFC 3339, UTC: when it should have begun. */
  readonly at: string
}

export type AuditSummary = Omit<AuditOnRecord, 'report'> & {
  /** What counts, by severity; what is waived is not among it. */
  readonly critical: number
  readonly warning: number
  readonly info: number
  readonly hosts: number
  /** Of those: how many could not be audited. */
  readonly unasked: number
}

/** What was read of a host's table at one time. Null: not known then. */
export type Sample = {
  readonly host: string
  readonly inventory: string
  /** RFC 3339, UTC, by the controller's clock. */
  readonly at: string
  /** The host's boot id: counters of two boots are not to be compared. */
  readonly boot: string | null
  readonly entries: number | null
  readonly max: number | null
  readonly buckets: number | null
  /**
   * Since boot, as the kernel counts them (`drop`, `early_drop`, `insert_failed`): packets dropped, lost races for one entry
   * among them; entries thrown out early to make room; lost races alone.
   */
  readonly drops: number | null
  readonly earlyDrops: number | null
  readonly insertFailed: number | null
}

/**
 * What one audit says that another, earlier one of the same hosts did not. Waived findings are none, so one whose waiver is over
 * is new, and one that was waived meanwhile is gone.
 */
export type AuditChanges = {
  /** Also all of a host that the earlier one did not audit. */
  readonly new: readonly AuditChange[]
  /** Of a graver severity than before. */
  readonly worse: readonly ChangedFinding[]
  readonly better: readonly ChangedFinding[]
  /** As the earlier audit had it. Of hosts that could not be audited now nothing is said to be gone. */
  readonly gone: readonly AuditChange[]
  /** Hosts that could not be audited now, and either were audited before or were not among its hosts. */
  readonly lost: readonly Exclude<AuditResult, { readonly status: 'audited' }>[]
  /** Hosts that were not audited before, were among its hosts, and are audited now. */
  readonly back: readonly string[]
  /** Hosts of the earlier audit that this one did not ask about. */
  readonly left: readonly string[]
}

/** What changed, and since which audit; null where there was none to compare with, so that all there is counts as new. */
export type SinceLast = {
  readonly audit: Pick<AuditOnRecord, 'id' | 'startedAt' | 'by'> | null
  readonly changes: AuditChanges
  readonly had: FindingsHad
}

/** Of each finding of the later audit that the earlier one had too, waived or not: what it was then. */
export type FindingsHad = ReadonlyMap<AuditFinding, AuditFinding>

/** `host` is null for what there is against the policy itself. */
export type AuditChange = { readonly host: string | null; readonly finding: AuditFinding }

export type ChangedFinding = AuditChange & { readonly before: AuditFinding }
