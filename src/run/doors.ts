import { setTimeout as pause } from 'node:timers/promises'
import type { GateOutcome, Plan } from '../model/plan.ts'
import { PORTS_SECONDS } from '../plan/gate-time.ts'
import { addressesOf, askPort, type Door } from '../transport/answers.ts'

export type { Door }

/** A SYN may be lost to a table that is full: a silent port is asked again, with a SYN of its own each time. */
const TRY_MS = 1500
const PAUSE_MS = 300
/** How long all of them together may take, before the change and, with more patience, after it. */
const BEFORE_MS = 5_000
const AFTER_MS = PORTS_SECONDS * 1000
/** A refusal is an answer; only a service that is just coming back gives another one. */
const REFUSALS = 3

/** The plan's ports that answer this machine now; only those are asked for again after the change. */
export async function openDoors(plan: Plan): Promise<readonly Door[]> {
  const ports = plan.gates.flatMap((gate) => (gate.gate === 'ports' ? gate.ports : []))
  if (ports.length === 0) return []
  const { jumps = [] } = plan.host
  const addresses = await addressesOf(plan.host)
  const doors = addresses.flatMap((address) => ports.map((port) => ({ address, port, jumps })))
  const deadline = Date.now() + BEFORE_MS
  const answers = await Promise.all(doors.map(async (door) => await ask(door, deadline, 1)))
  return doors.filter((_door, index) => answers[index] === 'answers')
}

/** Asks all at once, until the deadline (milliseconds since the epoch) at most. */
export async function stillOpen(doors: readonly Door[], deadline: number): Promise<GateOutcome> {
  const end = Math.min(deadline, Date.now() + AFTER_MS)
  const answers = await Promise.all(doors.map(async (door) => await ask(door, end, REFUSALS)))
  const shut = doors.flatMap((door, index) => {
    const answer = answers[index]
    if (answer === 'answers') return []
    return [`port ${nameOf(door, doors)} ${answer === 'refuses' ? 'refuses connections' : 'does not answer'}`]
  })
  if (shut.length > 0)
    return { gate: 'ports', held: false, message: `${shut.join(', ')} now, and answered before the change` }
  const names = doors.map((door) => nameOf(door, doors))
  const message =
    names.length === 0
      ? 'no port answered before the change'
      : `${names.length === 1 ? 'port' : 'ports'} ${names.join(', ')} still ${names.length === 1 ? 'answers' : 'answer'}`
  return { gate: 'ports', held: true, message }
}

async function ask(door: Door, deadline: number, refusals: number) {
  for (let refused = 0; ; ) {
    const left = deadline - Date.now()
    const answer = await askPort(door, Math.max(Math.min(TRY_MS, left), 200))
    if (answer === 'refuses') refused += 1
    if (answer === 'answers' || refused >= refusals || Date.now() + PAUSE_MS >= deadline) return answer
    await pause(PAUSE_MS)
  }
}

/** The address is said only where there are several. */
function nameOf({ address, port }: Door, all: readonly Door[]): string {
  const isOnly = all.every((other) => other.address === address)
  return isOnly ? String(port) : address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}
