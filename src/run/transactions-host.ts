import { LIST } from '../journal/conversation.ts'
import { LIFE } from '../journal/ground.ts'
import type { Holdings } from '../journal/holdings.ts'
import { type HostTransaction, parseListing, parseLock } from '../journal/listing.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { lines, sh } from '../shell/script.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { faultOfTalk } from './journal-link.ts'
import type { Telling } from './story.ts'

const TIMEOUT_MS = 120_000

/** `machine` tells it from every other as long as it runs: two names with the same one lead to one machine. */
export type OnMachine = Holdings & { readonly machine?: string }

/** One kernel's life, as seen by one process 1, in one network namespace; kernels before 3.0 show none. */
const LIST_BY_MACHINE = lines(
  sh`printf '# machine %s\n' "$({
${LIFE}
readlink /proc/self/ns/net 2> /dev/null
} | tr '\n' ' ')"`,
  LIST,
)

/** Every transaction that a host knows of; nothing on it changes. */
export async function transactionsHost(host: Host, { signal, onStage }: Telling): Promise<OnMachine> {
  onStage('connecting')
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  const listed = await listTransactions(session)
  if ('fault' in listed) return { host: host.name, status: 'failed', fault: listed.fault }
  return { host: host.name, status: 'listed', ...listed }
}

type Listed = {
  readonly transactions: readonly HostTransaction[]
  readonly lock: string | null
  readonly machine?: string
}

export async function listTransactions(session: Session): Promise<Listed | { readonly fault: Fault }> {
  const outcome = await session.run(LIST_BY_MACHINE, { as: 'root', timeoutMs: TIMEOUT_MS })
  if ('refused' in outcome) return { fault: outcome.refused }
  const fault = faultOfTalk(outcome, 'listing its transactions')
  if (fault !== null) return { fault }
  const stdout = 'stdout' in outcome ? outcome.stdout : ''
  const transactions = parseListing(stdout)
  if (transactions !== null) {
    const machine = /^# machine ([0-9a-f-]{36} .{1,80})$/m.exec(stdout)?.[1]
    return { transactions, lock: parseLock(stdout), ...(machine === undefined ? {} : { machine }) }
  }
  const message = 'it did not say to the end which transactions it knows of'
  return { fault: { code: 'unreadable', message, next: `look at its disk, and at ${directoryOf('')} there` } }
}
