import { DEFAULT_THRESHOLDS, type Thresholds } from '../diagnosis/thresholds.ts'
import type { Compiled } from '../expression/expression.ts'
import type { Severity } from '../model/audit.ts'

/** What a site wants of its hosts, where that is not what ctfleet takes for granted. */
export type Policy = {
  /** As it was named; null where there is none. */
  readonly file: string | null
  readonly thresholds: AuditThresholds
  readonly rules: ReadonlyMap<string, Severity | 'off'>
  /** The site's own. */
  readonly own: readonly SiteRule[]
  readonly waivers: readonly Waiver[]
}

export type AuditThresholds = Thresholds & {
  /** Seconds from which on a timeout counts as long. */
  readonly longTimeout: number
  /** Hosts that a group must have before one of them can be out of line. */
  readonly fewestInGroup: number
}

/** A condition over facts, under the names that `--where` has. */
export type SiteRule = {
  readonly id: string
  readonly severity: Severity
  readonly when: Compiled
  readonly title: Worded
  readonly remedy: Worded | null
}

/** A sentence as it stands, or one that is worked out for each host. */
export type Worded = { readonly text: string } | { readonly expression: Compiled }

export type Waiver = {
  readonly rule: string
  /** A pattern as `--limit` takes it. */
  readonly hosts: string
  readonly reason: string
  /** The last day on which it holds, in UTC: `2027-01-31`. */
  readonly until: string
  /** Where it is written: `policy.yaml:14:5`. */
  readonly at: string
}

/** A day is what kube-proxy keeps established connections for; of fewer than four hosts no majority is a rule. */
export const DEFAULT_POLICY: Policy = {
  file: null,
  thresholds: { ...DEFAULT_THRESHOLDS, longTimeout: 86_400, fewestInGroup: 4 },
  rules: new Map(),
  own: [],
  waivers: [],
}
