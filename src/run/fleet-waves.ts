import { orAborted, pause } from '../transport/cancel.ts'
import { type CountsAs, newBudget } from './budget.ts'
import type { Discipline, LaterWaves } from './discipline.ts'
import { type Fleet, type Otherwise, STOPPED, type Story, slots, teller } from './fleet.ts'
import { type Placed, takeApart } from './order.ts'
import { someOf } from './wave-sample.ts'
import type { Wave } from './waves.ts'

/** A host that has been at work for so long is waited for no more, where the run can do without it. */
export const STRAGGLER_MS = 60_000
const LOOK_MS = 1000

/**
 * Runs one story per host, wave by wave, and gives every host a result, always.
 *
 * - Within a wave, and from wave to wave, a host begins only while the budget is not spent. Those under way go on to their end.
 * - A wave is over when all its hosts ended, but for stragglers: a host that has been at work for 60 s, and whose failure the
 *   budget could bear, gives its slot away and counts as failed until it ends. It goes on all the same, and has its result.
 *   Hosts of the first of several waves and gateways are always waited for.
 * - Where the first of several waves holds hosts that nobody could reach, the next hosts take their place. What holds for that
 *   wave holds until one host was reached.
 * - A host begins only after its pair's other host ended; with `sparesPairs` not at all when that one failed.
 * - Where more hosts may come later, what holds between two waves holds after each one, and the first wave is the first of several,
 *   as are those after it within its size. Where too many failed of those that came, but not if enough others do, hosts wait.
 * - Between waves there is a pause, then up to ten hosts of the wave are asked whether they are still well. An interruption
 *   ends both at once: nobody begins after it, so the answer would be of no use.
 */
