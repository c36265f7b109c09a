import { counted, duration } from '../diagnosis/numbers.ts'
import type { HostResult } from '../model/result.ts'
import { visible } from '../report/format.ts'
import { listed } from '../report/text/listed.ts'
import { newBudget } from '../run/budget.ts'
import { type Course, courseOf, PAUSE_SECONDS, type Pace } from '../run/course.ts'
import type { Placed } from '../run/order.ts'
import { secondsFrom, shareFrom, wavesFrom } from './arguments.ts'
import { checkAll } from './checks.ts'

/** How fast a fleet is changed, as it was typed. */
export type PaceWords = {
  readonly waves: string | undefined
  readonly maxFail: string | undefined
  readonly pause: string | undefined
}

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
  const spent = newBudget(() => allowance, failed).spent([])
  if (failed.length === 0) return { spent, lines: [] }
  const who = `${counted(failed.length, 'host', 'hosts')} failed already (${listed(failed.map(visible), 3)})`
  if (spent === null) {
    return { spent, lines: [`${who}; with more than ${allowance.all} no further host begins (--max-fail).`] }
  }
  const without = planned.length <= 5 ? `; or without them: --limit ${planned.map(visible).join(',')}` : ''
  const next = `To go on all the same: the same command with --max-fail ${failed.length}${without}`
  return { spent, lines: [`Nothing was changed: ${visible(spent)}.`, next] }
}

/** What a person is told who is asked while hosts that have a yes begin; `course` as if all had one. */
export function openCourseLines(course: Course<Placed>, { pauseSeconds, maxFail }: Pace): readonly string[] {
  const { sizes, last, pause } = wavesText(course, pauseSeconds)
  const isOneByOne = course.waves.every(({ hosts }) => hosts.length === 1)
  const how = isOneByOne ? 'one host at a time' : `in waves of at most ${sizes} hosts`
  const waves = course.waves.length < 2 ? '' : `, ${how}${last}${pause}`
  const stop = stopText(course)
  const isPart = maxFail === null ? course.allowance.all > 1 : 'percent' in maxFail
  const fewer = stop !== '' && isPart ? ' Where fewer have a yes, fewer may fail.' : ''
  return [`A host with a yes begins while you answer for the others${waves}.${stop}${fewer}`]
}

/** `In 3 waves of 1, 5 and 6 hosts, 5 s between them. It stops when …`; nothing where all go at once. */
export function courseLines(course: Course<Placed>, { pauseSeconds }: Pace): readonly string[] {
  if (course.waves.length < 2) return []
  const { sizes, last, pause } = wavesText(course, pauseSeconds)
  return [`In ${course.waves.length} waves of ${sizes} hosts${last}${pause}.${stopText(course)}`]
}

function wavesText({ waves }: Course<Placed>, pauseSeconds: number) {
  const alone = waves.flatMap((wave) => (wave.alone ? wave.hosts.map(({ name }) => visible(name)) : []))
  return {
    sizes: listed(
      waves.map(({ hosts }) => String(hosts.length)),
      7,
    ),
    last: alone.length === 0 ? '' : ` (${listed(alone, 3)} last, ${alone.length === 1 ? 'alone' : 'each alone'})`,
    pause: pauseSeconds === 0 ? '' : `, ${duration(pauseSeconds)} between them`,
  }
}

/** When no further host begins; nothing where that can never be. */
function stopText({ waves, allowance: { canary, all }, failedBefore }: Course<unknown>): string {
  const hosts = waves.reduce((sum, wave) => sum + wave.hosts.length, 0) + failedBefore.length
  if (all >= hosts) return ''
  if (all === 0) return ' It stops when one fails.'
  const already = failedBefore.length === 0 ? '' : ` (${failedBefore.length} did already)`
  const most = counted(all, 'host', 'hosts')
  const first = waves[0]?.hosts.length ?? 0
  // With none of the first wave failed, so few are left that it comes to no more.
  if (canary === 0 && hosts - first <= all) return ' It stops when one of the first wave fails.'
  return canary < all
    ? ` It stops when one of the first wave fails, or more than ${most} in all.`
    : ` It stops when more than ${most} failed${already}.`
}
