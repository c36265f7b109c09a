import type { Session } from '../transport/transport.ts'

/** Where a host is on its way; shown as progress. */
export type Stage =
  | 'waiting'
  | 'connecting'
  | 'reading'
  | 'planning'
  | 'changing'
  | 'checking'
  | 'confirming'
  | 'undoing'
  | 'ended'

/** What a host's story may tell while it runs, and what can stop it. */
export type Telling = {
  readonly signal: AbortSignal
  readonly onStage: (stage: Stage) => void
  /** Told before a host is asked to change anything; the change waits until it is on record. */
  readonly onTransaction?: (transaction: string) => Promise<void>
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
