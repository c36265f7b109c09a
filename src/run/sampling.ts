import { sampleOf } from '../audit/sample.ts'
import type { Sample } from '../model/history.ts'
import type { Conduct } from './phase.ts'

/** Collects what is read of hosts, one sample each, for the record. */
export type Sampler = {
  /** The same, heard. */
  readonly over: (conduct: Conduct) => Conduct
  readonly taken: () => readonly Sample[]
}

/** @param inventory as the record names it: files by their whole path */
export function newSampler(inventory: string): Sampler {
  const samples = new Map<string, Sample>()
  return {
    over: (conduct) => async (phase, inWaves) =>
      await conduct(
        {
          ...phase,
          story: (host, telling) => {
            const onFacts: typeof telling.onFacts = (facts) => {
              telling.onFacts?.(facts)
              samples.set(host.name, sampleOf(facts, { host: host.name, inventory, at: new Date().toISOString() }))
            }
            return phase.story(host, { ...telling, onFacts })
          },
        },
        inWaves,
      ),
    taken: () => [...samples.values()],
  }
}
