import type { HostStatus } from '../model/result.ts'
import type { RunSummary } from '../model/run.ts'

/** A host of a run, as much as tells whether a change stands on it. */
type Ended = { readonly host: string; readonly status: HostStatus; readonly until?: string | null }

/**
 * Those of an apply's hosts on which its change still stands, as far as these runs know: none took it back, and its time is
 * not over.
 */
export function stillApplied<R extends Ended>(
  id: string,
  hosts: readonly R[],
  runs: readonly RunSummary[],
  now: Date,
): readonly (R & { readonly status: 'applied' })[] {
  const later = runs.filter(({ command, of }) => command !== 'apply' && of === id)
  const takenBack = later.flatMap((run) => run.hosts.filter(({ status }) => status === 'rolled-back'))
  const gone = new Set(takenBack.map(({ host }) => host))
  return hosts.filter(isApplied).filter(({ host, until }) => !gone.has(host) && !isOver(until, now))
}

function isApplied<R extends Ended>(result: R): result is R & { readonly status: 'applied' } {
  return result.status === 'applied'
}

function isOver(until: string | null | undefined, now: Date): boolean {
  return until !== null && until !== undefined && Date.parse(until) <= now.getTime()
}
