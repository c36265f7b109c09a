import type { AuditFinding, AuditReport } from '../../model/audit.ts'
import type { SinceLast } from '../../model/history.ts'
import { shortened } from '../format.ts'

/** What a finding is to the audit before, in SARIF's words. `host`: null for the policy. `at`: its place among those of the host. */
export type Baseline = (host: string | null, at: number) => 'new' | 'unchanged' | 'updated'

/**
 * Of every finding of the later audit; what is gone is not in it, since readers that know no baseline would keep it alive.
 * SARIF 2.1.0, 3.27.24: a result is `new` only where the earlier run did not detect it. What is suppressed was detected, so a
 * waiver that was there all along changes nothing, and one that came or ended makes it `updated`.
 */
export function baselineOf({ had }: Pick<SinceLast, 'had'>, whole: AuditReport): Baseline {
  const stateOf = (finding: AuditFinding) => {
    const then = had.get(finding)
    if (then === undefined) return 'new'
    const isSame = then.severity === finding.severity && (then.waived === null) === (finding.waived === null)
    return isSame ? 'unchanged' : 'updated'
  }
  const states = new Map([
    [null, whole.policy.map(stateOf)] as const,
    ...whole.results.map((result) => {
      const findings = result.status === 'audited' ? result.findings : []
      // Names without end are shortened wherever an audit is told.
      return [shortened(result.host), findings.map(stateOf)] as const
    }),
  ])
  return (host, at) => states.get(host)?.[at] ?? 'unchanged'
}
