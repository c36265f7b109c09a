import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Times } from '../../src/model/schedule.ts'
import { timesOf } from '../../src/serve/cron.ts'
import { LONGEST_SLEEP } from '../../src/serve/watch.ts'
import { type Happening, simulate, type Trace, type World } from './simulated.ts'

const SEED = 20261126
const MINUTE = 60_000
const HOUR = 60 * MINUTE
const WEEK = 7 * 24 * HOUR
const LEASE = 2 * MINUTE
/** Two hundred weeks take seconds, and more on a machine that is busy. */
const WEEKS = { timeout: 120_000 }

/** Weeks around a change of the clock, and one without. */
const PLACES = [
  ['Europe/Berlin', '2026-03-26T00:00:00Z'],
  ['Europe/Berlin', '2026-10-22T00:00:00Z'],
  ['America/New_York', '2026-03-05T00:00:00Z'],
  ['America/New_York', '2026-10-29T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-04-02T00:00:00Z'],
  ['Australia/Lord_Howe', '2026-10-01T00:00:00Z'],
  ['UTC', '2026-06-01T00:00:00Z'],
] as const
const EXPRESSIONS = ['30 2 * * *', '0 */6 * * *', '*/30 * * * *', '10 1,2,3 * * *', '0 6 * * MON-FRI'] as const

/** Due times of a place and half a year before and after, listed once: what they are is cron's matter. */
const TIMES = new Map<string, Times>(
  PLACES.flatMap(([zone, from]) =>
    EXPRESSIONS.map((cron) => [`${zone} ${from} ${cron}`, listed({ zone, cron, from: Date.parse(from) })] as const),
  ),
)

const weeks = fc.record({
  place: fc.constantFrom(...PLACES),
  cron: fc.constantFrom(...EXPRESSIONS),
  processes: fc.integer({ min: 1, max: 3 }),
  lasts: fc.integer({ min: 5_000, max: 8 * MINUTE }),
})

type Week = { place: (typeof PLACES)[number]; cron: string; processes: number; lasts: number }

function worldOf({ place, cron, processes, lasts }: Week, happenings: readonly Happening[], more: Partial<World> = {}) {
  const [zone, start] = place
  const times = TIMES.get(`${zone} ${start} ${cron}`)
  if (times === undefined) throw new Error('no such place')
  const from = Date.parse(start)
  const world = { times, lease: LEASE, takes: () => lasts, from, until: from + WEEK, processes, happenings }
  return { ...world, ...more }
}

const anyTime = fc.integer({ min: MINUTE, max: WEEK - 2 * HOUR })
const who = fc.integer({ min: 0, max: 2 })

describe('a week in which nothing happens', () => {
  test('every due time has one audit, begun once, whoever of the processes made it', WEEKS, () => {
    let seen = 0
    fc.assert(
      fc.property(weeks, (week) => {
        const world = worldOf(week, [])
        const trace = simulate(world)
        // The one before the beginning is made up for; one that is under way at the end is not kept yet.
        const due = [world.times.last(world.from), ...dueIn(world)].filter((at) => at !== null)
        const over = due.filter((at) => at + week.lasts + LONGEST_SLEEP + LEASE < world.until)
        expect(trace.kept.map((each) => each.due).slice(0, over.length)).toEqual(over)
        expect(new Set(trace.begun.map((each) => each.due)).size).toBe(trace.begun.length)
        expect(trace.overlaps).toBe(0)
        seen++
      }),
      { seed: SEED, numRuns: 30 },
    )
    expect(seen).toBe(30)
  })

  test('no audit begins before its time, and none later than the longest sleep after it', WEEKS, () => {
    fc.assert(
      fc.property(weeks, fc.integer({ min: 0, max: 9 * MINUTE }), (week, jitter) => {
        const delayOf = (due: number) => (due / 1000) % (jitter + 1)
        const trace = simulate(worldOf(week, [], { delayOf }))
        for (const { due, wall } of trace.begun.slice(1)) {
          expect(wall).toBeGreaterThanOrEqual(due + delayOf(due))
          expect(wall).toBeLessThanOrEqual(due + delayOf(due) + LONGEST_SLEEP)
        }
      }),
      { seed: SEED, numRuns: 20 },
    )
  })
})

