import type { HostResult } from '../../src/model/result.ts'
import type { Run } from '../../src/model/run.ts'
import { sealPlan } from '../../src/plan/seal.ts'
import { aRun, ENDED_FLEET, PLANNED_FLEET } from '../report/fleet.ts'

/** A run whose plans have true ids, as those that are made have: a store may tell them apart by these. */
export function sealedRun(run: Partial<Run> = {}): Run {
  const whole = aRun(run)
  return { ...whole, results: whole.results.map(sealed) }
}

function sealed(result: HostResult): HostResult {
  if (!('plan' in result) || result.plan === null) return result
  const { id: _, ...plan } = result.plan
  return { ...result, plan: sealPlan(plan) } as HostResult
}

/** A host for each way to stand in a record. */
export const EVERY_STATUS: readonly HostResult[] = [...ENDED_FLEET, ...PLANNED_FLEET].map((result, at) =>
  sealed({ ...result, host: `host-${at}` }),
)
