import type { Fault, FaultCode } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { pause } from '../transport/cancel.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'

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
const PAUSE_MS = 1000
const LONGEST_PAUSE_MS = 60_000

/**
 * A fresh connection to a host that answered a moment ago, tried again until the deadline (milliseconds since the epoch):
 * a table that is still full drops our own packets like everybody's.
 */
export async function openAgain(host: Host, deadline: number): Promise<Session | { readonly refused: Fault }> {
  for (;;) {
    const opened = await openSession(host, AbortSignal.timeout(Math.max(1000, deadline - Date.now())))
    if (!('refused' in opened) || !PASSING.has(opened.refused.code)) return opened
    if (Date.now() + PAUSE_MS >= deadline) return opened
    await pause(PAUSE_MS)
  }
}

/**
 * Milliseconds to wait before a host is asked again, after each try of one row of tries. What may pass by itself is tried each
 * second. After each refusal in a row the pause doubles, up to a minute: a login a second would have the host lock this machine
 * out (fail2ban, faillock), but who was refused for what the change did may be let in once it has taken itself back.
 * @returns to be told what the last try ended with; null: it was let in
 */
export function pausesBetween(): (ended: Fault | null) => number {
  let next = PAUSE_MS
  return (ended) => {
    if (ended === null || PASSING.has(ended.code)) next = PAUSE_MS
    const ms = next
    if (ended !== null && !PASSING.has(ended.code)) next = Math.min(next * 2, LONGEST_PAUSE_MS)
    return ms
  }
}