describe('weeks in which things happen', () => {
  const crashes = fc.array(
    fc.oneof(
      fc.record({ at: anyTime, type: fc.constant('crash' as const), who }),
      fc.record({ at: anyTime, type: fc.constant('start' as const), who }),
      fc.record({
        at: anyTime,
        type: fc.constant('crash-before' as const),
        who,
        // Between claim and run, between run and record, and at each step between.
        effect: fc.constantFrom('claim', 'audit', 'await', 'hold', 'keep', 'tell', 'sleep', 'latest'),
      }),
      fc.record({ at: anyTime, type: fc.constant('suspend' as const), for: fc.integer({ min: 1000, max: 50 * HOUR }) }),
    ),
    { maxLength: 40 },
  )
  const jumps = fc.array(
    fc.record({ at: anyTime, type: fc.constant('jump' as const), by: fc.integer({ min: -30 * HOUR, max: 30 * HOUR }) }),
    { maxLength: 4 },
  )

  test('none is on record twice; none is begun twice but after a crash or a suspension', WEEKS, () => {
    let doubled = 0
    fc.assert(
      fc.property(weeks, crashes, jumps, (week, happened, jumped) => {
        const trace = simulate(worldOf(week, [...happened, ...jumped]))
        const kept = trace.kept.map(({ due }) => due)
        expect(new Set(kept).size).toBe(kept.length)
        const again = trace.begun.length - new Set(trace.begun.map(({ due }) => due)).size
        expect(again).toBeLessThanOrEqual(happened.length + jumped.length)
        doubled += again
      }),
      { seed: SEED, numRuns: 50 },
    )
    // Otherwise this law would hold of a world in which nobody dies in the middle.
    expect(doubled).toBeGreaterThanOrEqual(5)
  })

  test(
    'none is lost: once somebody has been there for a while, the last due time or a later one is on record',
    WEEKS,
    () => {
      let checked = 0
      fc.assert(
        fc.property(weeks, crashes, (week, happened) => {
          const starts = Array.from({ length: week.processes }, (_, each) => each)
          const world = worldOf(week, [...happened, { at: WEEK - 90 * MINUTE, type: 'start', who: 0 }])
          const trace = simulate(world)
          for (const { from, until } of calm(world, starts, happened)) {
            const bound = boundOf(week)
            for (let at = from + bound; at <= until; at += 7 * MINUTE) {
              const due = world.times.last(at - bound)
              if (due === null) continue
              const there = trace.kept.some((each) => each.due >= due && each.wall <= at)
              if (!there) throw new Error(`at ${iso(at)} that of ${iso(due)} is missing: ${told(trace)}`)
              checked++
            }
          }
        }),
        { seed: SEED, numRuns: 50 },
      )
      expect(checked).toBeGreaterThan(2500)
    },
  )

  test('a clock that is set, back or ahead, costs no due time that comes after', WEEKS, () => {
    let checked = 0
    fc.assert(
      fc.property(weeks, jumps, (week, jumped) => {
        const world = worldOf({ ...week, processes: 1 }, jumped)
        const trace = simulate(world)
        const [last = 0] = jumped.map(({ at }) => at).sort((a, b) => b - a)
        const set = jumped.reduce((sum, { by }) => sum + by, 0)
        const from = world.from + set + last + boundOf(week)
        const until = world.until + set - boundOf(week)
        for (let due = world.times.next(from); due !== null && due < until; due = world.times.next(due)) {
          // Right before one that had its audit the first time round it is passed over, as after a clock's small correction.
          const after = world.times.next(due)
          const there = trace.kept.some((each) => each.due === due || each.due === after)
          if (!there) throw new Error(`that of ${iso(due)} is missing: ${told(trace)}`)
          checked++
        }
      }),
      { seed: SEED, numRuns: 50 },
    )
    expect(checked).toBeGreaterThan(1000)
  })

  test('a record from the far future does not silence the watch', () => {
    const world = worldOf({ place: PLACES[0], cron: '0 */6 * * *', processes: 1, lasts: MINUTE }, [
      { at: HOUR, type: 'jump', by: 20 * 24 * HOUR },
      { at: 2 * HOUR, type: 'jump', by: -20 * 24 * HOUR },
    ])
    const trace = simulate(world)
    expect(trace.kept.filter(({ due }) => due > world.from && due < world.until)).toHaveLength(dueIn(world).length)
  })
})

test('after days of downtime there is one audit, for the last of the times that passed', () => {
  const world = worldOf({ place: PLACES[6], cron: '0 */6 * * *', processes: 1, lasts: MINUTE }, [
    { at: 12 * HOUR + 5 * MINUTE, type: 'crash', who: 0 },
    { at: 73 * HOUR, type: 'start', who: 0 },
  ])
  const { kept } = simulate({ ...world, until: world.from + 77 * HOUR })
  expect(kept.map(({ due }) => (due - world.from) / HOUR)).toEqual([0, 6, 12, 72])
})

test('the first audit ever is late for nobody, and one that is made up for is', () => {
  const world = worldOf({ place: PLACES[6], cron: '0 */6 * * *', processes: 1, lasts: MINUTE }, [
    { at: 12 * HOUR + 5 * MINUTE, type: 'crash', who: 0 },
    { at: 73 * HOUR, type: 'start', who: 0 },
  ])
  const { news } = simulate({ ...world, until: world.from + 77 * HOUR })
  const late = news.flatMap((each) => (each.type === 'taken' ? [each.late] : []))
  expect(late.map((each) => each !== null && each >= HOUR)).toEqual([false, false, false, true])
  expect(late.map((each) => each === null)).toEqual([true, false, false, false])
})

