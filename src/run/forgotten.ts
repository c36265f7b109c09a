import { directoryOf } from '../journal/transaction.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Session } from '../transport/transport.ts'
import { readsBack } from './gates.ts'

/** How a host ended, without its name. */
export type Ending<T = HostResult> = T extends HostResult ? Omit<T, 'host'> : never

/** A host forgets a transaction when it was taken back and its controller has looked: whether ours is such a one, its state tells. */
export async function forgotten(
  session: Session,
  { plan, transaction }: { readonly plan: Plan; readonly transaction: string },
): Promise<Ending> {
  const differs = await readsBack(session, plan.changes, 'before')
  if (differs === null) return { status: 'rolled-back', plan, transaction, fault: null }
  if (differs.code !== 'not-verified') return { status: 'failed', fault: differs }
  const message = `the host knows nothing of transaction ${transaction} any more, and is not as it was before it: ${differs.message}`
  const next = `look at the host, and at ${directoryOf('')} there; what was changed: ctfleet show, with the run's id`
  return { status: 'needs-hands', plan, transaction, fault: { code: 'not-verified', message, next } }
}
