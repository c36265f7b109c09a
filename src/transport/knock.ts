import type { Fault } from '../model/fault.ts'
import { pause } from './cancel.ts'
import type { Patience } from './tcp.ts'

/** One try at an sshd that came to nothing. */
export type TurnedAway = {
  readonly refused: Fault
  /** It hung up before it said anything, as one does that is asked by too many at a time (MaxStartups). */
  readonly early: boolean
  /** It said nothing for as long as it was heard. */
  readonly silent?: boolean
}

/** Bytes: an sshd that is full says `Exceeded MaxStartups` in place of its greeting, or greets and says no more. */
export const GREETING = 64

/** How often an sshd is asked that hangs up before it greets. */
const KNOCKS = 4
/** How often a host that says nothing is asked again, each time for a part of its patience: what stands before it may have taken our call while a full table drops us behind. */
const SILENT_TRIES = 2
const SILENT_PART = 0.4

/** Tries again, at no two machines' same moments, where an sshd had no time for us or said nothing. */
export async function knock<C extends object, T extends TurnedAway>(
  enterOnce: (patience: Patience) => Promise<C | T>,
  { patience, signal }: { readonly patience: Patience; readonly signal: AbortSignal },
): Promise<C | T> {
  for (let knocks = 1, silences = 0; ; knocks++) {
    const waits = silences < SILENT_TRIES ? { ...patience, handshake: patience.handshake * SILENT_PART } : patience
    const entered = await enterOnce(waits)
    if (!('refused' in entered)) return entered
    if (entered.silent === true && silences < SILENT_TRIES && !signal.aborted) {
      silences++
      continue
    }
    if (!entered.early || knocks >= KNOCKS || signal.aborted) return entered
    await pause(patience.betweenKnocks * (knocks - 0.5 + Math.random()), signal)
  }
}
