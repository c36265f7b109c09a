import type { Gate } from '../model/plan.ts'

/** What of a gate says how long it takes; gates as a playbook wants them have that too. */
type Timed = { readonly gate: Gate['gate']; readonly withinSeconds?: number }

/** Seconds for a new login to a host that answers, and for reading back the changes. */
const LOGIN = 5
const READ_BACK = 3
/** Seconds that ports are asked for at the most. */
export const PORTS_SECONDS = 10
/** Seconds that the last reading of the counters may take, when it began just in time. */
const LAST_READING = 3
/** Of the time to confirm, what is kept for the word itself to arrive in. */
export const KEPT_FOR_THE_WORD = 0.1

/** Seconds that these gates may take in all. The ports and the rates are asked at the same time. */
export function secondsOfGates(gates: readonly Timed[]): number {
  return LOGIN + READ_BACK + Math.max(0, ...gates.map(secondsOf))
}

function secondsOf({ gate, withinSeconds = 0 }: Timed): number {
  switch (gate) {
    case 'login':
    case 'reads-back':
      return 0
    case 'ports':
      return PORTS_SECONDS
    case 'drops':
    case 'invalid':
      return withinSeconds + LAST_READING
  }
}

/** The least number of seconds to confirm within that leaves these gates the time they may take. */
export function leastToConfirm(gates: readonly Timed[]): number {
  return Math.ceil(secondsOfGates(gates) / (1 - KEPT_FOR_THE_WORD))
}
