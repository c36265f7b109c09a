import { counted, duration } from '../diagnosis/numbers.ts'
import type { HostResult } from '../model/result.ts'
import { type Allowance, allowanceFor } from '../run/budget.ts'
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
  })
}

/** A rollback goes to all hosts at once and as far as it gets, unless the operator says otherwise. */
export async function rollbackPaceFrom(words: PaceWords): Promise<Pace> {
  return await paceFrom({ ...words, waves: words.waves ?? '100%', maxFail: words.maxFail ?? '100%' })
}

export type Course<H> = {
  readonly waves: readonly Wave<H>[]
  readonly allowance: Allowance
  readonly failedBefore: readonly string[]
}

/**
 * The course of a run over the hosts that are to be changed. Where the operator says how many may fail, those that could not
 * even be planned count, and percentages are of both together; otherwise the run is about those that it changes.
 */
export function courseOf<H extends Placed>(
  hosts: readonly H[],
  before: readonly HostResult[],
  { waves: sizes, maxFail }: Pace,
): Course<H> {
  const waves = wavesOf(hosts, sizes ?? usualSizes(hosts.length))
  const failedBefore = maxFail === null ? [] : before.filter(isTrouble).map(({ host }) => host)
  return { waves, failedBefore, allowance: allowanceFor(maxFail, hosts.length + failedBefore.length, waves.length) }
}

/** That no strategy fits a host is a finding about it, and no failure of the run. */
function isTrouble({ status }: HostResult): boolean {
  return status === 'unreachable' || status === 'failed'
}

/** `In 3 waves of 1, 5 and 6 hosts, 5 s between them; stops when …`; nothing where all go at once. */
export function courseLines({ waves, allowance }: Course<unknown>, { pauseSeconds }: Pace): readonly string[] {
  if (waves.length < 2) return []
  const sizes = waves.map(({ hosts }) => String(hosts.length))
  const shown = sizes.length > 8 ? [...sizes.slice(0, 7), `${sizes.length - 7} more`] : sizes
  const pause = pauseSeconds === 0 ? '' : `, ${duration(pauseSeconds)} between them`
  const stops =
    allowance.canary < allowance.all
      ? `when one of the first wave fails, or more than ${counted(allowance.all, 'host', 'hosts')}`
      : `when more than ${counted(allowance.all, 'host', 'hosts')} failed`
  return [`In ${waves.length} waves of ${shown.join(', ')} hosts${pause}. It stops ${stops}.`]
}
