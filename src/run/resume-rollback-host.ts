import { positionOf } from '../journal/holdings.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { readsBack } from './gates.ts'
import { rollbackHost } from './rollback-host.ts'
import type { Telling } from './story.ts'
import { listTransactions } from './transactions-host.ts'

type Applied = { readonly plan: Plan; readonly transaction: string }

/**
 * Brings a rollback whose controller went away to exactly before or exactly after: an undo that was begun is finished, one
 * that was not leaves the change in force.
 */
export async function resumeRollbackHost(applied: Applied, telling: Telling): Promise<HostResult> {
  const host = applied.plan.host.name
  telling.onStage('connecting')
  const found = await lookFor(applied, telling)
  if (found !== 'begun') return { host, ...found }
  return await rollbackHost(applied, { signal: telling.signal, onStage: telling.onStage })
}

type Ending<T = HostResult> = T extends HostResult ? Omit<T, 'host'> : never

async function lookFor(applied: Applied, { signal, onStage }: Telling): Promise<'begun' | Ending> {
  const opened = await openSession(applied.plan.host, signal)
  if ('refused' in opened) return { status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  const listed = await listTransactions(session)
  if ('fault' in listed) return { status: 'failed', fault: listed.fault }
  const own = listed.transactions.find(({ id }) => id === applied.transaction)
  if (own === undefined) return await forgotten(session, applied)
  const position = positionOf(own)
  if (position !== 'committed' && position !== 'kept') return 'begun'
  return { status: 'not-reached', why: 'taking it back was never begun, so its change is still in force' }
}

/** The host forgets a transaction when it was taken back, and its controller has looked; ours had not said so any more. */
async function forgotten(session: Session, { plan, transaction }: Applied): Promise<Ending> {
  const differs = await readsBack(session, plan.changes, 'before')
  if (differs === null) return { status: 'rolled-back', plan, transaction, fault: null }
  if (differs.code !== 'not-verified') return { status: 'failed', fault: differs }
  const message = `the host knows nothing of transaction ${transaction} any more, and is not as it was before it: ${differs.message}`
  const next = `look at the host, and at ${directoryOf('')} there; what was changed: ctfleet show, with the run's id`
  return { status: 'needs-hands', plan, transaction, fault: { code: 'not-verified', message, next } }
}
