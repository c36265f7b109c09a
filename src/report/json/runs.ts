import type { Run } from '../../model/run.ts'

const VERSION = 1

/** Runs in the order given, each with how its hosts ended; the plans stay in the store. */
export function runsJson(runs: readonly Run[]): object {
  return {
    version: VERSION,
    runs: runs.map(({ results, ...run }) => ({
      ...run,
      hosts: results.map((result) => ({
        host: result.host,
        status: result.status,
        strategy: 'plan' in result ? (result.plan?.strategy ?? null) : null,
        transaction: 'transaction' in result ? result.transaction : null,
        fault: 'fault' in result ? result.fault : null,
      })),
    })),
  }
}
