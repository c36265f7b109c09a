import { LIST } from '../journal/conversation.ts'
import type { Holdings } from '../journal/holdings.ts'
import { type HostTransaction, parseListing, parseLock } from '../journal/listing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfOutcome } from './facts-host.ts'
import type { Telling } from './story.ts'

const TIMEOUT_MS = 120_000

/** Every transaction that a host knows of; nothing on it changes. */
export async function transactionsHost(host: Host, { signal, onStage }: Telling): Promise<Holdings> {
  onStage('connecting')
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  const listed = await listTransactions(session)
  if ('fault' in listed) return { host: host.name, status: 'failed', fault: listed.fault }
  return { host: host.name, status: 'listed', ...listed }
}

type Listed = { readonly transactions: readonly HostTransaction[]; readonly lock: string | null }

export async function listTransactions(session: Session): Promise<Listed | { readonly fault: Fault }> {
  const outcome = await session.run(LIST, { as: 'root', timeoutMs: TIMEOUT_MS })
  if ('refused' in outcome) return { fault: outcome.refused }
  const fault = faultOfOutcome(outcome, 'listing its transactions')
  if (fault !== null) return { fault }
  const stdout = 'stdout' in outcome ? outcome.stdout : ''
  const transactions = parseListing(stdout)
  if (transactions !== null) return { transactions, lock: parseLock(stdout) }
  const message = 'it did not say to the end which transactions it knows of'
  return { fault: { code: 'unreadable', message, next: `look at its disk, and at ${directoryOf('')} there` } }
}
