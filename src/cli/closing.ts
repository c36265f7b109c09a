import { InputError } from '../input/complaint.ts'
import { loadInventory } from '../inventory/inventory.ts'
import { selectHosts } from '../inventory/select-hosts.ts'
import { directoryOf } from '../journal/transaction.ts'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Run } from '../model/run.ts'
import { isSealed } from '../plan/seal.ts'
import { workerOn } from '../run/at-work.ts'
import { resumeHost } from '../run/resume-host.ts'
import { resumeRollbackHost } from '../run/resume-rollback-host.ts'
import { asideResults } from '../run/set-aside.ts'
import type { Telling } from '../run/story.ts'
import { quote } from '../shell/script.ts'
import type { RunStore } from '../store/store.ts'
import type { AccessWords } from './access-words.ts'
import { complainAbout } from './checks.ts'
import { choosable, reachable, usable } from './targets.ts'
import type { Terminal } from './terminal.ts'
import { vaultPasswordsFrom } from './vault-passwords.ts'

/** Hosts whose end only they themselves know, and those that a person may have mended since. */
export type Unended = Extract<HostResult, { readonly status: 'under-way' | 'needs-hands' }>

export function isUnended(result: HostResult): result is Unended {
  return result.status === 'under-way' || result.status === 'needs-hands'
}

/**
 * Asks one host how its part of a run ended, brings it to exactly before or exactly after, and puts that on record.
 * @param problems gets why it could not be put there: what the host said is true all the same
 */
export async function closeHost(
  { store, run, result, host, problems }: Closing,
  telling: Telling,
): Promise<HostResult> {
  const { plan, transaction, status } = result
  const ended =
    run.command === 'apply' && plan !== null
      ? await resumeHost({ plan, transaction, hasBegun: status === 'needs-hands' }, telling)
      : await resumeRollbackHost({ host, plan, transaction }, telling)
  // Where nobody could tell, the record stays as it is, and may be asked for again.
  if (ended.status !== 'unreachable' && ended.status !== 'failed')
    await orRemember(problems, async () => await store.record(run.id, [ended]))
  return ended
}

type Closing = {
  readonly store: RunStore
  readonly run: Run
  readonly result: Unended
  readonly host: Host
  readonly problems: string[]
}

/** For what is written once hosts were changed: a record that cannot be kept must not keep anybody from being told of them. */
export async function orRemember(problems: string[], work: () => Promise<unknown>): Promise<void> {
  try {
    await work()
  } catch (error) {
    problems.push(error instanceof Error ? error.message : String(error))
  }
}

/** Gives a run that was cut off its last word, once nothing of it is open. Rejects where that cannot be kept. */
export async function endIfClosed(store: RunStore, id: string): Promise<void> {
  const found = await store.load(id)
  if (found.type !== 'found' || found.run.endedAt !== null || found.damaged.length > 0) return
  const isOpen = found.run.results.some(({ status }) => status === 'under-way' || status === 'planned')
  if (!isOpen) await store.end(id, new Date().toISOString())
}

/** @throws InputError where another ctfleet on this machine works on the run, or may do so. */
export async function checkLeftAlone(run: Run, { say }: Terminal): Promise<void> {
  if (run.endedAt !== null) return
  const worker = await workerOn(run.id)
  if (worker === null || worker.life === 'gone') return
  if (worker.life === 'unknown') {
    throw complainAbout(
      run.id,
      `whether ctfleet is still at work on this run cannot be told: ${worker.file}: ${worker.why}`,
      `see that none is, then: rm ${quote(worker.file)}`,
    )
  }
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

/** A host of a record, as much as tells where it is. */
type OnRecord = { readonly host: string; readonly plan: Plan | null; readonly transaction?: string }

/** What is on record of a host, and where it is to be found, or why nobody can be sent there. */
export type Located<R> = { readonly result: R } & ({ readonly host: Host } | { readonly fault: Fault })

/**
 * Those that the limit leaves, each where its plan says, else where the run's inventory does. One whose record is damaged
 * keeps no other from being asked.
 * @throws InputError where the limit names nobody, or a file is missing that logging in needs.
 */
export async function locate<R extends OnRecord>(
  { place, inventory, words }: { readonly place: string; readonly inventory: string; readonly words: AccessWords },
  results: readonly R[],
  limit: string | undefined,
): Promise<readonly Located<R>[]> {
  const located = await Promise.all(
    results.map(async (result): Promise<Located<R>> => ({ result, ...(await locateOne(result, inventory, words)) })),
  )
  const named = located.map((one) =>
    'host' in one ? one.host : { name: one.result.host, groups: one.result.plan?.host.groups ?? [] },
  )
  const chosen = new Set(selectHosts(choosable(place, named), limit).map(({ name }) => name))
  const left = located.filter(({ result }) => chosen.has(result.host))
  await usable(
    left.flatMap((one) => ('host' in one ? [one.host] : [])),
    words,
  )
  return left
}

/** How those end that nobody can be sent to. */
export function failuresOf(located: readonly Located<OnRecord>[]): readonly Failure[] {
  return located.flatMap((one) =>
    'fault' in one ? [{ host: one.result.host, status: 'failed', fault: one.fault } as const] : [],
  )
}

type Failure = { readonly host: string; readonly status: 'failed'; readonly fault: Fault }

async function locateOne(
  { host, plan, transaction }: OnRecord,
  file: string,
  words: AccessWords,
): Promise<{ readonly host: Host } | { readonly fault: Fault }> {
  if (plan !== null && isSealed(plan)) return { host: plan.host }
  if (plan !== null) {
    return cannotBeAsked(
      'the record of it is not as it was written: its digest does not match',
      `to take its change back, on the host itself: sh ${directoryOf(transaction ?? '')}/undo`,
    )
  }
  try {
    const { hosts, setAside } = await loadInventory(file, { vaultPasswords: await vaultPasswordsFrom(words) })
    for (const each of await reachable(
      hosts.filter(({ name }) => name === host),
      words,
    ))
      return { host: each }
    for (const { fault } of asideResults(setAside.filter(({ name }) => name === host))) return { fault }
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return cannotBeAsked(`where it is cannot be read from ${file}`, `mend it; ctfleet plan ${file} names what is wrong`)
  }
  return cannotBeAsked(
    `${file} names no host ${host} any more`,
    `ask the host by an inventory that does: ctfleet rollback --from-hosts INVENTORY --limit ${host}`,
  )
}

function cannotBeAsked(message: string, next: string): { readonly fault: Fault } {
  return { fault: { code: 'unreadable', message, next } }
}
