import type { HostResult } from '../model/result.ts'
import { type Gathering, gather } from './as-approved.ts'
import { type Allowance, allowanceFor } from './budget.ts'
import type { LaterWaves } from './discipline.ts'
import type { Placed } from './order.ts'
import { type Share, usualSizes, type Wave, wavesOf } from './waves.ts'

/** `allowance`: where hosts come later, that of all that may. */
export type Course<H> = {
  readonly waves: readonly Wave<H>[]
  /** Waves that come after these, as hosts have a yes; absent: these are all. */
  readonly later?: LaterWaves<H> | undefined
  readonly allowance: Allowance
  readonly failedBefore: readonly string[]
  readonly sparesPairs: boolean
}

/**
 * The course of a run over the hosts that are to be changed. Where the operator says how many may fail, those that could not
 * even be planned count, and percentages are of both together; otherwise the run is about those that it changes.
 */
export function courseOf<H extends Placed>(
  hosts: readonly H[],
  before: readonly HostResult[],
  { waves: sizes, maxFail, sparesPairs }: Pace,
): Course<H> {
  const waves = wavesOf(hosts, sizes ?? usualSizes(hosts.length))
  const failedBefore = maxFail === null ? [] : before.filter(isTrouble).map(({ host }) => host)
  const allowance = allowanceFor(maxFail, hosts.length + failedBefore.length, waves.length)
  return { waves, allowance, failedBefore, sparesPairs }
}

/** The course of a run whose hosts begin as they have a yes: what holds for waves and failures holds for those that have one. */
export function openCourseOf<H extends Placed>(
  planned: readonly H[],
  before: readonly HostResult[],
  { pace, onStopped }: { readonly pace: Pace; readonly onStopped: (why: string) => void },
): { readonly whole: Course<H>; readonly gathering: Gathering<H> } {
  const whole = courseOf(planned, before, pace)
  const sizes = pace.waves ?? usualSizes(planned.length)
  const allowanceOf = (hosts: number) =>
    allowanceFor(pace.maxFail, hosts + whole.failedBefore.length, whole.waves.length)
  return { whole, gathering: gather(planned, { sizes, allowanceOf }, onStopped) }
}

/** How fast a fleet is changed. `waves`: null for the usual ones of a fleet's size. `maxFail`: null for the usual allowance. */
export type Pace = {
  readonly waves: readonly Share[] | null
  readonly maxFail: Share | null
  readonly pauseSeconds: number
  /** A host is left alone once the other host of its pair failed. */
  readonly sparesPairs: boolean
}

/**
 * Between two waves. Long enough for what puts settings back or dies of a change to have done so (a supervisor, a health
 * check), and a cost of 15 s in a run of four waves.
 */
export const PAUSE_SECONDS = 5

/** That no strategy fits a host is a finding about it, and no failure of the run. */
function isTrouble({ status }: HostResult): boolean {
  return status === 'unreachable' || status === 'failed'
}
