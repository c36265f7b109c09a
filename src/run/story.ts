import type { Stage } from '../model/event.ts'
import type { Facts } from '../model/facts.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import type { KeptSessions } from './kept-sessions.ts'

/** What a host's story may tell while it runs, and what can stop it. */
export type Telling = {
  readonly signal: AbortSignal
  readonly onStage: (stage: Stage) => void
  /** Told what was read of the host, before anything is made of it. */
  readonly onFacts?: ((facts: Facts) => void) | undefined
  /** Told before a host is asked to change anything; the change waits until it is on record. */
  readonly onTransaction?: (transaction: string) => Promise<void>
  /** Sessions that one phase leaves to the next. */
  readonly kept?: KeptSessions
}

/** A session that an interruption ends only while it is being opened: a host that was asked for something is heard out. */
export async function openToAsk(host: Host, signal: AbortSignal): Promise<Session | { readonly refused: Fault }> {
  const life = new AbortController()
  const stop = () => life.abort(signal.reason)
  signal.addEventListener('abort', stop)
  if (signal.aborted) stop()
  try {
    return await openSession(host, life.signal)
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

/** Where it cannot be put on record the host hears nothing more from us. */
export async function putOnRecord(transaction: string, opened: Session, { onTransaction }: Telling): Promise<void> {
  try {
    await onTransaction?.(transaction)
  } catch (error) {
    await opened[Symbol.asyncDispose]()
    throw error
  }
}
