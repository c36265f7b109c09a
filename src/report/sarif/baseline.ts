import type { AuditFinding, AuditReport } from '../../model/audit.ts'
import type { AuditChange, SinceLast } from '../../model/history.ts'
import { shortened } from '../format.ts'

/** What a finding is to the audit before, in SARIF's words. `host`: null for the policy. `at`: its place among those of the host. */
export type Baseline = (host: string | null, at: number) => 'new' | 'unchanged' | 'updated'

/** Of every finding of the later audit; what is gone is not in it, since readers that know no baseline would keep it alive. */
export function baselineOf({ audit, changes }: SinceLast, whole: AuditReport): Baseline {
  const fresh = new Set(changes.new.map(({ finding }) => finding))
  const other = new Set([...changes.worse, ...changes.better].map(({ finding }) => finding))
  const gone = new Set(changes.gone.map(keyOf))
  const stateOf = (host: string | null, finding: AuditFinding) => {
    if (audit === null || fresh.has(finding)) return 'new'
    // Of a finding that was waived meanwhile only that it counts no more is told.
    const wasWaived = finding.waived !== null && gone.has(keyOf({ host, finding }))
    return wasWaived || other.has(finding) ? 'updated' : 'unchanged'
  }
  const states = new Map([
    [null, whole.policy.map((finding) => stateOf(null, finding))] as const,
    ...whole.results.map((result) => {
      const findings = result.status === 'audited' ? result.findings : []
      // Names without end are shortened wherever an audit is told.
      return [shortened(result.host), findings.map((finding) => stateOf(result.host, finding))] as const
    }),
  ])
  return (host, at) => states.get(host)?.[at] ?? 'unchanged'
}

function keyOf({ host, finding }: AuditChange): string {
  return JSON.stringify([host, finding.rule])
}
