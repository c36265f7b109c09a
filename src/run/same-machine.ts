import type { SystemFacts } from '../model/facts.ts'
import type { Host } from '../model/host.ts'
import type { Plan } from '../model/plan.ts'
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

/**
 * Of several names of one machine one stays as it is, and what would be done twice is not done under the others. It is the
 * first one, or the first that says that the machine is a gateway, or else that it has a pair: both are true of it
 * whatever it is called.
 */
export function onceEach(results: readonly HostResult[]): readonly HostResult[] {
  const chosen = new Map<string, Plan>()
  for (const { machine, plan } of results.flatMap(candidate)) {
    const other = chosen.get(machine)
    if (other === undefined || tells(plan.host) > tells(other.host)) chosen.set(machine, plan)
  }
  return results.map((result): HostResult => {
    const [one] = candidate(result)
    const plan = one === undefined ? undefined : chosen.get(one.machine)
    if (plan === undefined || plan === one?.plan) return result
    return sameMachine(result.host, plan.host.name)
  })
}

function candidate(result: HostResult): readonly { readonly machine: string; readonly plan: Plan }[] {
  if (result.status !== 'planned' || result.plan.machine === undefined) return []
  return [{ machine: result.plan.machine, plan: result.plan }]
}

function tells({ gateway, pair }: Host): number {
  if (gateway === true) return 2
  return pair === undefined ? 0 : 1
}

export function sameMachine(host: string, other: string): HostResult {
  const why = `is the same machine as ${other}, under which name it is handled; take one of the two names out of the inventory`
  return { host, status: 'same-machine', why }
}
