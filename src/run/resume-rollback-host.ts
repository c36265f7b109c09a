import type { About } from '../journal/about.ts'
import { positionOf } from '../journal/holdings.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Host } from '../model/host.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import { openSession } from '../transport/catalog.ts'
import { type Ending, forgotten } from './forgotten.ts'
import { rollbackFromHost, rollbackHost } from './rollback-host.ts'
import type { Telling } from './story.ts'
import { listTransactions } from './transactions-host.ts'

/** A change that was to be taken back; `plan` is null where only its host knew of it. */
type Applied = { readonly host: Host; readonly plan: Plan | null; readonly transaction: string }

/**
 * Brings a rollback whose controller went away to exactly before or exactly after: an undo that was begun is finished, one
 * that was not leaves the change in force.
 */
export async function resumeRollbackHost(applied: Applied, { signal, onStage }: Telling): Promise<HostResult> {
  const { host, plan, transaction } = applied
  onStage('connecting')
  const found = await lookFor(applied, { signal, onStage })
  if ('status' in found) return { host: host.name, ...found }
  return plan === null
    ? await rollbackFromHost({ host, transaction, about: found.about }, { signal, onStage })
    : await rollbackHost({ plan, transaction }, { signal, onStage })
}

/** Its undo has begun; `about`: as far as the host tells what it changed. */
type Begun = { readonly about: About | null }

async function lookFor(applied: Applied, { signal, onStage }: Telling): Promise<Begun | Ending> {
  const { host, plan, transaction } = applied
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  const listed = await listTransactions(session)
  if ('fault' in listed) return { status: 'failed', fault: listed.fault }
  const own = listed.transactions.find(({ id }) => id === transaction)
  if (own === undefined) return plan === null ? unknownBy(transaction) : await forgotten(session, { plan, transaction })
  const position = positionOf(own)
  if (position !== 'committed' && position !== 'kept') return { about: own.about }
  return { status: 'not-reached', why: 'taking it back was never begun, so its change is still in force' }
}

/** Without its plan nobody here can tell what the host was like before. */
function unknownBy(transaction: string): Ending {
  const message = `the host knows nothing of transaction ${transaction} any more: it was taken back, or cleaned`
  const next = `look at the host whether it is as you want it; what else is there: ls ${directoryOf('')}`
  return { status: 'needs-hands', plan: null, transaction, fault: { code: 'unreadable', message, next } }
}
