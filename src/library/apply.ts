import { homedir } from 'node:os'
import { InputError } from '../input/complaint.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Approval } from '../model/run.ts'
import { leastToConfirm } from '../plan/gate-time.ts'
import { isSealed } from '../plan/seal.ts'
import { applyHost } from '../run/apply-host.ts'
import { beginWork } from '../run/begin-work.ts'
import { changeHosts, courseOfChanges } from '../run/change-hosts.ts'
import { PAUSE_SECONDS } from '../run/course.ts'
import { requester } from '../run/requester.ts'
import { resultEvents } from '../run/result-events.ts'
import { watchPlan } from '../run/wave-gate.ts'
import type { Share } from '../run/waves.ts'
import { databaseStore } from '../store/database.ts'
import { newRunId } from '../store/run-id.ts'
import { stateDirectory } from '../store/state-directory.ts'
import { checkApplyOptions } from './checked-options.ts'
import { chosenHosts, type HostOptions, readyHosts } from './chosen-hosts.ts'
import { conductFor, type FollowOptions, heard, NEVER, warnOfBug } from './following.ts'
import { type Planned, planChosen, type WishOptions, wishOf } from './plan.ts'

export type ApplyOptions = HostOptions &
  WishOptions &
  FollowOptions & {
    /** What `plan` gave: then exactly those plans are applied, and nothing is planned anew. */
    readonly planned?: Planned
    /** Asked for each host that would be changed, in their order, before any is. There is no yes by default. */
    readonly approve: (plan: Plan) => Answer | Promise<Answer>
    /** Plans that may break sessions when they are taken back are skipped, and not asked about, unless this is true. */
    readonly acceptSessionLoss?: boolean
    /** Seconds that a host waits for the confirmation before it takes its change back. Left out: 60. */
    readonly confirmWithinSeconds?: number
    /** How many hosts are through after each wave. Left out: one, 10 %, 50 %, all; one and the rest for fewer than ten. */
    readonly waves?: readonly Share[]
    /** How many hosts may fail before no further one begins. Left out: none in the first wave, then a tenth, but one in any case. */
    readonly maxFail?: Share
    /** Seconds between two waves. Left out: 5. */
    readonly pauseSeconds?: number
    /** Hosts that are changed at a time, within a wave. Left out: 10. */
    readonly changing?: number
    /** Where the record of runs is kept. Left out: that of the command line, which can then take the run back. */
    readonly stateDirectory?: string
    /** Who asks, for the record. Left out: login name and machine. */
    readonly by?: string
  }

export type Answer = 'yes' | 'no'

/** Every host has one result, always, in the order of the inventory. */
export type Applied = Planned & {
  /** For `ctfleet rollback`, `resume` and `report`. */
  readonly run: string
  /** Why the record is not whole, so that the run cannot be taken back by its id; null where it is. */
  readonly recordProblem: string | null
}

const CHANGING = 10
const CONFIRM_WITHIN = 60

/**
 * Plans (or takes `planned`), asks for each host, changes those with a yes, wave by wave, and checks each over a new
 * connection. A host that is not confirmed takes its change back by itself.
 * @throws InputError with every mistake in what was given, and Error where no record can be kept; no host was changed then.
 *   Once changes began nothing is thrown: what goes wrong at a host is in its result.
 */
export async function apply(options: ApplyOptions): Promise<Applied> {
  checkApplyOptions(options)
  const { signal, confirmWithinSeconds = CONFIRM_WITHIN, changing = CHANGING } = options
  const onEvent = heard(options.onEvent)
  const state = options.stateDirectory ?? stateDirectory(process.env, homedir())
  const store = databaseStore(state, () => undefined)
  await store.prepare()
  const startedAt = new Date()
  const [id, by] = [newRunId(startedAt), options.by ?? requester()]
  const planned = await plansOf(options)
  checkWindow(confirmWithinSeconds, planned)
  const { approvals, results: decided } = await decide(planned.results, { ...options, by })
  const run = {
    id,
    command: 'apply',
    startedAt: startedAt.toISOString(),
    endedAt: null,
    by,
    inventory: planned.inventory,
    of: null,
    results: decided,
    ...(approvals.length === 0 ? {} : { approvals }),
  } as const
  const { record, stopWork } = await beginWork(store, run, state)
  onEvent({ event: 'run-began', run: id, command: 'apply' })
  for (const { at: _, ...approved } of approvals) onEvent({ event: 'approval', ...approved })
  const changes = {
    title: 'Applying',
    run: id,
    plans: decided.flatMap((result) => (result.status === 'planned' ? [result.plan] : [])),
    before: planned.results,
    story: async (plan: Plan, telling: Parameters<typeof applyHost>[2]) =>
      await applyHost(plan, { asker: { run: id, by }, confirmWithinSeconds, keepSeconds: null }, telling),
    watch: watchPlan,
    parallel: changing,
    pace: {
      waves: options.waves ?? null,
      maxFail: options.maxFail ?? null,
      pauseSeconds: options.pauseSeconds ?? PAUSE_SECONDS,
      sparesPairs: true,
    },
    record,
    onBug: warnOfBug,
    onLeaving: [],
  }
  const following = signal === undefined ? { onEvent } : { onEvent, signal }
  const changed = await changeHosts(changes, courseOfChanges(changes), conductFor(following))
  const byHost = new Map(changed.map((result) => [result.host, result]))
  const results = decided.map((result) => byHost.get(result.host) ?? result)
  const recordProblem = await record.close(results, new Date())
  for (const event of resultEvents(results)) onEvent(event)
  onEvent({ event: 'run-ended', run: id, command: 'apply' })
  await stopWork()
  return { ...planned, results, run: id, recordProblem }
}

