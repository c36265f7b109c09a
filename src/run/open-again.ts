import type { Fault, FaultCode } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
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

/**
 * A fresh connection to a host that answered a moment ago, tried again until the deadline (milliseconds since the epoch):
 * a table that is still full drops our own packets like everybody's.
 */
export async function openAgain(host: Host, deadline: number): Promise<Session | { readonly refused: Fault }> {
  for (;;) {
    const opened = await openSession(host, AbortSignal.timeout(Math.max(1000, deadline - Date.now())))
    if (!('refused' in opened) || !PASSING.has(opened.refused.code)) return opened
    if (Date.now() + PAUSE_MS >= deadline) return opened
    await new Promise((resolve) => setTimeout(resolve, PAUSE_MS))
  }
}
