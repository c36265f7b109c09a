import type { About } from '../journal/about.ts'
import { DECIDE } from '../journal/conversation.ts'
import { standingOf } from '../journal/standing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Session } from '../transport/transport.ts'
import { ended, endedUnplanned, outOfReach, UNDO_SECONDS } from './endings.ts'
import { converse, newSeenJournal, type SeenJournal, silent } from './journal-link.ts'
import { askUntil, secondsUntil } from './open-again.ts'
import { refusal } from './refusal.ts'
import { openToAsk, putOnRecord, type Telling } from './story.ts'

/** Seconds that the host gets to take a transaction back. */
const UNDO_WINDOW_SECONDS = 200

/** Takes back a transaction that was committed, and checks over a new connection that all is as it was. */
export async function rollbackHost(
  { plan, transaction }: { readonly plan: Plan; readonly transaction: string },
  telling: Telling,
): Promise<HostResult> {
  const host = plan.host.name
  const told = await takeBack(plan.host, transaction, telling)
  if ('fault' in told) return { host, ...told }
  if ('outOfReach' in told) return { host, status: 'needs-hands', plan, transaction, fault: told.outOfReach }
  const { journal } = told
  // What was committed stays so, with its undo, while another transaction holds the host.
  if (standingOf(journal.records) === 'refused') return { host, status: 'refused', plan, fault: refusal(journal) }
  return await ended(plan, journal, null)
}

/** The same for a transaction that only the host knows of: its own script compares what was with what is. */
export async function rollbackFromHost({ host, transaction, about }: OnHost, telling: Telling): Promise<HostResult> {
  const told = await takeBack(host, transaction, telling)
  if ('fault' in told) return { host: host.name, ...told }
  if ('outOfReach' in told)
    return { host: host.name, status: 'needs-hands', plan: null, transaction, fault: told.outOfReach }
  return await endedUnplanned(host, told.journal, about)
}

/** `about`: as far as its host tells what it changed. */
type OnHost = { readonly host: Host; readonly transaction: string; readonly about: About | null }

type Told =
  | { readonly status: 'unreachable' | 'failed'; readonly fault: Fault }
  | { readonly outOfReach: Fault }
  | { readonly journal: SeenJournal }

async function takeBack(host: Host, transaction: string, telling: Telling): Promise<Told> {
  const { signal, onStage } = telling
  const journal = newSeenJournal(transaction)
  onStage('connecting')
  const opened = await openToAsk(host, signal)
  if ('refused' in opened) return { status: 'unreachable', fault: opened.refused }
  onStage('undoing')
  await putOnRecord(transaction, opened, telling)
  const seconds = UNDO_WINDOW_SECONDS + UNDO_SECONDS
  const deadline = Date.now() + seconds * 1000
  const isEnd = (told: Heard) =>
    isOver(journal) || ('code' in told ? told.code === 7 : told.fault.code === 'no-privilege')
  const ask = async (session: Session) => await undoOver(session, journal, deadline)
  const first = await ask(opened)
  // The undo may be asked for again: it goes on where it was cut off.
  const told = isEnd(first) ? first : await askUntil(host, deadline, { ask, isEnd, before: first })
  if (isOver(journal)) return { journal }
  if ('code' in told && told.code === 7) return { status: 'failed', fault: noTransaction(transaction) }
  if ('code' in told || told.fault.code === 'timed-out') return { outOfReach: silent(journal, 'rollback', seconds) }
  if (told.fault.code === 'no-privilege') return { status: 'failed', fault: told.fault }
  return { outOfReach: outOfReach(journal, told, 'rollback') }
}

type Heard = Awaited<ReturnType<typeof converse>>

async function undoOver(opened: Session, journal: SeenJournal, deadline: number): Promise<Heard> {
  await using session = opened
  const words = [journal.transaction, 'all', 'undo']
  const seconds = Math.min(UNDO_WINDOW_SECONDS, secondsUntil(deadline) + 5)
  return await converse(session, DECIDE, words, { journal, seconds })
}

function isOver(journal: SeenJournal): boolean {
  const standing = journal.records.at(-1)?.word
  return standing === 'rolled-back' || standing === 'needs-hands' || standing === 'refused'
}

function noTransaction(transaction: string): Fault {
  return {
    code: 'unreadable',
    message: `the host has no transaction ${transaction} to take back`,
    next: `look at ${directoryOf('')} on the host; perhaps it was rolled back already, or cleaned`,
  }
}
