import type { Fault, FaultCode } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { pause } from '../transport/cancel.ts'
import type { Session } from '../transport/transport.ts'
import { openToAsk } from './story.ts'

/**
 * A fresh connection to a host that answered a moment ago, tried again until the deadline (milliseconds since the epoch):
 * a table that is still full drops our own packets like everybody's. The deadline ends the tries, and no session.
 */
export async function openAgain(host: Host, deadline: number): Promise<Session | { readonly refused: Fault }> {
  const met = await askUntil<{ readonly session: Session }>(host, deadline, {
    ask: async (session) => ({ session }),
    isEnd: (met) => 'session' in met || !PASSING.has(met.fault.code),
  })
  return 'session' in met ? met.session : { refused: met.fault }
}

/** What may pass by itself; a wrong key or a refused login does not. */
const PASSING: ReadonlySet<FaultCode> = new Set([
  'refused',
  'unreachable',
  'connect-timed-out',
  'handshake-timed-out',
  'login-timed-out',
  'lost',
  'dns',
])

type Unasked = { readonly fault: Fault }

type Asking<Told> = {
  /** What is done with each session, which it closes where it is of no more use. */
  readonly ask: (session: Session) => Promise<Told | Unasked>
  readonly isEnd: (met: Told | Unasked) => boolean
  /** What was met by who asked before the first of these tries. */
  readonly before?: Told | Unasked
}

/**
 * Opens new sessions to a host and asks it, until it said what ends the tries, or the deadline (milliseconds since the epoch)
 * came; the last try is at the deadline and has a second to get in.
 * @returns what the host last met, even where it was our own deadline that ended the last try
 */
export async function askUntil<Told extends object>(
  host: Host,
  deadline: number,
  { ask, isEnd, before }: Asking<Told>,
): Promise<Told | Unasked> {
  const pauseAfter = pausesBetween()
  let last = before
  for (;;) {
    const opened = await openToAsk(host, AbortSignal.timeout(Math.max(1000, deadline - Date.now())))
    const met = 'refused' in opened ? { fault: opened.refused } : await ask(opened)
    const fault = isFault(met) ? met.fault : null
    if (last === undefined || fault?.code !== 'cancelled') last = met
    const left = deadline - Date.now()
    if (isEnd(last) || left <= 0) return last
    await pause(Math.min(pauseAfter(fault), left))
  }
}

/** Whole seconds until the deadline (milliseconds since the epoch); one at least. */
export function secondsUntil(deadline: number): number {
  return Math.max(1, Math.ceil((deadline - Date.now()) / 1000))
}

function isFault(met: object): met is Unasked {
  return 'fault' in met
}

/** Refusals that a host counts against whom it refuses, and locks out in the end (fail2ban, faillock, PerSourcePenalties). */
const COUNTED: ReadonlySet<FaultCode> = new Set([
  'auth',
  'host-key-unknown',
  'host-key-changed',
  'host-key-revoked',
  'no-privilege',
])
const PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

/**
 * Milliseconds to wait after each try of one row of tries: a second. After each counted refusal in a row the pause doubles, up
 * to a minute, as a login a second would lock this machine out; but who was refused for what the change did may be let in once
 * it has taken itself back.
 * @returns to be told the fault that the last try met; null: none
 */
function pausesBetween(): (fault: Fault | null) => number {
  let next = PAUSE_MS
  return (fault) => {
    const isCounted = fault !== null && COUNTED.has(fault.code)
    const ms = isCounted ? next : PAUSE_MS
    next = isCounted ? Math.min(next * 2, LONGEST_PAUSE_MS) : PAUSE_MS
    return ms
  }
}
