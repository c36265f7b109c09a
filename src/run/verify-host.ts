import { positionOf } from '../journal/holdings.ts'
import type { HostTransaction } from '../journal/listing.ts'
import type { Change } from '../model/change.ts'
import { type Json, sameJson } from '../model/json.ts'
import type { Plan } from '../model/plan.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { VerifiedChange, VerifyResult } from '../model/verification.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import { openSession } from '../transport/catalog.ts'
import type { Session } from '../transport/transport.ts'
import { readChanges } from './read-changes.ts'
import type { Telling } from './story.ts'
import { listTransactions } from './transactions-host.ts'

/** A change that was applied, and what it was applied for. */
export type Applied = {
  readonly plan: Plan
  readonly transaction: string
  /** Set where it is first aid, which writes no files. */
  readonly until?: string
}

const TIMEOUT_MS = 60_000

/**
 * Looks at every change of an applied plan again; nothing on the host changes.
 * @param afterRestart the host must have been restarted since, or its changes prove nothing
 */
export async function verifyHost(
  applied: Applied,
  afterRestart: boolean,
  { signal, onStage }: Telling,
): Promise<VerifyResult> {
  onStage('connecting')
  const opened = await openSession(applied.plan.host, signal)
  if ('refused' in opened) return { host: applied.plan.host.name, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  return await verifyOver(session, applied, afterRestart)
}

/** The same over a login that is there already. */
export async function verifyOver(session: Session, applied: Applied, afterRestart: boolean): Promise<VerifyResult> {
  const { plan, transaction } = applied
  const host = plan.host.name
  const listed = await listTransactions(session)
  if ('fault' in listed) return { host, status: 'failed', fault: listed.fault }
  const made = changesMade(applied)
  const steady = made.filter(({ volatile }) => !volatile)
  const read = await readChanges(session, steady, TIMEOUT_MS)
  if ('fault' in read) return { host, status: 'failed', fault: read.fault }

  const states = new Map(steady.map((change, at) => [change, read.states[at] ?? unknown('the host did not answer')]))
  const changes = made.map((change) => verified(change, states.get(change)))
  const own = listed.transactions.find(({ id }) => id === transaction)
  const restarted: Reading<boolean> =
    own === undefined ? unknown(`the host holds no transaction ${transaction} any more`) : known(own.restarted)
  const isProved = !afterRestart || (restarted.known && restarted.value)
  return {
    host,
    status: isProved ? statusOf(changes) : 'not-restarted',
    transaction,
    restarted,
    ...saidOf(own),
    changes,
  }
}

/** First aid writes no files. */
export function changesMade({ plan, until }: Applied): readonly Change[] {
  return plan.changes.filter(({ phase }) => until === undefined || phase === 'runtime')
}

function verified(change: Change, now: Reading<Json> | undefined): VerifiedChange {
  const { title, phase, kind: name, want, shown } = change
  if (now === undefined) return { title, phase, inForce: null, shown: { now: [], applied: [] } }
  if (!now.known) return { title, phase, inForce: now, shown: { now: [], applied: shown.after } }
  if (sameJson(now.value, change.after))
    return { title, phase, inForce: known(true), shown: { now: shown.after, applied: shown.after } }
  const there = STEP_KINDS.find(({ kind }) => kind === name)?.show(now.value, want) ?? []
  return { title, phase, inForce: known(false), shown: { now: there, applied: shown.after } }
}

function statusOf(changes: readonly VerifiedChange[]): 'in-force' | 'not-in-force' | 'unsure' {
  if (changes.some(({ inForce }) => inForce?.known === true && !inForce.value)) return 'not-in-force'
  return changes.some(({ inForce }) => inForce?.known === false) ? 'unsure' : 'in-force'
}

type Said = Pick<Extract<VerifyResult, { readonly journal: unknown }>, 'journal' | 'remark'>

function saidOf(transaction: HostTransaction | undefined): Said {
  if (transaction === undefined) {
    const remark = 'the host knows nothing of its transaction any more: it was cleaned, or taken back'
    return { journal: 'missing', remark }
  }
  const position = positionOf(transaction)
  switch (position) {
    case 'committed':
    case 'kept':
      return { journal: 'stands', remark: null }
    case 'rolled-back':
      return { journal: 'taken-back', remark: 'it was taken back on the host itself' }
    case 'gone':
      return { journal: 'taken-back', remark: 'it was first aid, which a restart takes away' }
    case 'needs-hands':
      return { journal: 'unclear', remark: 'its undo was begun on the host, and did not take back everything' }
    case 'under-way':
    case 'cut-off':
    case 'never':
    case 'refused':
      return { journal: 'unclear', remark: `its journal on the host says that it is ${position}` }
  }
}
