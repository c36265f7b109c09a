import { DECIDE } from '../journal/conversation.ts'
import { standingOf } from '../journal/standing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import { ended } from './endings.ts'
import { forgotten } from './forgotten.ts'
import { askAbout, converse } from './journal-link.ts'
import type { Telling } from './story.ts'
import { listTransactions } from './transactions-host.ts'

/** A change whose end nobody here knows. */
export type Unended = {
  readonly plan: Plan
  readonly transaction: string
  /** Its host had said that it began, so a host that knows nothing of it has forgotten it. */
  readonly hasBegun?: boolean
}

/** Seconds that a host gets to bring a transaction to its end. */
const SETTLE_SECONDS = 300

/**
 * Brings a transaction whose controller went away to exactly before or exactly after: committed stays committed, one that
 * was confirmed is finished, and everything else is taken back. One that never began cannot begin any more.
 */
export async function resumeHost(
  { plan, transaction, hasBegun = false }: Unended,
  { signal, onStage }: Telling,
): Promise<HostResult> {
  const host = plan.host.name
  onStage('connecting')
  const opened = await openSession(plan.host, signal)
  if ('refused' in opened) return { host, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  if (hasBegun) {
    const listed = await listTransactions(session)
    if ('fault' in listed) return { host, status: 'failed', fault: listed.fault }
    if (listed.transactions.every(({ id }) => id !== transaction))
      return { host, ...(await forgotten(session, { plan, transaction })) }
  }
  const asked = await askAbout(session, transaction)
  if ('fault' in asked) return { host, status: 'failed', fault: asked.fault }
  if ('never' in asked) {
    const why =
      'nothing of its change is on the host: it never began, or took itself back; now it cannot begin any more'
    return { host, status: 'not-reached', why }
  }
  const { journal } = asked
  const standing = standingOf(journal.records)
  if (standing === null || standing === 'applied' || standing === 'needs-hands') {
    onStage('undoing')
    // What could not be taken back at first, on a disk that was read-only perhaps, may be now.
    const words = [transaction, String(journal.lines), standing === 'needs-hands' ? 'undo' : 'settle']
    const told = await converse(session, DECIDE, words, { journal, seconds: SETTLE_SECONDS })
    if ('fault' in told)
      return { host, status: 'needs-hands', plan, transaction, fault: notSettled(told.fault, transaction) }
  }
  const result = await ended(plan, journal, null)
  // Where a person has mended the host meanwhile, that it is as before is what was wanted.
  const isUnwanted = result.status === 'rolled-back' && result.fault === null && !hasBegun
  return isUnwanted ? { ...result, fault: notConfirmed() } : result
}

function notConfirmed(): Fault {
  const message = 'its change was not confirmed before ctfleet went away, so it was taken back'
  return { code: 'not-confirmed', message, next: 'plan again: ctfleet plan' }
}

function notSettled(cause: Fault, transaction: string): Fault {
  const message = `it was asked to bring its change to an end, and did not say that it has (${cause.message})`
  return { code: 'lost', message, next: `ask again; or on the host: cat ${directoryOf(transaction)}/journal` }
}
