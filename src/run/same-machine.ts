import type { SystemFacts } from '../model/facts.ts'
import type { HostResult } from '../model/result.ts'

/**
 * What tells the thing that is changed (one kernel's tracking and rules, in one network namespace) from every other as long
 * as it runs, or undefined where that could not be read. Not /etc/machine-id: images that were cloned carry it along, and
 * containers that share a network each have their own. Kernels that show no namespaces (before 3.0) are told apart by the
 * start of process 1, which every container has of its own.
 */
export function machineOf({ bootId, netns, firstProcess }: SystemFacts): string | undefined {
  if (!bootId.known) return undefined
  if (netns.known) return `boot ${bootId.value}, network namespace ${netns.value}`
  return firstProcess.known ? `boot ${bootId.value}, process 1 since ${firstProcess.value}` : undefined
}

/** Of several names of one machine the first one stays as it is; what would be done twice is not done under the others. */
export function onceEach(results: readonly HostResult[]): readonly HostResult[] {
  const first = new Map<string, string>()
  return results.map((result): HostResult => {
    if (result.status !== 'planned' || result.plan.machine === undefined) return result
    const { machine } = result.plan
    const other = first.get(machine)
    if (other !== undefined) return { host: result.host, status: 'same-machine', why: whyOf(other) }
    first.set(machine, result.host)
    return result
  })
}

function whyOf(other: string): string {
  return `is the same machine as ${other}, under which name it is handled; take one of the two names out of the inventory`
}
