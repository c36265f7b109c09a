import { randomBytes } from 'node:crypto'
import { DECIDE, FORGET, launch } from '../journal/conversation.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { answeringPorts, checkGates, readsBack } from './gates.ts'
import { converse, newSeenJournal, pickUp, type SeenJournal, standingOf } from './journal-link.ts'
import type { Telling } from './story.ts'

export type Limits = {
  /** Seconds that the host waits for the confirmation, after its last change, before it takes everything back. */
  readonly confirmWithinSeconds: number
}

/** Seconds that the changes themselves may take before the host takes them back. */
const WINDOW_SECONDS = 120
/** Seconds more that an undo may take before we stop waiting for word of it. */
const UNDO_SECONDS = 60

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
  if (standingOf(journal) !== 'applied') return await ended(plan, journal, null)

  // Only a login made after the change proves that the host still lets us in.
  onStage('checking')
  const again = await openSession(host, AbortSignal.timeout(limits.confirmWithinSeconds * 1000))
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
  return await ended(plan, journal, fault)
}

/** Takes back a transaction that was committed, and checks over a new connection that all is as it was. */
export async function rollbackHost(
  { plan, transaction }: { readonly plan: Plan; readonly transaction: string },
  { signal, onStage }: Telling,
): Promise<HostResult> {
  const { host } = plan
  const journal = newSeenJournal(transaction)
  onStage('connecting')
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  onStage('undoing')
  {
    await using session = opened
    const known = await converse(session, DECIDE, [transaction, 'all', 'undo'], { journal, seconds: 200 })
    if ('code' in known && known.code === 7)
      return { host: host.name, status: 'failed', fault: noTransaction(transaction) }
    if ('fault' in known && known.fault.code === 'no-privilege') {
      return { host: host.name, status: 'failed', fault: known.fault }
    }
  }
  if (!isOver(journal)) {
    const picked = await pickUp(host, journal, Date.now() + UNDO_SECONDS * 1000)
    if (picked !== 'picked-up')
      return { host: host.name, status: 'needs-hands', plan, transaction, fault: outOfReach(journal, picked) }
  }
  return await ended(plan, journal, null)
}

/** @returns why nothing was begun, or null: from here on the host's journal tells. */
async function launchOver(opened: Session, plan: Plan, limits: Limits, journal: SeenJournal): Promise<Fault | null> {
  await using session = opened
  const words = [journal.transaction, String(WINDOW_SECONDS), String(limits.confirmWithinSeconds)]
  const told = await converse(session, launch(plan.script), words, { journal, seconds: WINDOW_SECONDS + 40 })
  if ('code' in told) return told.code === 6 ? noRoom() : null
  return told.fault.code === 'lost' || told.fault.code === 'timed-out' ? null : told.fault
}

