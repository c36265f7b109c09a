import { DECIDE } from '../journal/conversation.ts'
import { standingOf } from '../journal/standing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Session } from '../transport/transport.ts'
import { ended, outOfReach } from './endings.ts'
import { type Ending, forgotten } from './forgotten.ts'
import { askAbout, converse, pickUp, type SeenJournal, silent } from './journal-link.ts'
import { openToAsk, type Telling } from './story.ts'
import { listTransactions } from './transactions-host.ts'

/** A change whose end nobody here knows. */
export type Unended = {
  readonly plan: Plan
  readonly transaction: string
  /** Its host had said that it began, so a host that knows nothing of it has forgotten it. */
  readonly hasBegun?: boolean
}

/** Seconds that a host gets to bring a transaction to its end: it may wait for 150 s for others before it begins. */
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
  const opened = await openToAsk(plan.host, signal)
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
  if ('never' in asked) return { host, ...(await neverBegan(session, { plan, transaction })) }
  const { journal } = asked
  const standing = standingOf(journal.records)
  if (standing === null || standing === 'applied' || standing === 'needs-hands') {
    onStage('undoing')
    // What could not be taken back at first, on a disk that was read-only perhaps, may be now.
    const words = [transaction, String(journal.lines), standing === 'needs-hands' ? 'undo' : 'settle']
    const [seen, deadline] = [journal.lines, Date.now() + SETTLE_SECONDS * 1000]
    await converse(session, DECIDE, words, { journal, seconds: SETTLE_SECONDS })
    const picked = hasEnded(journal, seen) ? 'picked-up' : await pickUp(plan.host, journal, deadline)
    if (picked !== 'picked-up')
      return { host, status: 'needs-hands', plan, transaction, fault: notSettled(picked, journal) }
  }
  const result = await ended(plan, journal, null)
  // Where a person has mended the host meanwhile, that it is as before is what was wanted.
  const isUnwanted = result.status === 'rolled-back' && result.fault === null && !hasBegun
  return isUnwanted ? { ...result, fault: notConfirmed() } : result
}

/** Also a change that was committed, and cleaned away by somebody since, is one of which nothing is there: its state tells. */
async function neverBegan(session: Session, of: Pick<Unended, 'plan' | 'transaction'>): Promise<Ending> {
  const found = await forgotten(session, of)
  if (found.status !== 'rolled-back') return found
  const why = 'nothing of its change is on the host: it never began, or took itself back; now it cannot begin any more'
  return { status: 'not-reached', why }
}

/** Whether it said so since the journal had so many lines. */
function hasEnded({ records, lines }: SeenJournal, seen: number): boolean {
  const standing = standingOf(records)
  return lines > seen && standing !== null && standing !== 'applied'
}

function notConfirmed(): Fault {
  const message = 'its change was not confirmed before ctfleet went away, so it was taken back'
  return { code: 'not-confirmed', message, next: 'plan again: ctfleet plan' }
}

function notSettled(picked: 'gone' | 'silent' | { readonly fault: Fault }, journal: SeenJournal): Fault {
  if (picked === 'silent') return silent(journal, 'change', SETTLE_SECONDS)
  if (picked === 'gone') return outOfReach(journal, 'gone')
  const message = `it was asked to bring its change to an end, and did not say that it has (${picked.fault.message})`
  return { code: 'lost', message, next: `ask again; or on the host: cat ${directoryOf(journal.transaction)}/journal` }
}
