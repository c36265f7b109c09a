import type { Host } from '../model/host.ts'
import type { HostResult } from '../model/result.ts'
import type { RunSummary } from '../model/run.ts'
import { stillApplied } from '../store/standing.ts'
import type { RunStore } from '../store/store.ts'

export type Applied = Extract<HostResult, { readonly status: 'applied' }>

/** A host as an inventory has it; of one that was set aside the name alone is known. */
export type Named = Pick<Host, 'name'> & Partial<Way>
type Way = Pick<Host, 'address' | 'port' | 'jumps'>

/**
 * Of each of these hosts what was applied to it last from here and still stands; of some that may be nothing. Two inventories may
 * have one name for different hosts: what was applied at the same address goes before what was applied later at another one.
 */
export async function appliedLast(store: RunStore, hosts: Iterable<Named>): Promise<readonly Applied[]> {
  const { runs } = await store.list()
  const wanted = new Map([...hosts].map((host) => [host.name, host]))
  const elsewhere = new Map<string, Applied>()
  const standing: Applied[] = []
  for (const run of runs.filter(({ command }) => command === 'apply')) {
    const left = hostsOf(run, runs).filter((host) => wanted.has(host))
    if (left.length === 0) continue
    const found = await store.load(run.id)
    if (found.type !== 'found') continue
    for (const result of found.run.results.filter(isApplied).filter(({ host }) => left.includes(host))) {
      const { host, plan } = result
      if (!isSameWay(wanted.get(host) ?? plan.host, plan.host)) {
        if (!elsewhere.has(host)) elsewhere.set(host, result)
        continue
      }
      standing.push(result)
      wanted.delete(host)
    }
  }
  return [...standing, ...[...elsewhere.values()].filter(({ host }) => wanted.has(host))]
}

/** Whether both are reached at one address, by one way: networks behind different hosts may have it too. One that has none may be anywhere. */
export function isSameWay(way: Partial<Way>, other: Way): boolean {
  return way.address === undefined || placesOn(way).join() === placesOn(other).join()
}

function placesOn({ address, port, jumps = [] }: Partial<Way>): readonly string[] {
  return [...jumps, { address, port }].map((place) => `${place.address}:${place.port}`)
}

function hostsOf({ id, hosts }: RunSummary, runs: readonly RunSummary[]): readonly string[] {
  return stillApplied(id, hosts, runs, new Date()).map(({ host }) => host)
}

function isApplied(result: HostResult): result is Applied {
  return result.status === 'applied'
}
