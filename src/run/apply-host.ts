import { randomBytes } from 'node:crypto'
import { DECIDE, launch } from '../journal/conversation.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { ended, outOfReach, UNDO_SECONDS } from './endings.ts'
import { answeringPorts, checkGates } from './gates.ts'
import { converse, newSeenJournal, pickUp, type SeenJournal, standingOf } from './journal-link.ts'
import { openAgain } from './open-again.ts'
import type { Telling } from './story.ts'

export type Limits = {
  /** Seconds that the host waits for the confirmation, after its last change, before it takes everything back. */
  readonly confirmWithinSeconds: number
}

/** Seconds that the changes themselves may take before the host takes them back. */
const WINDOW_SECONDS = 120
/** One host's change, from the lock on the host to the confirmation over a new connection. */
export async function applyHost(plan: Plan, limits: Limits, { signal, onStage }: Telling): Promise<HostResult> {
  const { host } = plan
  const journal = newSeenJournal(newTransactionId())
  const { transaction } = journal
  onStage('connecting')
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  const answered = await answeringPorts(plan)

  onStage('changing')
  const launched = await launchOver(opened, plan, limits, journal)
  if (launched !== null) return { host: host.name, status: 'failed', fault: launched }
  if (standingOf(journal) === null) {
    const lost = await listenOn(plan, limits, journal)
    if (lost !== null) return lost
  }
  if (standingOf(journal) !== 'applied') return takenBackByOthers(await ended(plan, journal, null))

  // Only a login made after the change proves that the host still lets us in.
  onStage('checking')
  const again = await openAgain(host, Date.now() + limits.confirmWithinSeconds * 1000)
  if ('refused' in again) return await unconfirmed(plan, limits, journal, again.refused)
  await using session = again
  const fault = await checkGates(session, plan, answered)
  onStage(fault === null ? 'confirming' : 'undoing')
  const word = fault === null ? 'confirm' : 'abort'
  const told = await converse(session, DECIDE, [transaction, String(journal.lines), word], { journal, seconds: 150 })
  if ('fault' in told || standingOf(journal) === 'applied') {
    const lost = await listenOn(plan, limits, journal)
    if (lost !== null) return lost
  }
  // The host may have taken itself back before our gates were done; then its own reason is the true one.
  const aborted = journal.records.some(({ word }) => word === 'aborted')
  return takenBackByOthers(await ended(plan, journal, aborted ? fault : null))
}

/** An apply that ended as it began has failed, also where the host's journal names no failure of ours. */
function takenBackByOthers(result: HostResult): HostResult {
  if (result.status !== 'rolled-back' || result.fault !== null) return result
  const message = 'it was taken back on the host itself before it was confirmed'
  return {
    ...result,
    fault: { code: 'not-confirmed', message, next: 'see who works on this host, then plan again: ctfleet plan' },
  }
}

/** @returns why nothing was begun, or null: from here on the host's journal tells. */
async function launchOver(opened: Session, plan: Plan, limits: Limits, journal: SeenJournal): Promise<Fault | null> {
  await using session = opened
  const words = [journal.transaction, String(WINDOW_SECONDS), String(limits.confirmWithinSeconds)]
  const told = await converse(session, launch(plan.script), words, { journal, seconds: WINDOW_SECONDS + 40 })
  if ('code' in told) return told.code === 6 ? noRoom() : null
  // These may come after the host has begun; others, such as no root, cannot.
  return ['lost', 'timed-out', 'unreadable'].includes(told.fault.code) ? null : told.fault
}

/** Waits for the host's word after a lost link; a result when none came, or none will come. */
async function listenOn(plan: Plan, limits: Limits, journal: SeenJournal): Promise<HostResult | null> {
  const { host } = plan
  const deadline = Date.now() + (WINDOW_SECONDS + limits.confirmWithinSeconds + UNDO_SECONDS) * 1000
  const picked = await pickUp(host, journal, deadline)
  if (picked === 'picked-up') return null
  if (picked === 'gone' && journal.lines === 0) {
    const message =
      'the connection was lost before the host said a word; if its change begins after all, it takes itself back'
    const next = `in a few minutes, on the host: ls ${directoryOf('')}; then run the same command again`
    return { host: host.name, status: 'failed', fault: { code: 'lost', message, next } }
  }
  return {
    host: host.name,
    status: 'needs-hands',
    plan,
    transaction: journal.transaction,
    fault: outOfReach(journal, picked),
  }
}

/** The confirming login failed: the host takes itself back; wait to hear that it did. */
async function unconfirmed(plan: Plan, limits: Limits, journal: SeenJournal, cause: Fault): Promise<HostResult> {
  const lost = await listenOn(plan, limits, journal)
  if (lost !== null) return lost
  // It is our own time limit that ends the tries.
  const why = cause.code === 'cancelled' ? `none within ${limits.confirmWithinSeconds} s` : cause.message
  const message = `no new login was possible after the change (${why}), so the host took it back`
  return await ended(plan, journal, { code: 'not-confirmed', message, next: cause.next })
}

function noRoom(): Fault {
  return {
    code: 'step-failed',
    message: `${directoryOf('')} could not be written; nothing was touched`,
    next: 'look at the disk space and mounts of the host (df /var/lib), then run the same command again',
  }
}

function newTransactionId(): string {
  return randomBytes(5).toString('hex')
}
