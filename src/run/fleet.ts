import { setMaxListeners } from 'node:events'
import pLimit from 'p-limit'
import type { Stage, Telling } from './story.ts'

export type Fleet = {
  /** Hosts in flight at once. */
  readonly parallel: number
  /** Once aborted no further host begins; what hosts under way do is their story's matter. */
  readonly signal: AbortSignal
  readonly onStage: (host: string, stage: Stage) => void
}

/**
 * Runs one story per host and gives every host a result, always, in the order of the hosts.
 * @param otherwise the result of a host that was never begun, or whose story met a bug of ours.
 */
export async function runFleet<H extends { readonly name: string }, R>(
  hosts: readonly H[],
  { parallel, signal, onStage }: Fleet,
  story: (host: H, telling: Telling) => Promise<R>,
  otherwise: (host: H, end: { readonly notReached: string } | { readonly bug: unknown }) => R,
): Promise<R[]> {
  // Every host under way listens to it; more than ten are no leak.
  setMaxListeners(0, signal)
  const slot = pLimit(parallel)
  const tell = async (host: H): Promise<R> => {
    if (signal.aborted) return otherwise(host, { notReached: 'the run was stopped before its turn' })
    try {
      return await story(host, { signal, onStage: (stage) => onStage(host.name, stage) })
    } catch (bug) {
      return otherwise(host, { bug })
    } finally {
      onStage(host.name, 'ended')
    }
  }
  return await Promise.all(hosts.map((host) => slot(tell, host)))
}
