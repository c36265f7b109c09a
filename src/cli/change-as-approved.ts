import type { HostResult } from '../model/result.ts'
import type { Approval } from '../model/run.ts'
import { changeHosts, openCourse } from '../run/change-hosts.ts'
import { STOPPED } from '../run/fleet.ts'
import type { RunStore } from '../store/store.ts'
import { lifeWithin } from '../transport/cancel.ts'
import type { Planned } from './approve.ts'
import { type BegunRun, beginRun } from './begun-run.ts'
import { besideQuestions } from './beside-questions.ts'
import { decide } from './decide.ts'
import { conductOn } from './fleet-phase.ts'
import { openCourseLines } from './pace.ts'
import type { Terminal } from './terminal.ts'
import { changesOf, replaced, sayWrapped, type Undertaking } from './undertaking.ts'

/** How all hosts ended. */
export type Done = {
  readonly ended: readonly HostResult[]
  /** Why the record of it is not whole, or null. */
  readonly problem: string | null
  /** Plans were approved that are not here. */
  readonly unknown?: boolean
}

/**
 * Asks a person for each host, while those that have a yes begin: the first one alone, and the others only when all is well with
 * it. A host that nobody was asked about is never begun: at Ctrl-C, or where too many failed, it keeps what it is.
 * @returns `interrupted` where the person broke off before any yes: nothing was changed.
 */
export async function changeAsApproved(
  undertaking: Undertaking,
  planned: readonly Planned[],
  { store, terminal }: { readonly store: RunStore; readonly terminal: Terminal },
): Promise<Done | 'interrupted'> {
  const { run, results, pace } = undertaking
  const plans = planned.map(({ plan }) => plan)
  const beside = besideQuestions(terminal)
  const { signal } = terminal.interruption
  /** Over where nobody is to be asked on. */
  const asking = lifeWithin(signal)
  const decided = new Map<string, HostResult>()
  const given: Approval[] = []
  const state: { begun: BegunRun | null; stopped: string | null } = { begun: null, stopped: null }
  const asDecided = () => replaced(results, [...decided.values()])
  const open = openCourse({ plans, before: results, pace }, (why) => {
    state.stopped = why
    asking.end('too many failed')
  })

  const work = async (): Promise<readonly HostResult[]> => {
    if (!(await open.any())) return []
    const first = given.length
    const begun = await beginRun(run, { results: asDecided(), approvals: given.slice(0, first) }, { store, terminal })
    for (const approval of given.slice(first)) begun.approved(approval)
    state.begun = begun
    return await changeHosts(
      changesOf(undertaking, plans, begun.record, beside.work),
      open.course,
      conductOn(beside.work),
    )
  }
  const planOf = new Map(planned.map(({ host, plan }) => [host, plan]))
  const onDecided = (result: HostResult, approval: Approval | null) => {
    decided.set(result.host, result)
    if (approval !== null) {
      given.push(approval)
      state.begun?.approved(approval)
    } else state.begun?.record.ended(result)
    const plan = planOf.get(result.host)
    if (result.status === 'planned') open.add([result.plan])
    else if (plan !== undefined) open.drop(plan)
  }

  sayWrapped(openCourseLines(open.planned, pace), terminal)
  const working = work()
  // Where nothing can be put on record, nobody is to be asked on.
  working.catch(() => asking.end('no record can be kept'))
  const answers = await decide({ ...undertaking, by: run.by }, planned, beside.questions, {
    onDecided,
    stopped: () => state.stopped,
    beforeQuestion: beside.catchUp,
    withdrawn: asking.signal,
  })
  const isBrokenOff = answers === 'interrupted'
  if (isBrokenOff && given.length > 0 && !asking.signal.aborted) terminal.interruption.stop()
  asking.end('all were asked')
  open.close()
  beside.end()
  const changed = await working
  if (given.length === 0 && (isBrokenOff || signal.aborted)) return 'interrupted'

  for (const { host } of planned) {
    if (!decided.has(host)) decided.set(host, { host, status: 'not-reached', why: STOPPED })
  }
  const begun = state.begun ?? (await beginRun(run, { results: asDecided(), approvals: [] }, { store, terminal }))
  const ended = replaced(asDecided(), changed)
  return { ended, problem: await begun.end(ended) }
}