async function plansOf(options: ApplyOptions): Promise<Planned> {
  const { planned } = options
  if (planned === undefined) {
    const wish = wishOf(options)
    return await planChosen(await chosenHosts(options), wish, options)
  }
  const plans = planned.results.flatMap((result) => (result.status === 'planned' ? [result.plan] : []))
  const changed = plans.find((plan) => !isSealed(plan))
  if (changed !== undefined) {
    throw wrong(
      'planned',
      `the plan of ${changed.host.name} is not as it was made: its id does not match`,
      'plan again',
    )
  }
  await readyHosts(
    plans.map(({ host }) => host),
    options,
  )
  return planned
}

/** A window that is over before the gates are would take back what is right. */
function checkWindow(seconds: number, { results }: Planned): void {
  const least = Math.max(
    10,
    ...results.map((result) => (result.status === 'planned' ? leastToConfirm(result.plan.gates) : 0)),
  )
  if (seconds >= least && seconds <= 3600) return
  const message = `expected ${least} to 3600 seconds, found ${seconds}: what is asked before a change is kept takes its time`
  throw wrong('confirmWithinSeconds', message, `${least} or more`)
}

type Deciding = Pick<ApplyOptions, 'approve' | 'acceptSessionLoss' | 'signal'> & { readonly by: string }

/** Hosts with a yes stay `planned`. */
async function decide(
  all: readonly HostResult[],
  { approve, acceptSessionLoss = false, signal, by }: Deciding,
): Promise<{ readonly results: readonly HostResult[]; readonly approvals: readonly Approval[] }> {
  const results: HostResult[] = []
  const approvals: Approval[] = []
  for (const result of all) {
    if (result.status !== 'planned') {
      results.push(result)
      continue
    }
    const { host, plan } = result
    const { sessionLoss = [] } = plan
    if (signal?.aborted === true) results.push({ host, status: 'not-reached', why: STOPPED })
    else if (sessionLoss.length > 0 && !acceptSessionLoss) {
      const why = `sessions may break when it is taken back (${sessionLoss.join('; ')}), and that was not accepted`
      results.push({ host, status: 'skipped', plan, why })
    } else {
      const answer = await unlessAborted(approve(plan), signal)
      if (answer === 'aborted') results.push({ host, status: 'not-reached', why: STOPPED })
      else if (answer === 'yes') {
        results.push(result)
        approvals.push({ host, plan: plan.id, by, at: new Date().toISOString(), how: 'program' })
      } else results.push({ host, status: 'declined', plan })
    }
  }
  return { results, approvals }
}

/** Whoever has to answer may never do so. */
async function unlessAborted(answer: Answer | Promise<Answer>, signal = NEVER): Promise<Answer | 'aborted'> {
  const over = new AbortController()
  const aborted = new Promise<'aborted'>((resolve) => {
    const onAbort = () => resolve('aborted')
    // It may have been aborted while the question was put.
    if (signal.aborted) onAbort()
    else signal.addEventListener('abort', onAbort, { signal: over.signal })
  })
  return await Promise.race([answer, aborted]).finally(() => over.abort())
}

const STOPPED = 'the run was stopped before its turn'

function wrong(file: string, message: string, hint: string): InputError {
  return new InputError([{ file, line: null, column: null, path: '', message, hint }])
}
