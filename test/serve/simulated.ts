import type { Times } from '../../src/model/schedule.ts'
import { type Answer, type Effect, type News, watch } from '../../src/serve/watch.ts'

/** Several processes on one machine, whose clock may be set and which may be suspended; all of it in simulated time. */
export type Happening =
  | { readonly at: number; readonly type: 'crash' | 'start'; readonly who: number }
  /** The clock is set by so many milliseconds. */
  | { readonly at: number; readonly type: 'jump'; readonly by: number }
  /** Nothing runs for so long, and the clock goes on. */
  | { readonly at: number; readonly type: 'suspend'; readonly for: number }
  /** The process ends between two effects, the next time that it is about to do this. */
  | { readonly at: number; readonly type: 'crash-before'; readonly who: number; readonly effect: Effect['do'] }

export type World = {
  readonly times: Times
  readonly delayOf?: (due: number) => number
  readonly catchUp?: boolean
  readonly lease: number
  /** How long the nth audit takes, in milliseconds of running time. */
  readonly takes: (nth: number) => number
  readonly fails?: (nth: number) => boolean
  readonly from: number
  readonly until: number
  readonly processes: number
  /** Those that do not run from the beginning. */
  readonly later?: readonly number[]
  readonly happenings: readonly Happening[]
}

export type Trace = {
  /** In the order of keeping. `wall`: when. */
  readonly kept: readonly { readonly due: number; readonly wall: number; readonly by: number }[]
  readonly begun: readonly { readonly due: number; readonly wall: number; readonly by: number }[]
  readonly overlaps: number
  readonly news: readonly (News & { readonly by: number; readonly wall: number })[]
  readonly crashes: readonly { readonly who: number; readonly before: Effect['do']; readonly wall: number }[]
}

type Life = {
  readonly work: ReturnType<typeof watch>
  wakes: number
  auditEnds: number | null
  fails: boolean
  auditing: number | null
  waiting: Effect | null
  dies: Effect['do'] | null
}

/** @returns what came of it, in wall-clock time. */
export function simulate(world: World): Trace {
  const { times, delayOf = () => 0, catchUp = true, lease } = world
  const kept: Trace['kept'][number][] = []
  const begun: Trace['begun'][number][] = []
  const news: Trace['news'][number][] = []
  const crashes: Trace['crashes'][number][] = []
  const record = new Map<number, { by: number; until: number; done: boolean }>()
  const lives = new Map<number, Life>()
  let latest = Number.NEGATIVE_INFINITY
  let running = 0
  let offset = world.from
  let audits = 0
  let overlaps = 0
  const wall = () => running + offset

  const start = (who: number) => {
    // One that runs still is begun anew.
    if (lives.has(who)) crashes.push({ who, before: 'sleep', wall: wall() })
    const work = watch({ rules: { times, delayOf, catchUp }, lease })
    lives.set(who, {
      work,
      wakes: running,
      auditEnds: null,
      fails: false,
      auditing: null,
      waiting: null,
      dies: null,
    })
  }

  /** Does effect after effect until one takes time. */
  const pump = (who: number, life: Life) => {
    let answer: Answer | undefined
    if (life.waiting?.do === 'await') {
      const isOver = life.auditEnds !== null && life.auditEnds <= running
      answer = isOver ? (life.fails ? { failed: 'as the world wants it' } : 'ended') : 'going'
      if (isOver) life.auditEnds = null
      if (isOver && life.fails) life.auditing = null
    }
    life.waiting = null
    for (;;) {
      const { value: effect } = life.work.next(answer as Answer)
      answer = undefined
      if (life.dies === effect.do) {
        crashes.push({ who, before: effect.do, wall: wall() })
        lives.delete(who)
        return
      }
      switch (effect.do) {
        case 'now':
          answer = wall()
          break
        case 'sleep':
          life.waiting = effect
          life.wakes = running + effect.ms
          return
        case 'latest': {
          const its = record.get(latest)
          if (its === undefined) answer = null
          else answer = { at: latest, state: its.done ? 'done' : its.until > effect.now ? 'held' : 'abandoned' }
          break
        }
        case 'claim': {
          const its = record.get(effect.due)
          if (its?.done === true) answer = 'done'
          else if (its !== undefined && its.until > effect.now && its.by !== idOf(life)) answer = 'held'
          else {
            record.set(effect.due, { by: idOf(life), until: effect.until, done: false })
            latest = Math.max(latest, effect.due)
            answer = 'mine'
          }
          break
        }
        case 'hold': {
          const its = record.get(effect.due)
          answer = its !== undefined && !its.done && its.by === idOf(life)
          if (answer === true && its !== undefined) its.until = effect.until
          break
        }
        case 'audit':
          if ([...lives.values()].some((other) => other !== life && other.auditing !== null)) overlaps++
          begun.push({ due: effect.due, wall: wall(), by: who })
          life.auditing = effect.due
          life.fails = world.fails?.(audits) ?? false
          life.auditEnds = running + world.takes(audits++)
          break
        case 'await':
          life.waiting = effect
          life.wakes = Math.min(running + effect.ms, life.auditEnds ?? Number.POSITIVE_INFINITY)
          return
        case 'keep': {
          const its = record.get(effect.due)
          life.auditing = null
          answer = its?.done !== true
          if (answer === true) {
            record.set(effect.due, { by: idOf(life), until: 0, done: true })
            kept.push({ due: effect.due, wall: wall(), by: who })
          }
          break
        }
        case 'give-up':
          life.auditing = null
          life.auditEnds = null
          break
        case 'tell':
          news.push({ ...effect.news, by: who, wall: wall() })
          break
      }
    }
  }

  for (let who = 0; who < world.processes; who++) if (!(world.later ?? []).includes(who)) start(who)
  const coming = [...world.happenings].sort((a, b) => a.at - b.at)
  const end = world.until - world.from
  for (;;) {
    let nextLife: readonly [number, Life] | undefined
    for (const each of lives) if (nextLife === undefined || each[1].wakes < nextLife[1].wakes) nextLife = each
    const wakes = nextLife?.[1].wakes ?? Number.POSITIVE_INFINITY
    const happening = coming[0]
    if (happening !== undefined && happening.at <= wakes) {
      if (happening.at > end) break
      running = Math.max(running, happening.at)
      coming.shift()
      switch (happening.type) {
        case 'crash':
          if (lives.delete(happening.who)) crashes.push({ who: happening.who, before: 'sleep', wall: wall() })
          break
        case 'start':
          start(happening.who)
          break
        case 'jump':
          offset += happening.by
          break
        case 'suspend':
          offset += happening.for
          break
        case 'crash-before': {
          const life = lives.get(happening.who)
          if (life !== undefined) life.dies = happening.effect
          break
        }
      }
      continue
    }
    if (nextLife === undefined || wakes > end) break
    running = Math.max(running, wakes)
    pump(...nextLife)
  }
  return { kept, begun, overlaps, news, crashes }
}

const ids = new WeakMap<Life, number>()
let lastId = 0

/** A process that begins anew is another one. */
function idOf(life: Life): number {
  const known = ids.get(life) ?? ++lastId
  ids.set(life, known)
  return known
}
