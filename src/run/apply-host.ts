import { randomBytes } from 'node:crypto'
import { type Asker, printAbout, printAsker } from '../journal/about.ts'
import { DECIDE, launch } from '../journal/conversation.ts'
import { standingOf } from '../journal/standing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { GateOutcome, Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { KEPT_FOR_THE_WORD } from '../plan/gate-time.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { type Door, openDoors } from './doors.ts'
import { ended, outOfReach, UNDO_SECONDS } from './endings.ts'
import { STOPPED } from './fleet.ts'
import { checkGates, noNewLogin } from './gates.ts'
import { askAbout, converse, newSeenJournal, pickUp, type SeenJournal, silent } from './journal-link.ts'
import { openAgain } from './open-again.ts'
import { openToAsk, type Telling } from './story.ts'

/** What the person who asked for a change wants of it beside its plan. */
export type Terms = {
  readonly asker: Asker
  /** Seconds that the host waits for the confirmation, after its last change, before it takes everything back. */
  readonly confirmWithinSeconds: number
  /** Seconds after which a confirmed change takes itself back; null: it stays. */
  readonly keepSeconds: number | null
}

/** Seconds that the changes themselves may take before the host takes them back. */
const WINDOW_SECONDS = 120

/** One host's change, from the lock on the host to the confirmation over a new connection. */
export async function applyHost(plan: Plan, terms: Terms, telling: Telling): Promise<HostResult> {
  const { host } = plan
  const { onStage } = telling
  const journal = newSeenJournal(newTransactionId())
  const { transaction } = journal
  onStage('connecting')
  const opened = telling.kept?.take(host) ?? (await openToAsk(host, telling.signal))
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  const launched = await launchOver(opened, plan, { terms, telling, journal })
  if ('status' in launched) return launched
  if (standingOf(journal.records) === null) {
    const lost = await listenOn(plan, journal, longest(terms))
    if (lost !== null) return lost
  }
  const begun = standingOf(journal.records)
  if (begun === 'committed') {
    return { host: host.name, status: 'needs-hands', plan, transaction, fault: confirmedByOthers(transaction) }
  }
  if (begun !== 'applied') return takenBackByOthers(await ended(plan, journal, null))

  // Only a login made after the change proves that the host still lets us in.
  onStage('checking')
  const deadline = Date.now() + terms.confirmWithinSeconds * 1000
  const again = await openAgain(host, deadline)
  if ('refused' in again) return await unconfirmed(plan, terms, journal, again.refused)
  await using session = again
  const last = deadline - terms.confirmWithinSeconds * 1000 * KEPT_FOR_THE_WORD
  const { fault, outcomes } = await checkGates(session, plan, launched.answered, last)
  onStage(fault === null ? 'confirming' : 'undoing')
  const word = fault === null ? 'confirm' : 'abort'
  await converse(session, DECIDE, [transaction, String(journal.lines), word], { journal, seconds: 150 })
  const standing = standingOf(journal.records)
  // Null: its undo has begun, and is not over.
  if (standing === 'applied' || standing === null) {
    const lost = await listenOn(plan, journal, standing === null ? WINDOW_SECONDS + UNDO_SECONDS : longest(terms))
    if (lost !== null) return lost
  }
  // The host may have taken itself back before our gates were done; then its own reason is the true one.
  const aborted = journal.records.some(({ word }) => word === 'aborted')
  const result = byOurClock(await ended(plan, journal, aborted ? fault : null), terms)
  return withChecked(takenBackByOthers(result), outcomes)
}

function withChecked(result: HostResult, checked: readonly GateOutcome[]): HostResult {
  return result.status === 'applied' || result.status === 'rolled-back' ? { ...result, checked } : result
}

/** The host's clock may be another one than that of who reads it. */
function byOurClock(result: HostResult, { keepSeconds }: Terms): HostResult {
  if (result.status !== 'applied' || result.until === undefined || keepSeconds === null) return result
  return { ...result, until: new Date(Date.now() + keepSeconds * 1000).toISOString() }
}

