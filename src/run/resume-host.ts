import { DECIDE } from '../journal/conversation.ts'
import { standingOf } from '../journal/standing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import { ended } from './endings.ts'
import { askAbout, converse } from './journal-link.ts'
import type { Telling } from './story.ts'

/** Seconds that a host gets to bring a transaction to its end. */
const SETTLE_SECONDS = 300

/**
 * Brings a transaction whose controller went away to exactly before or exactly after: committed stays committed, one that
 * was confirmed is finished, and everything else is taken back. One that never began cannot begin any more.
 */
export async function resumeHost(
  { plan, transaction }: { readonly plan: Plan; readonly transaction: string },
  { signal, onStage }: Telling,
): Promise<HostResult> {
  const host = plan.host.name
  onStage('connecting')
  const opened = await openSession(plan.host, signal)
  if ('refused' in opened) return { host, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  const asked = await askAbout(session, transaction)
  if ('fault' in asked) return { host, status: 'failed', fault: asked.fault }
  if ('never' in asked) {
    return { host, status: 'not-reached', why: 'its change never began, and now it cannot begin any more' }
  }
  const { journal } = asked
  if (standingOf(journal.records) === null || standingOf(journal.records) === 'applied') {
    onStage('undoing')
    const words = [transaction, String(journal.lines), 'settle']
    const told = await converse(session, DECIDE, words, { journal, seconds: SETTLE_SECONDS })
    if ('fault' in told)
      return { host, status: 'needs-hands', plan, transaction, fault: notSettled(told.fault, transaction) }
  }
  return await ended(plan, journal, null)
}

function notSettled(cause: Fault, transaction: string): Fault {
  const message = `it was asked to bring its change to an end, and did not say that it has (${cause.message})`
  return { code: 'lost', message, next: `ask again; or on the host: cat ${directoryOf(transaction)}/journal` }
}
