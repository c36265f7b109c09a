import type { About } from '../journal/about.ts'
import { FORGET } from '../journal/conversation.ts'
import type { JournalRecord } from '../journal/records.ts'
import { keptUntil, standingOf } from '../journal/standing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Change } from '../model/change.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { refusedFor } from './drifted.ts'
import { readsBack } from './gates.ts'
import type { SeenJournal } from './journal-link.ts'
import { openAgain } from './open-again.ts'
import { refusal } from './refusal.ts'

/** Seconds more that an undo may take before we stop waiting for word of it. */
export const UNDO_SECONDS = 60

/** The result that the journal tells of, and what is left on the host put in order. */
export async function ended(plan: Plan, journal: SeenJournal, cause: Fault | null): Promise<HostResult> {
  const { host } = plan
  const { transaction } = journal
  const standing = standingOf(journal.records)
  switch (standing) {
    case 'committed': {
      const until = keptUntil(journal.records)
      const kept = until === null ? {} : { until: new Date(until * 1000).toISOString() }
      return { host: host.name, status: 'applied', plan, transaction, ...kept }
    }
    case 'refused':
      // Nothing was touched, so there is nothing to read back.
      await forget(host, transaction, [])
      return { host: host.name, status: 'refused', plan, fault: await refusedFor(plan, refusal(journal)) }
    case 'rolled-back': {
      const remains = await forget(host, transaction, comparable(plan, journal))
      if (remains !== null) return { host: host.name, status: 'needs-hands', plan, transaction, fault: remains }
      const kinds = plan.changes.map(({ kind }) => kind)
      const fault = cause ?? failure(plan, journal)
      return { host: host.name, status: 'rolled-back', plan, transaction, ...deletedBy(kinds, journal), fault }
    }
    case 'needs-hands':
      return {
        host: host.name,
        status: 'needs-hands',
        plan,
        transaction,
        fault: leftOver(titlesOf(plan), journal, cause),
      }
    case 'applied':
    case null:
      return { host: host.name, status: 'needs-hands', plan, transaction, fault: outOfReach(journal, 'gone') }
  }
}

/**
 * The same for a transaction whose plan is not known here: what the host's journal says is all there is.
 * @param about as far as the host tells what it changed
 */
export async function endedUnplanned(host: Host, journal: SeenJournal, about: About | null): Promise<HostResult> {
  const { transaction } = journal
  const standing = standingOf(journal.records)
  switch (standing) {
    case 'rolled-back':
      await forget(host, transaction, [])
      return {
        host: host.name,
        status: 'rolled-back',
        plan: null,
        transaction,
        ...deletedBy(about?.kinds ?? [], journal),
        fault: null,
      }
    case 'refused':
      return { host: host.name, status: 'failed', fault: refusal(journal) }
    case 'needs-hands':
      return {
        host: host.name,
        status: 'needs-hands',
        plan: null,
        transaction,
        fault: leftOver(about?.changes ?? [], journal, null),
      }
    case 'committed':
    case 'applied':
    case null:
      return { host: host.name, status: 'needs-hands', plan: null, transaction, fault: outOfReach(journal, 'gone') }
  }
}

/** A change that was begun has an undo, which brings no deleted entry back. */
function deletedBy(kinds: readonly string[], { records }: SeenJournal): { readonly deletedEntries?: boolean } {
  const flushes = kinds.flatMap((kind, index) => (kind === 'flush-entries' ? [index + 1] : []))
  if (flushes.length === 0) return {}
  const isBegun = ({ word, change }: JournalRecord) =>
    (word === 'intend' || word === 'undone') && change !== null && flushes.includes(change)
  return { deletedEntries: records.some(isBegun) }
}

/**
 * After a restart of the host its run-time settings are its own business: what was undone by that is not read back, nor what
 * was never begun.
 */
function comparable({ changes }: Plan, { records, passed }: SeenJournal): readonly Change[] {
  return changes.filter((_, index) => {
    const own = records.filter(({ change }) => change === index + 1)
    const isBegun = passed > 0 || own.some(({ word }) => word === 'intend')
    return isBegun && !own.some(({ word, detail }) => word === 'undone' && detail === 'restarted')
  })
}

/** Checks over a new connection that the host reads as before, then removes the transaction's directory. */
async function forget(host: Host, transaction: string, changes: readonly Change[]): Promise<Fault | null> {
  // A table that is small again after the undo may drop us for a while.
  const opened = await openAgain(host, Date.now() + 90_000)
  if ('refused' in opened) return null
  await using session = opened
  const differs = await readsBack(session, changes, 'before')
  // A link that fails here says nothing about the host, whose journal says that all is as before.
  if (differs !== null) return differs.code === 'not-verified' ? differs : null
  await session.run(FORGET, { as: 'root', timeoutMs: 30_000, arguments: [transaction] })
  return null
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

function titlesOf({ changes }: Plan): readonly string[] {
  return changes.map(({ title }) => title)
}

/** @param cause why it was to be taken back, where that was for us to say */
function leftOver(titles: readonly string[], { records, transaction }: SeenJournal, cause: Fault | null): Fault {
  const rows = records.filter(({ word }) => word === 'left' || word === 'stuck')
  const told = rows.map(({ change, detail }) => `${titles[(change ?? 0) - 1] ?? `change ${change}`}: ${detail}`)
  const why = cause === null ? '' : ` (it was to be taken back since ${cause.message})`
  return {
    code: 'undo-failed',
    message: `not everything could be taken back: ${told.join('; ') || 'see the journal'}${why}`,
    next: `on the host: cat ${directoryOf(transaction)}/journal ${directoryOf(transaction)}/log, mend it, then sh ${directoryOf(transaction)}/undo`,
  }
}

export function outOfReach(
  { transaction }: SeenJournal,
  picked: 'gone' | { readonly fault: Fault },
  what: 'change' | 'rollback' = 'change',
): Fault {
  const why = picked === 'gone' ? 'the transaction is no longer on the host' : picked.fault.message
  const meanwhile = what === 'change' ? '; an unconfirmed change takes itself back' : ''
  return {
    code: 'lost',
    message: `the host could not be asked how its ${what} ended (${why})${meanwhile}`,
    next:
      picked === 'gone'
        ? 'see what is in force there now: ctfleet plan'
        : `when it answers again: ctfleet resume with the id of this run; or on the host: cat ${directoryOf(transaction)}/journal`,
  }
}
