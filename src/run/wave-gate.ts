import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import { secondsOfGates } from '../plan/gate-time.ts'
import { openDoors } from './doors.ts'
import { checkGates } from './gates.ts'
import { openAgain } from './open-again.ts'

/** A host that answered a moment ago may be in trouble for a while, as its table fills and drops our packets too. */
const LOGIN_MS = 20_000
/** And slower to answer than one that was alone with its change. */
const SPARE_MS = 30_000

/**
 * Remembers which ports of a changed host answer now. What it gives asks the plan's gates once more, over a new connection:
 * the first that does not hold any more, or null.
 */
export async function watchPlan(plan: Plan): Promise<() => Promise<Fault | null>> {
  const answering = await openDoors(plan)
  return async () => {
    const opened = await openAgain(plan.host, Date.now() + LOGIN_MS)
    if ('refused' in opened) return opened.refused
    await using session = opened
    const deadline = Date.now() + secondsOfGates(plan.gates) * 1000 + SPARE_MS
    return (await checkGates(session, plan, answering, deadline)).fault
  }
}
