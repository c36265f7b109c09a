import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Gathering } from './as-approved.ts'
import { countsAs } from './budget.ts'
import { type Course, courseOf, openCourseOf, type Pace } from './course.ts'
import { storyOnRecord } from './on-record.ts'
import type { Conduct } from './phase.ts'
import type { RunRecord } from './record.ts'
import type { Telling } from './story.ts'

/** Hosts that are to be changed: each has a yes, and none is asked for anything before it is on record. */
export type Changes = {
  /** As a person reads it: `Applying`. */
  readonly title: string
  /** The run's id. */
  readonly run: string
  /** Of an open course: all that may have a yes. */
  readonly plans: readonly Plan[]
  /** How all hosts of the run stood before: of those that failed already, so many count against `pace.maxFail`. */
  readonly before: readonly HostResult[]
  readonly story: (plan: Plan, telling: Telling) => Promise<HostResult>
  /** Remembers a host that was just changed, and tells later why all is well no more, or null; null: nothing is asked again. */
  readonly watch: ((plan: Plan) => Promise<() => Promise<Fault | null>>) | null
  readonly parallel: number
  readonly pace: Pace
  readonly record: RunRecord
  /** Hears of a bug of ours that a host met after its change was on record. */
  readonly onBug: (host: string, bug: unknown) => void
  readonly onLeaving: readonly string[]
}

type Placed = Plan['host'] & { readonly plan: Plan }

export function courseOfChanges({ plans, before, pace }: Pick<Changes, 'plans' | 'before' | 'pace'>): Course<Placed> {
  return courseOf(plans.map(placed), before, pace)
}

function placed(plan: Plan): Placed {
  return { ...plan.host, plan, gateway: isOnTheWay(plan.host) }
}

/**
 * The course of a run whose hosts begin as they have a yes; `add` takes their plans, which may be later ones than `planned`,
 * and `drop` that of one that will have none.
 */
export type OpenCourse = Omit<Gathering<Placed>, 'add' | 'drop'> & {
  readonly course: Course<Placed>
  /** What it would be if all had a yes. */
  readonly planned: Course<Placed>
  readonly add: (plans: readonly Plan[]) => void
  readonly drop: (plan: Plan) => void
}

/** The same where a person is still asked: whoever has a yes begins. */
export function openCourse(
  { plans: planned, before, pace }: Pick<Changes, 'plans' | 'before' | 'pace'>,
  onStopped: (why: string) => void,
): OpenCourse {
  const { whole, gathering } = openCourseOf(planned.map(placed), before, { pace, onStopped })
  return {
    ...gathering,
    course: { ...whole, waves: [], later: gathering },
    planned: whole,
    add: (plans) => gathering.add(plans.map(placed)),
    drop: (plan) => gathering.drop(placed(plan)),
  }
}

/** Changes hosts wave by wave, each on record before it begins; every one has a result, always. */
export async function changeHosts(
  { title, run, plans, story, watch, parallel, pace, record, onBug, onLeaving }: Changes,
  course: Course<Placed>,
  conduct: Conduct,
): Promise<readonly HostResult[]> {
  if (plans.length === 0) return []
  const { later } = course
  return await conduct(
    {
      title,
      hosts: later === undefined ? course.waves.flatMap(({ hosts }) => hosts) : plans.map(placed),
      ...(later === undefined ? {} : { total: later.total }),
      parallel,
      story: async ({ name, plan }, telling): Promise<HostResult> =>
        await storyOnRecord(
          {
            host: name,
            run,
            plan,
            record,
            story: async (more) => await story(plan, more),
            onBug: (bug) => onBug(name, bug),
          },
          telling,
        ),
      onEnd: record.ended,
      onLeaving,
    },
    {
      ...course,
      countsAs,
      pauseMs: pace.pauseSeconds * 1000,
      watch: watch === null ? null : ({ plan }, result) => stillWell(run, { plan, result, watch }),
    },
  )
}

/** The way to the others leads through it: through the machine that we are on, every way does. */
function isOnTheWay({ gateway, transport }: Host): boolean {
  return gateway === true || transport === 'local'
}

/** Remembers a host that was changed; later the result that it has by then, where it is well no more. */
async function stillWell(
  run: string,
  { plan, result, watch }: { plan: Plan; result: HostResult; watch: NonNullable<Changes['watch']> },
): Promise<() => Promise<HostResult | null>> {
  const check = await watch(plan).catch((bug: unknown) => async () => ours(bug))
  return async () => {
    const fault = await check().catch(ours)
    if (fault === null || result.status !== 'applied') return null
    const message = `it was applied, but is well no more: ${fault.message}`
    const next = `to take it back: ctfleet rollback ${run} --limit ${result.host}`
    return { ...result, fault: { ...fault, message, next } }
  }
}

/** A bug costs the one host that met it, and never what is known of it. */
function ours(bug: unknown): Fault {
  const said = bug instanceof Error ? (bug.stack ?? bug.message) : String(bug)
  return { code: 'bug', message: `asking it again met a bug of ctfleet: ${said}`, next: 'report it' }
}
