import type { RunSummary } from '../../model/run.ts'

const VERSION = 1

/** Runs in the order given, each with how its hosts ended; the plans stay in the store. */
export function runsJson(runs: readonly RunSummary[]): object {
  return { version: VERSION, runs }
}
