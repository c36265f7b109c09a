import type { Run, RunSummary } from '../../src/model/run.ts'

/** What a list has of a run. */
export function summaryOf({ results, ...run }: Run): RunSummary {
  return {
    ...run,
    hosts: results.map((result) => ({
      host: result.host,
      status: result.status,
      strategy: ('plan' in result ? result.plan?.strategy : null) ?? null,
      transaction: ('transaction' in result ? result.transaction : null) ?? null,
      until: ('until' in result ? result.until : null) ?? null,
      fault: ('fault' in result ? result.fault : null) ?? null,
    })),
  }
}
