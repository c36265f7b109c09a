import { DECIDE } from '../journal/conversation.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import { ended, outOfReach, UNDO_SECONDS } from './endings.ts'
import { converse, newSeenJournal, pickUp, type SeenJournal } from './journal-link.ts'
import type { Telling } from './story.ts'

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

function isOver(journal: SeenJournal): boolean {
  const standing = journal.records.at(-1)?.word
  return standing === 'rolled-back' || standing === 'needs-hands' || standing === 'refused'
}

function noTransaction(transaction: string): Fault {
  return {
    code: 'unreadable',
    message: `the host has no transaction ${transaction} to take back`,
    next: `look at ${directoryOf('')} on the host; perhaps it was rolled back already`,
  }
}