/** Waits for the host's word after a lost link; a result when none came, or none will come. */
async function listenOn(plan: Plan, limits: Limits, journal: SeenJournal): Promise<HostResult | null> {
  const { host } = plan
  const deadline = Date.now() + (WINDOW_SECONDS + limits.confirmWithinSeconds + UNDO_SECONDS) * 1000
  const picked = await pickUp(host, journal, deadline)
  if (picked === 'picked-up') return null
  if (picked === 'gone' && journal.lines === 0) {
    const message = 'the connection was lost before the change began; nothing was touched'
    return { host: host.name, status: 'failed', fault: { code: 'lost', message, next: 'run the same command again' } }
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
  const message = `no new login was possible after the change (${cause.message}), so the host took it back`
  return await ended(plan, journal, { code: 'not-confirmed', message, next: cause.next })
}

/** The result that the journal tells of, and what is left on the host put in order. */
async function ended(plan: Plan, journal: SeenJournal, cause: Fault | null): Promise<HostResult> {
  const { host } = plan
  const { transaction } = journal
  const standing = standingOf(journal)
  switch (standing) {
    case 'committed':
      return { host: host.name, status: 'applied', plan, transaction, notes: plan.notes }
    case 'refused':
      await forget(plan, transaction)
      return { host: host.name, status: 'refused', plan, fault: refusal(journal) }
    case 'rolled-back': {
      const remains = await forget(plan, transaction)
      if (remains !== null) return { host: host.name, status: 'needs-hands', plan, transaction, fault: remains }
      return { host: host.name, status: 'rolled-back', plan, transaction, fault: cause ?? failure(plan, journal) }
    }
    case 'needs-hands':
      return { host: host.name, status: 'needs-hands', plan, transaction, fault: leftOver(plan, journal) }
    case 'applied':
    case null:
      return { host: host.name, status: 'needs-hands', plan, transaction, fault: outOfReach(journal, 'gone') }
  }
}

/** Checks over a new connection that the host reads as before, then removes the transaction's directory. */
async function forget(plan: Plan, transaction: string): Promise<Fault | null> {
  const opened = await openSession(plan.host, AbortSignal.timeout(30_000))
  if ('refused' in opened) return null
  await using session = opened
  const differs = await readsBack(session, plan.changes, 'before')
  if (differs !== null) return differs
  await session.run(FORGET, { as: 'root', timeoutMs: 30_000, arguments: [transaction] })
  return null
}

function isOver(journal: SeenJournal): boolean {
  const standing = journal.records.at(-1)?.word
  return standing === 'rolled-back' || standing === 'needs-hands' || standing === 'refused'
}

function refusal({ records, transaction }: SeenJournal): Fault {
  const detail = records.findLast(({ word }) => word === 'refused')?.detail ?? ''
  if (detail.startsWith('locked')) {
    const holder = detail.slice(7) || 'another transaction'
    return {
      code: 'locked',
      message: `it is locked by transaction ${holder}`,
      next: `wait for it to end, or look at ${directoryOf(holder)}/journal on the host`,
    }
  }
  if (detail.startsWith('drifted')) {
    return {
      code: 'drifted',
      message: 'it is no longer as the plan saw it; nothing was touched',
      next: 'plan again: ctfleet plan',
    }
  }
  return {
    code: 'step-failed',
    message: `transaction ${transaction} could not begin (${detail}); nothing was touched`,
    next: 'look at the disk space and mounts of the host, then plan again',
  }
}

function failure(plan: Plan, { records }: SeenJournal): Fault | null {
  const failed = records.find(({ word }) => word === 'failed')
  if (failed !== undefined) {
    const title = plan.changes[(failed.change ?? 0) - 1]?.title ?? 'a change'
    return {
      code: 'step-failed',
      message: `${title} failed (${failed.detail}); everything was taken back`,
      next: 'mend what the message says on the host, then plan again: ctfleet plan',
    }
  }
  const expired = records.find(({ word }) => word === 'expired')
  if (expired === undefined) return null
  return {
    code: 'not-confirmed',
    message: `the host took everything back by itself: ${expired.detail}`,
    next: 'plan again: ctfleet plan',
  }
}

function leftOver(plan: Plan, { records, transaction }: SeenJournal): Fault {
  const rows = records.filter(({ word }) => word === 'left' || word === 'stuck')
  const told = rows.map(({ change, detail }) => `${plan.changes[(change ?? 0) - 1]?.title ?? 'a change'}: ${detail}`)
  return {
    code: 'undo-failed',
    message: `not everything could be taken back: ${told.join('; ') || 'see the journal'}`,
    next: `on the host: cat ${directoryOf(transaction)}/journal ${directoryOf(transaction)}/log, mend it, then sh ${directoryOf(transaction)}/undo`,
  }
}

function outOfReach({ transaction }: SeenJournal, picked: 'gone' | { readonly fault: Fault }): Fault {
  const why = picked === 'gone' ? 'the transaction is no longer on the host' : picked.fault.message
  return {
    code: 'lost',
    message: `the host could not be asked how its change ended (${why}); unconfirmed changes take themselves back`,
    next: `when it answers again, on the host: cat ${directoryOf(transaction)}/journal`,
  }
}

function noTransaction(transaction: string): Fault {
  return {
    code: 'unreadable',
    message: `the host has no transaction ${transaction} to take back`,
    next: `look at ${directoryOf('')} on the host; perhaps it was rolled back already`,
  }
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
