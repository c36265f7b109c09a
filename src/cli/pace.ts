import { counted, duration } from '../diagnosis/numbers.ts'
import type { HostResult } from '../model/result.ts'
import { visible } from '../report/format.ts'
import { listed } from '../report/text/listed.ts'
import { type Allowance, allowanceFor, newBudget } from '../run/budget.ts'
import type { Placed } from '../run/order.ts'
import { type Share, usualSizes, type Wave, wavesOf } from '../run/waves.ts'
import { secondsFrom, shareFrom, wavesFrom } from './arguments.ts'
import { checkAll } from './checks.ts'

/** How fast a fleet is changed, as it was typed. */
export type PaceWords = {
  readonly waves: string | undefined
  readonly maxFail: string | undefined
  readonly pause: string | undefined
}

/** `waves`: null for the usual ones of a fleet's size. `maxFail`: null for the usual allowance. */
export type Pace = {
  readonly waves: readonly Share[] | null
  readonly maxFail: Share | null
  readonly pauseSeconds: number
  /** A host is left alone once the other host of its pair failed. */
  readonly sparesPairs: boolean
}

/**
 * Long enough for what puts settings back or dies of a change to have done so (a supervisor, a health check), and a cost of
 * 15 s in a run of four waves.
 */
const PAUSE_SECONDS = 5

/** @throws InputError with every mistake. */
export async function paceFrom({ waves, maxFail, pause }: PaceWords): Promise<Pace> {
  return await checkAll({
    waves: () => (waves === undefined ? null : wavesFrom(waves)),
    maxFail: () => (maxFail === undefined ? null : shareFrom('--max-fail', maxFail, 0)),
    pauseSeconds: () =>
      pause === undefined ? PAUSE_SECONDS : secondsFrom('--pause', pause, { least: 0, most: 86_400 }),
    sparesPairs: () => true,
  })
}

/**
 * A rollback goes to all hosts at once and as far as it gets, unless the operator says otherwise. It leads back to what was
 * there before, so it goes to a host whose pair's other host is lost more than ever.
 */
export async function rollbackPaceFrom({ waves = '100%', maxFail = '100%', pause = '0' }: PaceWords): Promise<Pace> {
  return { ...(await paceFrom({ waves, maxFail, pause })), sparesPairs: false }
}

export type Course<H> = {
  readonly waves: readonly Wave<H>[]
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

/** Hosts that failed before any is changed: why none may begin by now, or how near to that it is. */
export type FailedBefore = {
  /** Null where hosts may begin. */
  readonly spent: string | null
  readonly lines: readonly string[]
}

/** @param planned hosts that wait for a yes, by name: nobody is to be asked for them in vain. */
export function failedBefore(planned: readonly string[], before: readonly HostResult[], pace: Pace): FailedBefore {
  if (planned.length === 0) return { spent: null, lines: [] }
  const hosts = planned.map((name) => ({ name, groups: [] }))
  const { allowance, failedBefore: failed } = courseOf(hosts, before, pace)
  const spent = newBudget(allowance, failed).spent([])
  if (failed.length === 0) return { spent, lines: [] }
  const who = `${counted(failed.length, 'host', 'hosts')} failed already (${listed(failed.map(visible), 3)})`
  if (spent === null) {
    return { spent, lines: [`${who}; with more than ${allowance.all} no further host begins (--max-fail).`] }
  }
  const without = planned.length <= 5 ? `; or without them: --limit ${planned.map(visible).join(',')}` : ''
  const next = `To go on all the same: the same command with --max-fail ${failed.length}${without}`
  return { spent, lines: [`Nothing was changed: ${visible(spent)}.`, next] }
}

/** That no strategy fits a host is a finding about it, and no failure of the run. */
function isTrouble({ status }: HostResult): boolean {
  return status === 'unreachable' || status === 'failed'
}

/** `In 3 waves of 1, 5 and 6 hosts, 5 s between them. It stops when …`; nothing where all go at once. */
export function courseLines(course: Course<Placed>, { pauseSeconds }: Pace): readonly string[] {
  const { waves } = course
  if (waves.length < 2) return []
  const sizes = listed(
    waves.map(({ hosts }) => String(hosts.length)),
    7,
  )
  const alone = waves.flatMap((wave) => (wave.alone ? wave.hosts.map(({ name }) => visible(name)) : []))
  const last = alone.length === 0 ? '' : ` (${listed(alone, 3)} last, ${alone.length === 1 ? 'alone' : 'each alone'})`
  const pause = pauseSeconds === 0 ? '' : `, ${duration(pauseSeconds)} between them`
  return [`In ${waves.length} waves of ${sizes} hosts${last}${pause}.${stopText(course)}`]
}

/** When no further host begins; nothing where that can never be. */
function stopText({ waves, allowance: { canary, all }, failedBefore }: Course<unknown>): string {
  const hosts = waves.reduce((sum, wave) => sum + wave.hosts.length, 0) + failedBefore.length
  if (all >= hosts) return ''
  if (all === 0) return ' It stops when one fails.'
  const already = failedBefore.length === 0 ? '' : ` (${failedBefore.length} did already)`
  const most = counted(all, 'host', 'hosts')
  return canary < all
    ? ` It stops when one of the first wave fails, or more than ${most} in all.`
    : ` It stops when more than ${most} failed${already}.`
}
