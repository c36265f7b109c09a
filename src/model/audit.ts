import type { Manager } from './facts.ts'
import type { Fault } from './fault.ts'
import { type Finding, SEVERITIES } from './finding.ts'
import type { Reading } from './reading.ts'

export type Severity = Finding['severity']

/** Something that an audit has against a host, or against the policy itself. */
export type AuditFinding = {
  /** Of a rule of ours, or of the site's own. */
  readonly rule: string
  readonly severity: Severity
  /** One sentence a person reads. */
  readonly title: string
  /** The readings it rests on, one line each. */
  readonly evidence: readonly string[]
  /** From where on it counts, in words: `75 % of max`; null where there is no number to it. */
  readonly threshold: string | null
  /** What to type or do; `HOST` stands for the host's name. Null where the site's own rule names nothing. */
  readonly remedy: string | null
  /** Why it does not count for now, and through which day (`2027-01-31`); null where nobody waived it. */
  readonly waived: { readonly reason: string; readonly until: string } | null
  /** Of drift: who may have done it, surest first; empty where nothing shows who. Absent of every other rule. */
  readonly by?: readonly Suspect[]
}

/** Which findings count where an audit fails from this severity on; one that is waived never does. */
export function countsFrom(failOn: Severity): (finding: Pick<AuditFinding, 'severity' | 'waived'>) => boolean {
  const failing: readonly Severity[] = SEVERITIES.slice(0, SEVERITIES.indexOf(failOn) + 1)
  return ({ severity, waived }) => waived === null && failing.includes(severity)
}

/** Somebody who may have changed what ctfleet applied: a program, or a person. */
export type Suspect = {
  readonly who: string
  /**
   * `certain`: it is on record, or bears the mark of who did it. `likely`: what is there is what this one makes, or it was at
   * work since. `possible`: it is here and could have done it, and no more is known.
   */
  readonly certainty: 'certain' | 'likely' | 'possible'
  readonly evidence: readonly string[]
}

/** What auditing one host came to. */
export type AuditResult = { readonly host: string } & (
  | {
      readonly status: 'audited'
      /** Worst first. */
      readonly findings: readonly AuditFinding[]
      readonly traits: AuditTraits
      /** Why root was not to be had: what needs root is `cannot-tell` then. */
      readonly notRoot?: Fault | undefined
    }
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly status: 'not-reached'; readonly why: string }
)

/** What hosts of one group are expected to have in common: entries, buckets, seconds; and who else changes things there. */
export type AuditTraits = {
  readonly max: Reading<number>
  readonly buckets: Reading<number>
  readonly timeouts: Reading<{ readonly [key: string]: number }>
  readonly managers: Reading<readonly Manager[]>
}

/** All of it: every host with its findings, and what there is against the policy (a waiver that is over). */
export type AuditReport = {
  readonly results: readonly AuditResult[]
  readonly policy: readonly AuditFinding[]
  /** Every rule that was asked or could have been, in the order of the catalogue; what it looks for, and how bad that is unless a finding says so. */
  readonly rules: readonly {
    readonly id: string
    readonly summary: string
    readonly severity: Severity
    readonly off: boolean
  }[]
}
