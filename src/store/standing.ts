import type { HostStatus } from '../model/result.ts'
import type { RunSummary } from '../model/run.ts'

/** A host of a run, as much as tells whether a change stands on it. */
type Ended = { readonly host: string; readonly status: HostStatus; readonly until?: string | null }

/**
 * Those of an apply's hosts on which its change still stands, as far as these runs know: none took it back, and its time is
 * not over. Without a time all whose end nobody has seen: the hosts' clocks say when that is, and not ours.
 */
export function stillApplied<R extends Ended>(
  id: string,
  hosts: readonly R[],
  runs: readonly RunSummary[],
  now: Date | null,
): readonly (R & { readonly status: 'applied' })[] {
  const gone = takenBack(id, runs)
  return hosts.filter(isApplied).filter(({ host, until }) => !gone.has(host) && (now === null || !isOver(until, now)))
}

/** Those on which a part of its change may be in force besides: it was cut off there, or waits for a person. */
export function stillOpen<R extends Ended>(
  id: string,
  hosts: readonly R[],
  runs: readonly RunSummary[],
): readonly (R & { readonly status: 'under-way' | 'needs-hands' })[] {
  const gone = takenBack(id, runs)
  return hosts.filter(isOpen).filter(({ host }) => !gone.has(host))
}

function takenBack(id: string, runs: readonly RunSummary[]): ReadonlySet<string> {
  const later = runs.filter(({ command, of }) => command !== 'apply' && of === id)
  return new Set(
    later.flatMap(({ hosts }) => hosts.flatMap(({ host, status }) => (status === 'rolled-back' ? [host] : []))),
  )
}

function isOpen<R extends Ended>(result: R): result is R & { readonly status: 'under-way' | 'needs-hands' } {
  return result.status === 'under-way' || result.status === 'needs-hands'
}

function isApplied<R extends Ended>(result: R): result is R & { readonly status: 'applied' } {
  return result.status === 'applied'
}

function isOver(until: string | null | undefined, now: Date): boolean {
  return until !== null && until !== undefined && Date.parse(until) <= now.getTime()
}
