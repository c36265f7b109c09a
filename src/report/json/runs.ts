import type { RunSummary } from '../../model/run.ts'

const VERSION = 1

/** Runs in the order given, each with how its hosts ended, and `standsOn`: the hosts on which its changes stand; the plans stay in the store. */
export function runsJson(runs: readonly RunSummary[], standing: ReadonlyMap<string, readonly string[]>): object {
  return { version: VERSION, runs: runs.map((run) => ({ ...run, standsOn: standing.get(run.id) ?? [] })) }
}
