import { firstTwice } from '../model/first-twice.ts'
import { canonicalJson, type Json } from '../model/json.ts'
import type { HostResult } from '../model/result.ts'
import { sha256 } from '../shell/script.ts'
import { isSealed } from './seal.ts'

/** A saved plan: what `plan -o` writes and `show` and `apply` read. `id` is the digest over the hosts' plans. */
export type PlanDocument = {
  readonly version: 2
  readonly id: string
  /** RFC 3339, UTC. */
  readonly createdAt: string
  readonly inventory: string
  readonly hosts: readonly HostResult[]
}

export function planDocument(inventory: string, createdAt: string, hosts: readonly HostResult[]): PlanDocument {
  return { version: 2, id: fleetId(hosts), createdAt, inventory, hosts }
}

/** Reads a saved plan back, or says what is wrong with it; a plan that was edited is no plan. */
export function readPlanDocument(text: string): PlanDocument | { readonly problem: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return { problem: 'this is not JSON' }
  }
  if (!isDocument(value)) return { problem: 'this is not a plan that ctfleet wrote, or one of another version' }
  const broken = value.hosts.find((result) => 'plan' in result && result.plan !== null && !isSealed(result.plan))
  if (broken !== undefined)
    return { problem: `the plan of ${broken.host} is not as it was written: its digest does not match` }
  if (fleetId(value.hosts) !== value.id)
    return { problem: 'the plan is not as it was written: its digest does not match' }
  const misnamed = value.hosts.find(
    (result) => 'plan' in result && (result.plan?.host.name ?? result.host) !== result.host,
  )
  if (misnamed !== undefined) return { problem: `what it calls ${misnamed.host} is a plan for another host` }
  const names = value.hosts.map(({ host }) => host)
  const twice = firstTwice(names)
  if (twice !== undefined) return { problem: `it holds ${twice} twice` }
  return value
}

function fleetId(hosts: readonly HostResult[]): string {
  return sha256(canonicalJson(hosts))
}

// The digests hold what is inside together; here only the frame is checked.
function isDocument(value: unknown): value is PlanDocument {
  const document = value as { readonly [key: string]: Json } | null
  return (
    typeof document === 'object' &&
    document !== null &&
    document.version === 2 &&
    typeof document.id === 'string' &&
    typeof document.inventory === 'string' &&
    Array.isArray(document.hosts) &&
    document.hosts.every(
      (host: unknown) =>
        typeof host === 'object' &&
        host !== null &&
        typeof (host as { host?: unknown }).host === 'string' &&
        typeof (host as { status?: unknown }).status === 'string' &&
        (!('plan' in host) || typeof host.plan === 'object'),
    )
  )
}
