import type { Change } from '../model/change.ts'
import type { Fault } from '../model/fault.ts'
import { sameJson } from '../model/json.ts'
import type { GateOutcome, Plan } from '../model/plan.ts'
import type { Session } from '../transport/transport.ts'
import { type Door, stillOpen } from './doors.ts'
import { readChanges } from './read-changes.ts'
import { watchRates } from './watch-rates.ts'

/** Every gate that was asked, in the plan's order, and why the change must not be kept; null where all held. */
export type Checked = { readonly outcomes: readonly GateOutcome[]; readonly fault: Fault | null }

/**
 * Asks the plan's gates over a connection that was opened after the change. Changes that do not read back end it; all else
 * is asked at the same time.
 * @param deadline milliseconds since the epoch; what could not be told by then does not hold
 */
export async function checkGates(
  session: Session,
  plan: Plan,
  answeredBefore: readonly Door[],
  deadline: number,
): Promise<Checked> {
  const outcomes: GateOutcome[] = []
  const has = (name: string) => plan.gates.some(({ gate }) => gate === name)
  if (has('login')) outcomes.push({ gate: 'login', held: true, message: 'a new login works' })
  if (has('reads-back')) {
    const runtime = plan.changes.filter(({ phase }) => phase === 'runtime')
    const fault = await readsBack(session, runtime, 'after', timeUntil(deadline))
    const message = fault === null ? 'every change reads back as planned' : fault.message
    outcomes.push({ gate: 'reads-back', held: fault === null, message })
    if (fault !== null) return checked(plan, outcomes, fault)
  }
  const rates = plan.gates.filter((gate) => gate.gate === 'drops' || gate.gate === 'invalid')
  const [ports, watched] = await Promise.all([
    has('ports') ? stillOpen(answeredBefore, deadline) : null,
    watchRates(session, rates, deadline),
  ])
  if (ports !== null) outcomes.push(ports)
  if ('fault' in watched) return checked(plan, outcomes, watched.fault)
  return checked(plan, [...outcomes, ...watched.outcomes], null)
}

/** The login that the gates would have been asked over was not to be had. */
export function noNewLogin({ gates }: Plan, message: string): readonly GateOutcome[] {
  return gates.some(({ gate }) => gate === 'login') ? [{ gate: 'login', held: false, message }] : []
}

function checked({ gates }: Plan, asked: readonly GateOutcome[], cause: Fault | null): Checked {
  const outcomes = gates.flatMap(({ gate }) => asked.filter((outcome) => outcome.gate === gate))
  const broken = outcomes.flatMap(({ held, message }) => (held ? [] : [message]))
  return { outcomes, fault: cause ?? (broken.length === 0 ? null : notVerified(broken.join('; '))) }
}

function timeUntil(deadline: number): number {
  return Math.max(1000, Math.min(60_000, deadline - Date.now()))
}

/** Probes the changes once more and compares each with the state it should be in. */
export async function readsBack(
  session: Session,
  changes: readonly Change[],
  expected: 'before' | 'after',
  timeoutMs = 60_000,
): Promise<Fault | null> {
  const steady = changes.filter((change) => !change.volatile)
  if (steady.length === 0) return null
  const read = await readChanges(session, steady, timeoutMs)
  if ('fault' in read) return read.fault
  for (const [at, change] of steady.entries()) {
    const now = read.states[at]
    if (!now?.known) return notVerified(`${change.title} could not be read back: ${now?.why}`)
    if (!sameJson(now.value, change[expected])) {
      return notVerified(
        `${change.title}: the host does not read as it should ${expected === 'after' ? 'now' : 'after the undo'}`,
      )
    }
  }
  return null
}

function notVerified(message: string): Fault {
  return { code: 'not-verified', message, next: 'run ctfleet plan again to see the host as it is now' }
}
