import { setMaxListeners } from 'node:events'
import pLimit from 'p-limit'
import type { Stage } from '../model/event.ts'
import type { Telling } from './story.ts'

export type Fleet = {
  /** Hosts in flight at once. */
  readonly parallel: number
  /** Once aborted no further host begins; what hosts under way do is their story's matter. */
  readonly signal: AbortSignal
  readonly onStage: (host: string, stage: Stage) => void
}

export type Story<H, R> = (host: H, telling: Telling) => Promise<R>

/** The result of a host that was never begun, or whose story met a bug of ours. */
export type Otherwise<H, R> = (host: H, end: { readonly notReached: string } | { readonly bug: unknown }) => R

export const STOPPED = 'the run was stopped before its turn'

/** Runs one story per host and gives every host a result, always, in the order of the hosts. */
export async function runFleet<H extends { readonly name: string }, R>(
  hosts: readonly H[],
  fleet: Fleet,
  story: Story<H, R>,
  otherwise: Otherwise<H, R>,
): Promise<R[]> {
  const slot = slots(fleet.parallel)
  const tell = teller(fleet, story, otherwise)
  return await Promise.all(
    hosts.map((host) =>
      slot(async () => (fleet.signal.aborted ? otherwise(host, { notReached: STOPPED }) : await tell(host))),
    ),
  )
}

/** Room for so many at once; whoever comes later waits for his turn. */
export function slots(parallel: number): <R>(work: () => Promise<R>) => Promise<R> {
  const limit = pLimit(parallel)
  return async (work) => await limit(work)
}

/** Tells one host's story from its first stage to `ended`; never throws. */
export function teller<H extends { readonly name: string }, R>(
  { signal, onStage }: Fleet,
  story: Story<H, R>,
  otherwise: Otherwise<H, R>,
): (host: H) => Promise<R> {
  // Every host under way listens to it; more than ten are no leak.
  setMaxListeners(0, signal)
  return async (host) => {
    try {
      return await story(host, { signal, onStage: (stage) => onStage(host.name, stage) })
    } catch (bug) {
      return otherwise(host, { bug })
    } finally {
      onStage(host.name, 'ended')
    }
  }
}
