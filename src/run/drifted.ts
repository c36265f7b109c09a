import { newestFirst, positionOf } from '../journal/holdings.ts'
import type { HostTransaction } from '../journal/listing.ts'
import type { Fault } from '../model/fault.ts'
import { sameJson } from '../model/json.ts'
import type { Plan } from '../model/plan.ts'
import type { Session } from '../transport/transport.ts'
import { clock } from './held-by.ts'
import { openAgain } from './open-again.ts'
import { readChanges } from './read-changes.ts'
import { listTransactions } from './transactions-host.ts'

/**
 * The fault of a host that refused to begin. Of one that drifted it says what is no longer as the plan saw it, as far as
 * that can be read now, and which change of ours stands there. Nothing on the host changes.
 */
export async function refusedFor(plan: Plan, fault: Fault): Promise<Fault> {
  if (fault.code !== 'drifted') return fault
  const opened = await openAgain(plan.host, Date.now() + PATIENCE_MS)
  if ('refused' in opened) return fault
  await using session = opened
  const listed = await listTransactions(session)
  const told = [
    ...('fault' in listed || !isRestarted(plan, listed.machine) ? await whatDiffers(session, plan) : [RESTARTED]),
    ...('fault' in listed ? [] : whatStands(listed.transactions)),
  ]
  return told.length === 0 ? fault : { ...fault, message: `${fault.message}. Seen since: ${told.join('; ')}` }
}

const PATIENCE_MS = 20_000
const RESTARTED = 'it was restarted'

/** Both name the kernel's life by its boot_id; a container's restart is not seen here. */
function isRestarted(plan: Plan, machine: string | undefined): boolean {
  const then = /^boot ([0-9a-f-]{36}),/.exec(plan.machine ?? '')?.[1]
  return then !== undefined && machine !== undefined && !machine.startsWith(`${then} `)
}

/** The states of its changes are compared one by one; what else the plan rests on is known by its digest alone. */
async function whatDiffers(session: Session, { changes, kept }: Plan): Promise<readonly string[]> {
  const steady = changes.filter((change) => !change.volatile)
  const read = await readChanges(session, steady, 30_000)
  if ('fault' in read) return []
  const found = steady.flatMap(({ title, before, after }, at) => {
    const now = read.states[at]
    if (now === undefined || !now.known) return [`"${title}" cannot be read any more`]
    if (sameJson(now.value, before)) return []
    return [sameJson(now.value, after) ? `"${title}" is done already` : `what "${title}" is to change is another now`]
  })
  if (found.length > MOST) return [...found.slice(0, MOST), `and ${found.length - MOST} more`]
  if (found.length > 0) return found
  const others = [
    'firewall rules that the plan rests on',
    ...(kept.length === 0 ? [] : ['a step that was right already']),
  ]
  return [`what the plan changes is as it was, so it is ${others.join(', or ')}, or a restart of the host`]
}

const MOST = 4

/** The newest of ours: most likely what changed the host since the plan was made. */
function whatStands(transactions: readonly HostTransaction[]): readonly string[] {
  const [newest] = newestFirst(transactions.filter(isInForce))
  return newest === undefined ? [] : [`in force is ${wordsOf(newest)}`]
}

function isInForce(transaction: HostTransaction): boolean {
  const position = positionOf(transaction)
  return position === 'committed' || position === 'kept'
}

function wordsOf({ id, about, records }: HostTransaction): string {
  const whose = about === null ? `transaction ${id}` : `${about.strategy} of run ${about.run} by ${about.by}`
  const at = records.at(-1)?.at
  return at === undefined ? whose : `${whose}, since ${clock(at)}`
}
