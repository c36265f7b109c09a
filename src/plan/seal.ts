import { canonicalJson } from '../model/json.ts'
import type { Plan } from '../model/plan.ts'
import { sha256 } from '../shell/script.ts'

/** Gives a plan its id: the SHA-256 of all of it. What was approved under an id can only be these bytes. */
export function sealPlan(plan: Omit<Plan, 'id'>): Plan {
  return { ...plan, id: sha256(canonicalJson(plan)) }
}

export function isSealed({ id, ...plan }: Plan): boolean {
  return sha256(canonicalJson(plan)) === id
}
