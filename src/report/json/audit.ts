import type { AuditFinding, AuditReport, AuditResult, Severity } from '../../model/audit.ts'
import type { AuditChange, ChangedFinding, SinceLast } from '../../model/history.ts'
import { remedyFor } from '../remedy.ts'
import type { FactsSource } from './explanation.ts'

const VERSION = 1

/** How the audit was made: the policy's file, from which severity on findings fail it, and where recorded facts came from. */
export type AuditMade = {
  /** RFC 3339, UTC. */
  readonly at: string
  readonly policy: string | null
  readonly failOn: Severity
  readonly source: FactsSource | null
}

/**
 * What audit prints as JSON. Every host has the same keys: `host`, `status`, `findings` (each with `rule`, `severity`, `title`,
 * `evidence`, `threshold`, `remedy` and `waived`), `traits` (readings of `max`, `buckets`,
 * `timeouts` and `managers`), `notRoot` (the fault that kept us from being root), `fault`, `why`; null or `[]` where there is none.
 * `policyFindings` are those against the policy, `counts` those of both that count, waived ones apart, `rules` what was asked.
 * @param inventory as it was typed, for the commands in `remedy`; null where it goes without saying
 */
export function auditJson({ results, policy, rules }: AuditReport, made: AuditMade, inventory: string | null): object {
  const found = [...results.flatMap((result) => (result.status === 'audited' ? result.findings : [])), ...policy]
  return {
    version: VERSION,
    ...made,
    counts: {
      hosts: results.length,
      audited: results.filter(({ status }) => status === 'audited').length,
      critical: countOf(found, 'critical'),
      warning: countOf(found, 'warning'),
      info: countOf(found, 'info'),
      waived: found.filter(({ waived }) => waived !== null).length,
    },
    rules,
    policyFindings: policy,
    hosts: results.map((result) => hostJson(result, inventory)),
  }
}

/** What changed since an audit before, as `since` of `auditJson`: remedies are as they are typed there. */
export function sinceJson({ audit, changes }: Pick<SinceLast, 'audit' | 'changes'>, inventory: string | null): object {
  const told = ({ host, finding }: AuditChange) => ({ host, finding: typedFor(finding, host, inventory) })
  const both = (changed: ChangedFinding) => ({
    ...told(changed),
    before: typedFor(changed.before, changed.host, inventory),
  })
  return {
    audit,
    ...changes,
    new: changes.new.map(told),
    worse: changes.worse.map(both),
    better: changes.better.map(both),
    gone: changes.gone.map(told),
  }
}

function countOf(found: readonly AuditFinding[], severity: Severity): number {
  return found.filter((finding) => finding.waived === null && finding.severity === severity).length
}

function hostJson(result: AuditResult, inventory: string | null): object {
  const audited = result.status === 'audited' ? result : null
  return {
    host: result.host,
    status: result.status,
    findings: (audited?.findings ?? []).map((finding) => typedFor(finding, result.host, inventory)),
    traits: audited?.traits ?? null,
    notRoot: audited?.notRoot ?? null,
    fault: 'fault' in result ? result.fault : null,
    why: 'why' in result ? result.why : null,
  }
}

/** With its remedy as it is typed for this host; null: the policy, in whose remedies no host is named. */
function typedFor(finding: AuditFinding, host: string | null, inventory: string | null): AuditFinding {
  if (finding.remedy === null || host === null) return finding
  return { ...finding, remedy: remedyFor(finding.remedy, host, inventory) }
}
