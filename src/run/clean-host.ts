import { CLEAN } from '../journal/conversation.ts'
import { whyKept } from '../journal/holdings.ts'
import type { HostTransaction } from '../journal/listing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { CleanResult } from '../model/cleaning.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { openSession } from '../transport/catalog.ts'
import { faultOfTalk } from './journal-link.ts'
import type { Telling } from './story.ts'

/** Each of at most 500 transactions is asked for its staged files, half a second or less. */
const TIMEOUT_MS = 300_000

/**
 * Removes ctfleet's bookkeeping of these transactions from a host, and what is left of locks that nobody stands behind.
 * What was changed stays as it is. Those that are not over are passed over, with what to do about them.
 * @param needsHandsToo also of changes that could not be taken back whole
 */
export async function cleanHost(
  { host, transactions, needsHandsToo }: Cleaning,
  { signal, onStage }: Telling,
): Promise<CleanResult> {
  const reasons = new Map(transactions.map((each) => [each.id, whyKept(each, needsHandsToo)]))
  const removable = transactions.filter(({ id }) => reasons.get(id) === null).map(({ id }) => id)
  onStage('connecting')
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('undoing')
  const outcome = await session.run(CLEAN, { as: 'root', timeoutMs: TIMEOUT_MS, arguments: removable })
  if ('refused' in outcome) return { host: host.name, status: 'failed', fault: outcome.refused }
  const fault = faultOfTalk(outcome, 'removing what transactions left')
  if (fault !== null) return { host: host.name, status: 'failed', fault }
  const told = 'stdout' in outcome ? outcome.stdout : ''
  const removed = namesIn(told, 'removed')
  const carried = namesIn(told, 'carried')
  const kept = namesIn(told, 'left').map((name) => reasons.get(name) ?? whyLeft(name, carried))
  if (kept.length > 0) return { host: host.name, status: 'kept', removed, kept }
  return { host: host.name, status: 'clean', removed }
}

type Cleaning = {
  readonly host: Host
  readonly transactions: readonly HostTransaction[]
  readonly needsHandsToo: boolean
}

function namesIn(told: string, word: string): readonly string[] {
  return told.split('\n').flatMap((line) => new RegExp(`^# ${word} (.{1,200})$`).exec(line)?.[1] ?? [])
}

function whyLeft(name: string, carried: readonly string[]): Fault {
  if (name === 'lock') {
    return {
      code: 'locked',
      message: 'a transaction holds its lock',
      next: `clean again when it is over; who holds it, on the host: cat ${directoryOf('lock')}/holder`,
    }
  }
  const next = 'clean again in a minute'
  if (carried.includes(name))
    return { code: 'locked', message: `a process on the host is at transaction ${name}`, next }
  return { code: 'step-failed', message: `${directoryOf(name)} is new, or could not be removed`, next }
}
