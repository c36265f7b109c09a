import { loadInventory } from '../inventory/inventory.ts'
import type { Host } from '../model/host.ts'
import type { HostResult } from '../model/result.ts'
import type { Run } from '../model/run.ts'
import { isSealed } from '../plan/seal.ts'
import { resumeHost } from '../run/resume-host.ts'
import { resumeRollbackHost } from '../run/resume-rollback-host.ts'
import type { Telling } from '../run/story.ts'
import type { RunStore } from '../store/store.ts'
import { workerOn } from './at-work.ts'
import { complainAbout } from './checks.ts'
import { kept } from './state.ts'
import type { Terminal } from './terminal.ts'

/** Hosts whose end only they themselves know, and those that a person may have mended since. */
export type Unended = Extract<HostResult, { readonly status: 'under-way' | 'needs-hands' }>

export function isUnended(result: HostResult): result is Unended {
  return result.status === 'under-way' || result.status === 'needs-hands'
}

/** Asks one host how its part of a run ended, brings it to exactly before or exactly after, and puts that on record. */
export async function closeHost(
  { store, run, result, host }: { store: RunStore; run: Run; result: Unended; host: Host },
  telling: Telling,
): Promise<HostResult> {
  const { plan, transaction, status } = result
  const ended =
    run.command === 'apply' && plan !== null
      ? await resumeHost({ plan, transaction, hasBegun: status === 'needs-hands' }, telling)
      : await resumeRollbackHost({ host, plan, transaction }, telling)
  // Where nobody could tell, the record stays as it is, and may be asked for again.
  if (ended.status !== 'unreachable' && ended.status !== 'failed') await store.record(run.id, [ended])
  return ended
}

/** Gives a run that was cut off its last word, once nothing of it is open. */
export async function endIfClosed(store: RunStore, id: string): Promise<void> {
  const found = await kept(async () => await store.load(id))
  if (found.type !== 'found' || found.run.endedAt !== null || found.damaged.length > 0) return
  const isOpen = found.run.results.some(({ status }) => status === 'under-way' || status === 'planned')
  if (!isOpen) await kept(async () => await store.end(id, new Date().toISOString()))
}

/** @throws InputError where another ctfleet on this machine works on the run. */
export async function checkLeftAlone(run: Run, { say }: Terminal): Promise<void> {
  if (run.endedAt !== null) return
  const worker = await workerOn(run.id)
  if (worker === null || worker.life === 'gone') return
  if (worker.life === 'alive') {
    throw complainAbout(
      run.id,
      `ctfleet is still at work on this run, as process ${worker.pid}`,
      `wait for it; or, to stop it: kill ${worker.pid}`,
    )
  }
  say([
    `Run ${run.id} was begun on ${worker.machine}, as process ${worker.pid}; whether that still lives is not known here.`,
  ])
}

/**
 * Where a host is to be found: as its plan says, else as the run's inventory does.
 * @throws InputError where neither tells, or a plan is not as it was written.
 */
export function hostOf(run: Run, { host, plan, transaction }: Unended): Host {
  if (plan !== null && isSealed(plan)) return plan.host
  if (plan !== null) {
    throw complainAbout(
      run.id,
      `the record of ${host} is not as it was written: its digest does not match`,
      `on the host itself: sh /var/lib/ctfleet/${transaction}/undo`,
    )
  }
  const found = loadInventory(run.inventory).hosts.find(({ name }) => name === host)
  if (found !== undefined) return found
  throw complainAbout(
    run.inventory,
    `it names no host ${host} any more`,
    `ask the host by an inventory that does: ctfleet rollback --from-hosts INVENTORY --limit ${host}`,
  )
}
