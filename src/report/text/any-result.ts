import type { Finding } from '../../model/finding.ts'
import type { ForetoldResult, HostResult } from '../../model/result.ts'

/** A host in a report: what came of it, or what was foretold of it. */
export type AnyResult = HostResult | ForetoldResult

export function findingsOf(result: AnyResult): readonly Finding[] {
  if ('findings' in result) return result.findings
  return 'plan' in result && result.plan !== null ? result.plan.findings : []
}