function confirmedByOthers(transaction: string): Fault {
  const message = 'the host says that its change was confirmed, and it was not from here: nothing was checked before'
  const next = `see who works on this host, and cat ${directoryOf(transaction)}/journal there; to have it away: ctfleet rollback last`
  return { code: 'not-verified', message, next }
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

type Launching = { readonly terms: Terms; readonly telling: Telling; readonly journal: SeenJournal }

/** @returns the result of a host on which nothing was begun, or what answered before: from here on the host's journal tells. */
async function launchOver(
  opened: Session,
  plan: Plan,
  { terms, telling, journal }: Launching,
): Promise<HostResult | { readonly answered: readonly Door[] }> {
  await using session = opened
  const host = plan.host.name
  const answered = await openDoors(plan)
  telling.onStage('changing')
  await telling.onTransaction?.(journal.transaction)
  if (telling.signal.aborted) return { host, status: 'not-reached', why: STOPPED }
  const fault = await launchWith(session, plan, terms, journal)
  return fault === null ? { answered } : { host, status: 'failed', fault }
}

/** @returns why nothing was begun, or null. */
async function launchWith(session: Session, plan: Plan, terms: Terms, journal: SeenJournal): Promise<Fault | null> {
  const { asker, confirmWithinSeconds, keepSeconds } = terms
  const seconds = [WINDOW_SECONDS, confirmWithinSeconds, keepSeconds ?? 0]
  const words = [journal.transaction, ...seconds.map(String), printAsker(asker), printAbout(asker, plan, new Date())]
  const told = await converse(session, launch(plan.script), words, { journal, seconds: WINDOW_SECONDS + 40 })
  if ('code' in told) return told.code === 6 ? noRoom() : told.code === 8 ? closed() : null
  // These may come after the host has begun; others, such as no root, cannot.
  return ['lost', 'timed-out', 'unreadable'].includes(told.fault.code) ? null : told.fault
}

/** Waits for the host's word after a lost link; a result when none came, or none will come. */
async function listenOn(plan: Plan, journal: SeenJournal, seconds: number): Promise<HostResult | null> {
  const { host } = plan
  const picked = await pickUp(host, journal, Date.now() + seconds * 1000)
  if (picked === 'picked-up') return null
  if (picked === 'gone' && journal.lines === 0) {
    const message = (await isClosed(host, journal.transaction))
      ? 'the connection was lost before the change began, and now it cannot begin any more'
      : 'the connection was lost before the host said a word; if its change begins after all, it takes itself back'
    return { host: host.name, status: 'failed', fault: { code: 'lost', message, next: 'run the same command again' } }
  }
  return {
    host: host.name,
    status: 'needs-hands',
    plan,
    transaction: journal.transaction,
    fault: picked === 'silent' ? silent(journal, 'change', seconds) : outOfReach(journal, picked),
  }
}

/** Seconds after which a host that is left alone has taken itself back. */
function longest({ confirmWithinSeconds }: Terms): number {
  return WINDOW_SECONDS + confirmWithinSeconds + UNDO_SECONDS
}

/** The confirming login failed: the host takes itself back; wait to hear that it did. */
async function unconfirmed(plan: Plan, terms: Terms, journal: SeenJournal, cause: Fault): Promise<HostResult> {
  const lost = await listenOn(plan, journal, longest(terms))
  if (lost !== null) return lost
  // It is our own time limit that ends the tries.
  const why = cause.code === 'cancelled' ? `none within ${terms.confirmWithinSeconds} s` : cause.message
  const message = `no new login was possible after the change (${why}), so the host took it back`
  const result = await ended(plan, journal, { code: 'not-confirmed', message, next: cause.next })
  return withChecked(result, noNewLogin(plan, message))
}

/** Whether the host now keeps a launch that is still on its way from beginning. */
async function isClosed(host: Host, transaction: string): Promise<boolean> {
  const opened = await openSession(host, AbortSignal.timeout(30_000))
  if ('refused' in opened) return false
  await using session = opened
  const told = await askAbout(session, transaction)
  return 'never' in told
}

function closed(): Fault {
  const message = 'somebody closed this change on the host before it began; nothing was touched'
  return { code: 'step-failed', message, next: 'plan again: ctfleet plan' }
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