export async function runWaves<H extends Placed, R>(
  { waves, allowance, failedBefore, sparesPairs, countsAs, pauseMs, watch, onNews, later }: Discipline<H, R>,
  fleet: Fleet,
  story: Story<H, R>,
  otherwise: Otherwise<H, R>,
): Promise<readonly R[]> {
  const { parallel, signal } = fleet
  const queue = [...waves]
  // One row for all waves: whoever waited for its pair may begin when its own wave is over.
  const slot = slots(parallel)
  const tell = teller(fleet, story, otherwise)
  const budget = newBudget(() => later?.allowances().soFar ?? allowance, failedBefore)
  const results = new Map<string, R>()
  const atWork = new Map<string, { readonly host: H; readonly ended: Promise<void> }>()
  const stragglers = new Set<string>()
  const failedOfPair = new Map<string, string>()
  let stopped: string | null = null
  let toCome = waves.reduce((sum, { hosts }) => sum + hosts.length, 0)
  let through = 0
  let isTried = false
  let hold: Promise<void> | null = null
  let onSettled = () => {}

  for (let number = 1; ; number++) {
    if (queue.length === 0) await haveMore()
    const wave = queue.shift()
    if (wave === undefined) break
    await untilBorne()
    if (wave.alone) await haveAlone(wave.hosts)
    const of = mayHaveMore() ? null : number + queue.length
    if (mayBegin()) onNews({ type: 'wave', number, of, hosts: wave.hosts.length })
    const isCanary = goesOn() && (!isTried || through < (later?.first() ?? 0))
    const members = isCanary ? await goFirst(wave) : await go(wave.hosts, wave.alone)
    through += members.length
    if (goesOn() && mayBegin()) await askAgain(members, isCanary)
  }
  await everybody()
  return [...results.values()]

  function mayHaveMore(): boolean {
    return later !== undefined && !later.isOver()
  }

  function goesOn(): boolean {
    return queue.length > 0 || mayHaveMore()
  }

  async function haveMore(): Promise<void> {
    const more = later === undefined ? [] : await later.next()
    queue.push(...more)
    toCome += more.reduce((sum, { hosts }) => sum + hosts.length, 0)
  }

  /** Once spent is spent: a straggler that comes home late starts nobody any more. */
  function mayBegin(): boolean {
    if (signal.aborted) return false
    if (stopped !== null) return false
    stopped = budget.spent([...stragglers], mayHaveMore() ? later?.allowances().most : undefined)
    if (stopped !== null) {
      onNews({ type: 'stopped', why: stopped })
      later?.onStopped(stopped)
    }
    return stopped === null
  }

  /** Waits where too many failed of those that came so far, until enough others came, or nobody will. */
  async function untilBorne(): Promise<void> {
    if (later === undefined) return
    hold ??= holding(later).finally(() => {
      hold = null
    })
    await hold
  }

  async function holding({ changed }: LaterWaves<H>): Promise<void> {
    for (let isTold = false; mayBegin() && mayHaveMore(); isTold = true) {
      const why = budget.spent([...stragglers])
      if (why === null) return
      if (!isTold) onNews({ type: 'held', why })
      const { promise: settled, resolve } = withResolver()
      onSettled = resolve
      await orAborted(Promise.race([changed(), settled]), signal)
    }
  }

  function whyNot({ pair }: H): string | null {
    if (!mayBegin()) return signal.aborted || stopped === null ? STOPPED : stoppedText(stopped)
    const failed = pair === undefined || !sparesPairs ? undefined : failedOfPair.get(pair)
    return failed === undefined
      ? null
      : `${failed}, the other host of its pair, failed; look into that, then plan again`
  }

  /** @returns a promise that the wave waits for, which may be kept before the host ended. */
  async function begin(host: H, how: { readonly isCanary: boolean; readonly isWaitedFor: boolean }) {
    const { pair } = host
    // Only a straggler of an earlier wave, or who waits for one; the wave does not wait for those who do.
    const other = pair === undefined ? undefined : [...atWork.values()].findLast((each) => each.host.pair === pair)
    const { promise: ended, resolve } = withResolver()
    atWork.set(host.name, { host, ended })
    if (other === undefined) await slot(() => work(host, how, resolve))
    else void other.ended.then(() => slot(() => work(host, how, resolve)))
  }

  async function work(host: H, { isCanary, isWaitedFor }: Parameters<typeof begin>[1], end: () => void): Promise<void> {
    toCome--
    await untilBorne()
    const why = whyNot(host)
    const settle = (result: R) => {
      atWork.delete(host.name)
      stragglers.delete(host.name)
      results.set(host.name, result)
      note(host, result, isCanary)
      onSettled()
      end()
    }
    if (why !== null) return settle(otherwise(host, { notReached: why }))
    const over = new AbortController()
    const told = tell(host).then((result) => {
      over.abort()
      settle(result)
    })
    await (isWaitedFor ? told : Promise.race([told, untilStraggler(host, over.signal)]))
  }

  async function untilStraggler({ name }: H, over: AbortSignal): Promise<void> {
    await pause(STRAGGLER_MS, over)
    while (!over.aborted && !budget.bears(stragglers.size + 1)) await pause(LOOK_MS, over)
    if (over.aborted) return
    stragglers.add(name)
    if (toCome > 0) onNews({ type: 'straggler', host: name })
  }

  function note(host: H, result: R, isCanary: boolean): void {
    const how = countsAs(result)
    if (how === 'well' || how === 'failed') isTried = true
    if (how !== 'failed' && how !== 'unreachable') return
    // A canary that nobody reached says nothing about the change.
    budget.fail(host.name, isCanary && how === 'failed')
    if (host.pair !== undefined) failedOfPair.set(host.pair, host.name)
  }

  async function go(hosts: readonly H[], isWaitedFor: boolean): Promise<readonly H[]> {
    await Promise.all(hosts.map((host) => begin(host, { isCanary: false, isWaitedFor })))
    return hosts
  }

  async function goFirst(first: Wave<H>): Promise<readonly H[]> {
    const members: H[] = []
    for (let { hosts } = first; hosts.length > 0; ) {
      members.push(...hosts)
      await Promise.all(hosts.map((host) => begin(host, { isCanary: true, isWaitedFor: true })))
      const missing = hosts.filter((host) => !wasReached(host))
      hosts = missing.length > 0 && mayBegin() && !first.alone ? await nextInstead(missing.length, members) : []
      if (hosts.length > 0) onNews({ type: 'instead', missing: namesOf(missing), hosts: namesOf(hosts) })
    }
    return members
  }

  /** The first hosts of the waves to come; gateways keep their place. */
  async function nextInstead(most: number, members: readonly H[]): Promise<readonly H[]> {
    // Where pairs are not spared, the other host of a pair may well go now: those before it have ended.
    const apart = sparesPairs ? members : []
    const { taken } = takeApart(
      queue.flatMap(({ hosts, alone }) => (alone ? [] : hosts)),
      most,
      apart,
    )
    const left = queue.map(({ hosts, alone }) => ({ hosts: hosts.filter((host) => !taken.includes(host)), alone }))
    queue.splice(0, queue.length, ...left.filter(({ hosts }) => hosts.length > 0))
    if (taken.length > 0 || later === undefined) return taken
    const more = await later.instead(members.filter(wasReached).length, apart)
    toCome += more.length
    return more
  }

  function wasReached(host: H): boolean {
    const how = countsNow(host)
    return how === 'well' || how === 'failed'
  }

  function countsNow({ name }: H): CountsAs {
    const result = results.get(name)
    return result === undefined ? 'not-begun' : countsAs(result)
  }

  async function askAgain(members: readonly H[], isCanary: boolean): Promise<void> {
    const well = members.filter((host) => watch !== null && countsNow(host) === 'well')
    const chosen = someOf(well)
    const watched = await Promise.all(
      chosen.flatMap((host) => {
        const result = results.get(host.name)
        return watch === null || result === undefined ? [] : [watch(host, result).then((check) => ({ host, check }))]
      }),
    )
    if (signal.aborted) return
    onNews({ type: 'pause', ms: pauseMs, hosts: namesOf(chosen) })
    await pause(pauseMs, signal)
    if (signal.aborted) return
    const asked = watched.map(async ({ host, check }) => {
      const result = await check()
      if (result === null || signal.aborted) return
      results.set(host.name, result)
      note(host, result, isCanary)
    })
    await orAborted(Promise.all(asked), signal)
  }

  async function haveAlone(hosts: readonly H[]): Promise<void> {
    if (atWork.size > 0 && mayBegin()) onNews({ type: 'waiting', hosts: namesOf(hosts), for: [...atWork.keys()] })
    await everybody()
  }

  async function everybody(): Promise<void> {
    await Promise.all([...atWork.values()].map(({ ended }) => ended))
  }
}

/** Why a host was not begun, for whoever reads its result. */
export function stoppedText(why: string): string {
  return `the run was stopped: ${why}; look into that, then plan again`
}

function namesOf(hosts: readonly Placed[]): readonly string[] {
  return hosts.map(({ name }) => name)
}

function withResolver(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = () => {}
  const promise = new Promise<void>((done) => {
    resolve = done
  })
  return { promise, resolve }
}