test('without catching up there is none for what passed, and the next one is in time', () => {
  const world = worldOf({ place: PLACES[6], cron: '0 */6 * * *', processes: 1, lasts: MINUTE }, [
    { at: 12 * HOUR + 5 * MINUTE, type: 'crash', who: 0 },
    { at: 73 * HOUR, type: 'start', who: 0 },
  ])
  const { kept } = simulate({ ...world, catchUp: false, until: world.from + 79 * HOUR })
  expect(kept.map(({ due }) => (due - world.from) / HOUR)).toEqual([0, 6, 12, 78])
})

test('an audit that takes longer than the time between two is not overlapped, and those it missed are one', () => {
  const world = worldOf({ place: PLACES[6], cron: '*/30 * * * *', processes: 3, lasts: 100 * MINUTE }, [])
  const trace = simulate({ ...world, until: world.from + 9.9 * HOUR })
  expect(trace.overlaps).toBe(0)
  expect(trace.kept.map(({ due }) => (due - world.from) / MINUTE)).toEqual([0, 90, 180, 300, 390])
})

test('an audit that fails is tried again, less and less often, until it is well or the next one is due', () => {
  const world = worldOf({ place: PLACES[6], cron: '0 */6 * * *', processes: 1, lasts: 1000 }, [])
  const trace = simulate({ ...world, fails: (nth) => nth < 4, until: world.from + 5 * HOUR })
  expect(trace.kept.map(({ due }) => due)).toEqual([world.from])
  const tries = trace.begun.map(({ wall }) => wall - world.from)
  expect(tries).toHaveLength(5)
  const gaps = tries.slice(1).map((at, index) => at - (tries[index] ?? 0))
  for (const [index, gap] of gaps.entries())
    expect(gap).toBeGreaterThanOrEqual(Math.max(LEASE, gaps[index - 1] ?? 0) - 1000)
  const always = simulate({ ...world, fails: () => true })
  expect(always.kept).toEqual([])
  expect(always.begun.length).toBeLessThan((WEEK / (15 * MINUTE)) * 1.2)
})

/** Longest way from a due time to its audit on record: a claim that died, our own look, two audits in a row. */
function boundOf({ lasts }: Week): number {
  return 2 * LEASE + 3 * LONGEST_SLEEP + 2 * lasts + MINUTE
}

/** Wall-clock spans in which somebody runs and nothing happens. */
function calm(world: World, starts: readonly number[], happened: readonly Happening[]) {
  const events = [...happened, { at: WEEK - 90 * MINUTE, type: 'start' as const, who: 0 }].sort((a, b) => a.at - b.at)
  // A process that is to crash before an effect may have crashed at any time since.
  const alive = new Set(starts)
  let offset = world.from
  let since = 0
  const spans: { from: number; until: number }[] = []
  for (const event of [...events, null]) {
    const at = event?.at ?? WEEK
    if (alive.size > 0) spans.push({ from: since + offset, until: at + offset })
    since = at
    if (event?.type === 'start') alive.add(event.who)
    else if (event?.type === 'crash' || event?.type === 'crash-before') alive.delete(event.who)
    else if (event?.type === 'suspend') offset += event.for
  }
  return spans
}

function dueIn({ times, from, until }: World): readonly number[] {
  const all = []
  for (let at = times.next(from); at !== null && at < until; at = times.next(at)) all.push(at)
  return all
}

function listed({ zone, cron, from }: { zone: string; cron: string; from: number }): Times {
  const made = timesOf({ cron, timezone: zone })
  if ('problem' in made) throw new Error(made.problem)
  const all: number[] = []
  for (let at = made.next(from - 6 * WEEK); at !== null && at < from + 8 * WEEK; at = made.next(at)) all.push(at)
  const after = (at: number) => {
    let [low, high] = [0, all.length]
    while (low < high) {
      const middle = (low + high) >> 1
      if ((all[middle] ?? 0) > at) high = middle
      else low = middle + 1
    }
    return low
  }
  return { next: (at) => all[after(at)] ?? null, last: (at) => all[after(at) - 1] ?? null }
}

function iso(at: number): string {
  return new Date(at).toISOString()
}

function told({ kept, crashes }: Trace): string {
  const lines = [
    ...kept.map(({ due, wall, by }) => `${iso(wall)} kept ${iso(due)} by ${by}`),
    ...crashes.map(({ who: each, before, wall }) => `${iso(wall)} ${each} died before ${before}`),
  ]
  return `\n${lines.sort().join('\n')}`
}
