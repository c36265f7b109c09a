import { getEventListeners } from 'node:events'
import { fc, test as law } from '@fast-check/vitest'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { gather } from '../../src/run/as-approved.ts'
import { allowanceFor } from '../../src/run/budget.ts'
import type { Discipline, WaveNews } from '../../src/run/discipline.ts'
import { runWaves, STRAGGLER_MS } from '../../src/run/fleet-waves.ts'
import type { Placed } from '../../src/run/order.ts'
import { type Share, wavesOf } from '../../src/run/waves.ts'

/** A fleet whose hosts take as long and end as a test says, on a clock that nobody waits for. */

type End = 'well' | 'failed' | 'unreachable' | 'bug'
type Told = string

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

const ONE_THEN_ALL: readonly Share[] = [{ hosts: 1 }, { percent: 100 }]
const hosts = (...names: readonly string[]): readonly Placed[] => names.map((name) => ({ name, groups: ['web'] }))
const sleep = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms))

type Wish = {
  readonly hosts: readonly Placed[]
  readonly sizes?: readonly Share[]
  readonly maxFail?: Share | null
  readonly ends?: { readonly [name: string]: End }
  readonly seconds?: { readonly [name: string]: number }
  readonly sick?: readonly string[]
  readonly failedBefore?: readonly string[]
  readonly sparesPairs?: boolean
  /** Seconds that a host takes to answer when it is asked again. */
  readonly answersAfter?: number
  readonly parallel?: number
  readonly pauseMs?: number
  readonly stop?: AbortController
  /** Seconds after which each of these has a yes; all others have it from the beginning. The last yes is the last word. */
  readonly yesAfter?: { readonly [name: string]: number }
  /** These have none, which is said at the beginning. */
  readonly no?: readonly string[]
}

async function run({ hosts, sizes = ONE_THEN_ALL, maxFail = null, ends = {}, seconds = {}, ...wish }: Wish) {
  const log: string[] = []
  const news: WaveNews[] = []
  const atWork = new Set<string>()
  const failedBeforeEach: number[] = []
  const beginnings: { readonly ended: readonly Told[]; readonly atWork: number }[] = []
  const told = new Map<string, Told>()
  const begun = Date.now()
  const waves = wavesOf(hosts, sizes)
  const discipline: Discipline<Placed, Told> = {
    waves,
    allowance: allowanceFor(maxFail, hosts.length, waves.length),
    failedBefore: wish.failedBefore ?? [],
    sparesPairs: wish.sparesPairs ?? true,
    countsAs: (told) => (/^(well|failed|unreachable)/.exec(told)?.[1] as 'well' | undefined) ?? 'not-begun',
    pauseMs: wish.pauseMs ?? 0,
    watch: async ({ name }) => {
      log.push(`watched ${name}`)
      return async () => {
        log.push(`asked ${name} again`)
        await sleep((wish.answersAfter ?? 0) * 1000)
        return wish.sick?.includes(name) ? `failed later` : null
      }
    },
    onNews: (each) => news.push(each),
    ...(wish.yesAfter === undefined
      ? {}
      : { waves: [], later: asked(hosts, { sizes, maxFail, no: wish.no ?? [] }, wish.yesAfter) }),
  }
  const story = async ({ name }: Placed): Promise<Told> => {
    log.push(`${name} begins`)
    failedBeforeEach.push([...told.values()].filter((end) => /^(failed|unreachable)/.test(end)).length)
    atWork.add(name)
    beginnings.push({ ended: [...told.values()], atWork: atWork.size })
    log.push(...(atWork.size > 1 ? [`at once: ${[...atWork].join(' ')}`] : []))
    await sleep((seconds[name] ?? 1) * 1000)
    atWork.delete(name)
    const end = ends[name] ?? 'well'
    if (end === 'bug') throw new TypeError('ours')
    return end
  }
  const fleet = {
    parallel: wish.parallel ?? 10,
    signal: wish.stop?.signal ?? new AbortController().signal,
    onStage: () => undefined,
  }
  const all = runWaves(
    discipline,
    fleet,
    async (host) => {
      const end = await story(host)
      told.set(host.name, end)
      return end
    },
    ({ name }, end) => {
      const said = 'bug' in end ? 'failed: bug' : `not reached: ${end.notReached}`
      told.set(name, said)
      return said
    },
  )
  const over = all.then(() => Date.now() - begun)
  await vi.runAllTimersAsync()
  return {
    results: await all,
    told: Object.fromEntries(told),
    log,
    news,
    beginnings,
    failedBeforeEach,
    tookMs: await over,
  }
}

/** Whoever is asked about them says yes, host by host. */
function asked(
  hosts: readonly Placed[],
  {
    sizes,
    maxFail,
    no,
  }: { readonly sizes: readonly Share[]; readonly maxFail: Share | null; readonly no: readonly string[] },
  after: { readonly [name: string]: number },
) {
  const allowanceOf = (count: number) => allowanceFor(maxFail, count, wavesOf(hosts, sizes).length)
  const gathering = gather(hosts, { sizes, allowanceOf }, () => {})
  for (const host of hosts.filter(({ name }) => no.includes(name))) gathering.drop(host)
  gathering.add(hosts.filter(({ name }) => after[name] === undefined && !no.includes(name)))
  const last = Math.max(...Object.values(after))
  for (const host of hosts) {
    const seconds = after[host.name]
    if (seconds === undefined) continue
    void sleep(seconds * 1000).then(() => {
      gathering.add([host])
      if (seconds === last) gathering.close()
    })
  }
  return gathering
}

const begun = (log: readonly string[]) => log.flatMap((line) => (line.endsWith(' begins') ? [line.slice(0, -7)] : []))

describe('whatever happens to the hosts', () => {
  const fleets = fc.array(
    fc.record({
      end: fc.constantFrom<End>('well', 'well', 'well', 'failed', 'unreachable', 'bug'),
      seconds: fc.constantFrom(1, 5, 200),
      pair: fc.option(fc.constantFrom('x', 'y')),
    }),
    { maxLength: 25 },
  )
  law.prop([fleets, fc.option(fc.nat({ max: 10 })), fc.integer({ min: 1, max: 5 })], { numRuns: 60 })(
    'each has one result, pairs are never at work together, and nobody begins once the budget is spent',
    async (wanted, maxFail, parallel) => {
      const placed = wanted.map(({ pair }, at) => ({ name: `h${at}`, groups: [], ...(pair === null ? {} : { pair }) }))
      const share = maxFail === null ? null : { hosts: maxFail }
      const { results, told, log, failedBeforeEach } = await run({
        hosts: placed,
        sizes: [{ hosts: 1 }, { percent: 30 }, { percent: 100 }],
        maxFail: share,
        parallel,
        ends: Object.fromEntries(wanted.map(({ end }, at) => [`h${at}`, end])),
        seconds: Object.fromEntries(wanted.map(({ seconds }, at) => [`h${at}`, seconds])),
      })
      expect(results).toHaveLength(placed.length)
      expect(Object.keys(told).toSorted()).toEqual(placed.map(({ name }) => name).toSorted())
      for (const line of log.filter((each) => each.startsWith('at once: '))) {
        const pairs = line
          .slice(9)
          .split(' ')
          .flatMap((name) => placed.find((host) => host.name === name)?.pair ?? [])
        expect(new Set(pairs).size, line).toBe(pairs.length)
      }
      const allowed = share === null ? Math.max(1, Math.floor(placed.length / 10)) : share.hosts
      expect(Math.max(0, ...failedBeforeEach)).toBeLessThanOrEqual(allowed)
    },
  )
})

describe('the canary', () => {
  test('that fails stops the run, and whoever was not begun hears why and what to do', async () => {
    const { told, log, news } = await run({ hosts: hosts('a', 'b', 'c'), ends: { a: 'failed' } })
    expect(begun(log)).toEqual(['a'])
    const why = 'not reached: the run was stopped: a of the first wave failed; look into that, then plan again'
    expect(told).toEqual({ a: 'failed', b: why, c: why })
    expect(news).toEqual([
      { type: 'wave', number: 1, of: 2, hosts: 1 },
      { type: 'stopped', why: 'a of the first wave failed' },
    ])
  })

  test('that nobody reaches gives its place to the next host, which is believed instead', async () => {
    const { told, news } = await run({
      hosts: hosts('a', 'b', 'c', 'd'),
      ends: { a: 'unreachable', b: 'failed' },
    })
    expect(news.slice(0, 2)).toEqual([
      { type: 'wave', number: 1, of: 2, hosts: 1 },
      { type: 'instead', missing: ['a'], hosts: ['b'] },
    ])
    expect(told.c).toMatch(/b of the first wave failed/)
  })

  test('that nobody reaches is a failure like any other: a second one is too much for a small fleet', async () => {
    const { told, log } = await run({ hosts: hosts('a', 'b', 'c'), ends: { a: 'unreachable', b: 'unreachable' } })
    expect(begun(log)).toEqual(['a', 'b'])
    expect(told.c).toMatch(/2 hosts failed \(a and b\), and no more than 1 may/)
  })

  test('is waited for, however slow it is', async () => {
    const { log, news } = await run({ hosts: hosts('a', 'b'), seconds: { a: 500 } })
    expect(news.some(({ type }) => type === 'straggler')).toBe(false)
    expect(log.some((line) => line.startsWith('at once'))).toBe(false)
  })
})

describe('the budget', () => {
  test('is spent within a wave too: those at work end, the others never begin', async () => {
    const { told, log } = await run({
      hosts: hosts('a', 'b', 'c', 'd', 'e', 'f'),
      ends: { b: 'failed', c: 'failed' },
      parallel: 2,
      seconds: { b: 1, c: 2, d: 5 },
    })
    expect(begun(log)).toEqual(['a', 'b', 'c', 'd'])
    expect(told.d).toBe('well')
    expect(told.e).toMatch(/2 hosts failed \(b and c\), and no more than 1 may/)
  })

  test('counts what failed before anything was changed', async () => {
    const { log } = await run({ hosts: hosts('a', 'b'), maxFail: { hosts: 1 }, failedBefore: ['x', 'y'] })
    expect(begun(log)).toEqual([])
  })

  test('that the operator sets lets a canary fail too', async () => {
    const { log } = await run({ hosts: hosts('a', 'b', 'c'), maxFail: { hosts: 1 }, ends: { a: 'failed' } })
    expect(begun(log)).toEqual(['a', 'b', 'c'])
  })
})

describe('between waves', () => {
  test('hosts of the wave are remembered, then there is the pause, then they are asked again', async () => {
    const { log, news, tookMs } = await run({ hosts: hosts('a', 'b', 'c'), pauseMs: 30_000 })
    expect(log.slice(0, 4)).toEqual(['a begins', 'watched a', 'asked a again', 'b begins'])
    expect(news).toContainEqual({ type: 'pause', ms: 30_000, hosts: ['a'] })
    expect(tookMs).toBeGreaterThanOrEqual(32_000)
  })

  test('one that is well no more counts as failed, and has the result that says so', async () => {
    const { results, told } = await run({ hosts: hosts('a', 'b'), sick: ['a'] })
    expect(results).toContain('failed later')
    expect(told.b).toMatch(/a of the first wave failed/)
  })

  test('of many hosts ten are asked, from all over the wave', async () => {
    const many = Array.from({ length: 101 }, (_, at) => ({ name: `h${at}`, groups: [] }))
    const { news } = await run({ hosts: many, sizes: [{ hosts: 100 }, { percent: 100 }], parallel: 50 })
    const asked = news.flatMap((each) => (each.type === 'pause' ? each.hosts : []))
    expect(asked).toEqual(['h0', 'h10', 'h20', 'h30', 'h40', 'h50', 'h60', 'h70', 'h80', 'h90'])
  })

  test('an interruption ends the pause at once, and nobody begins after it', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 5000)
    const { told, log, tookMs } = await run({ hosts: hosts('a', 'b'), pauseMs: 3_600_000, stop })
    expect(begun(log)).toEqual(['a'])
    expect(told.b).toBe('not reached: the run was stopped before its turn')
    expect(tookMs).toBeLessThan(10_000)
    expect(log).not.toContain('asked a again')
  })

  test('an interruption ends the asking too, and what is answered after it changes nothing', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 5000)
    const { results, told, tookMs } = await run({ hosts: hosts('a', 'b'), sick: ['a'], answersAfter: 60, stop })
    expect(results).toEqual(['well', 'not reached: the run was stopped before its turn'])
    expect(told.a).toBe('well')
    expect(tookMs).toBe(5000)
  })
})

describe('a slow host', () => {
  const THREE: readonly Share[] = [{ hosts: 1 }, { hosts: 3 }, { percent: 100 }]

  test('never holds the run: after a minute nobody waits for it, and it still has its result', async () => {
    const { told, news, log } = await run({ hosts: hosts('a', 'b', 'c', 'd'), sizes: THREE, seconds: { b: 900 } })
    expect(news).toContainEqual({ type: 'straggler', host: 'b' })
    expect(log).toContain('at once: b d')
    expect(told).toEqual({ a: 'well', b: 'well', c: 'well', d: 'well' })
  })

  test('gives its slot away: those of its own wave are not held either', async () => {
    const { log } = await run({
      hosts: hosts('a', 'b', 'c', 'd'),
      sizes: THREE,
      seconds: { b: 900 },
      parallel: 1,
    })
    expect(log).toContain('at once: b c')
    expect(log).toContain('at once: b d')
  })

  test('is waited for where the budget could not bear its failure', async () => {
    const { news, tookMs, log } = await run({
      hosts: hosts('a', 'b', 'c', 'd', 'e'),
      sizes: [{ hosts: 1 }, { hosts: 4 }, { percent: 100 }],
      seconds: { b: 900, c: 900 },
    })
    expect(news.filter(({ type }) => type === 'straggler')).toEqual([{ type: 'straggler', host: 'b' }])
    expect(tookMs).toBeGreaterThan(900_000)
    expect(log).not.toContainEqual(expect.stringMatching(/at once: .*e/))
  })

  test('counts as failed as long as it is not done', async () => {
    const { told } = await run({
      hosts: hosts('a', 'b', 'c', 'd', 'e', 'f'),
      sizes: [{ hosts: 1 }, { hosts: 3 }, { percent: 100 }],
      seconds: { b: 900 },
      ends: { d: 'failed' },
      parallel: 1,
    })
    expect(told.e).toMatch(/2 hosts failed or did not end in time \(d and b\), and no more than 1 may/)
    expect(told.b).toBe('well')
  })

  test('is given its minute from its own beginning on, not from its wave’s', async () => {
    const { news } = await run({
      hosts: hosts('a', 'b', 'c', 'd'),
      sizes: THREE,
      parallel: 1,
      seconds: { b: STRAGGLER_MS / 1000 - 1, c: STRAGGLER_MS / 1000 - 1 },
    })
    expect(news.some(({ type }) => type === 'straggler')).toBe(false)
  })
})

describe('who depends on whom', () => {
  test('a gateway goes when nobody else is at work any more, a slow host neither', async () => {
    const gateway = { name: 'gw', groups: [], gateway: true }
    const { log, news } = await run({
      hosts: [gateway, ...hosts('a', 'b', 'c')],
      sizes: [{ hosts: 1 }, { hosts: 2 }, { percent: 100 }],
      seconds: { b: 300 },
    })
    expect(begun(log)).toEqual(['a', 'b', 'c', 'gw'])
    expect(log).not.toContainEqual(expect.stringMatching(/at once: .*gw/))
    expect(news).toContainEqual({ type: 'waiting', hosts: ['gw'], for: ['b'] })
  })

  test('the other host of a pair waits for one that is slow, and is left alone when it failed', async () => {
    const pair = hosts('b', 'd').map((host) => ({ ...host, pair: 'front' }))
    const all = [...hosts('a'), ...pair, ...hosts('c', 'e')]
    const sizes = [{ hosts: 1 }, { hosts: 3 }, { percent: 100 }]
    const slow = await run({ hosts: all, sizes, seconds: { b: 300 } })
    expect(slow.log.indexOf('d begins')).toBeGreaterThan(slow.log.indexOf('e begins'))
    expect(slow.log).not.toContainEqual(expect.stringMatching(/at once: .*b.*d/))
    const failed = await run({ hosts: all, sizes, ends: { b: 'failed' } })
    expect(failed.told.d).toBe('not reached: b, the other host of its pair, failed; look into that, then plan again')
    expect(failed.told.e).toBe('well')
  })

  test('the other host of a pair takes a slot like everybody, also once its wave is over', async () => {
    const pair = hosts('b', 'd').map((host) => ({ ...host, pair: 'front' }))
    const all = [...hosts('a'), ...pair, ...hosts('c', 'e', 'f', 'g')]
    const atOnce = async (sizes: readonly Share[]) => {
      const seconds = { b: STRAGGLER_MS / 1000 + 2, c: 3, e: 3, f: 3, g: 3 }
      const { log, told } = await run({ hosts: all, sizes, seconds, parallel: 1 })
      expect(Object.values(told)).toEqual(all.map(() => 'well'))
      // The straggler gave its slot away.
      return log.filter((line) => line.startsWith('at once:') && !/ b( |$)/.test(line))
    }
    expect(await atOnce([{ hosts: 1 }, { hosts: 2 }, { percent: 100 }])).toEqual([])
    expect(await atOnce([{ hosts: 1 }, { hosts: 2 }, { hosts: 4 }, { percent: 100 }])).toEqual([])
  })

  test('where a change is taken back the other host of a pair is not left alone', async () => {
    const pair = hosts('a', 'b').map((host) => ({ ...host, pair: 'front' }))
    const wish = {
      hosts: pair,
      sizes: [{ percent: 100 }],
      maxFail: { percent: 100 },
      ends: { a: 'unreachable' },
    } as const
    const { told, log } = await run({ ...wish, sparesPairs: false })
    expect(told).toEqual({ a: 'unreachable', b: 'well' })
    expect(log).not.toContainEqual(expect.stringMatching(/at once/))
  })
})

test('a bug in one story costs one host', async () => {
  const { told } = await run({ hosts: hosts('a', 'b', 'c'), ends: { b: 'bug' } })
  expect(told).toEqual({ a: 'well', b: 'failed: bug', c: 'well' })
})

test('no hosts, no results', async () => {
  expect((await run({ hosts: [] })).results).toEqual([])
})

describe('while a person is asked on', () => {
  test('the first yes goes first and alone, and is asked again before the next ones begin', async () => {
    const { told, log, news } = await run({
      hosts: hosts('a', 'b', 'c'),
      yesAfter: { b: 1, c: 600 },
      pauseMs: 5000,
    })
    expect(log).toEqual([
      'a begins',
      'watched a',
      'asked a again',
      'b begins',
      'watched b',
      'asked b again',
      'c begins',
    ])
    expect(Object.values(told)).toEqual(['well', 'well', 'well'])
    expect(news.filter(({ type }) => type === 'wave')).toEqual([
      { type: 'wave', number: 1, of: null, hosts: 1 },
      { type: 'wave', number: 2, of: null, hosts: 1 },
      { type: 'wave', number: 3, of: 3, hosts: 1 },
    ])
  })

  test('a first one that fails stops the run, whoever says yes to others', async () => {
    const { told, log } = await run({ hosts: hosts('a', 'b', 'c'), yesAfter: { b: 1, c: 600 }, ends: { a: 'failed' } })
    expect(begun(log)).toEqual(['a'])
    expect([told.b, told.c].every((end) => /a of the first wave failed/.test(end ?? ''))).toBe(true)
  })

  const many = Array.from({ length: 100 }, (_, at) => ({ name: `h${at}`, groups: ['web'] }))
  const FOUR: readonly Share[] = [{ hosts: 1 }, { percent: 10 }, { percent: 50 }, { percent: 100 }]

  test('a first one that nobody reaches gives its place to the next yes, and what holds for it holds for that one', async () => {
    const ends = Object.fromEntries(many.map(({ name }, at) => [name, at === 0 ? 'unreachable' : 'failed'] as const))
    const { told, log, news } = await run({ hosts: many, sizes: FOUR, ends, yesAfter: { h99: 600 }, parallel: 50 })
    expect(begun(log)).toEqual(['h0', 'h1'])
    expect(news.slice(0, 3)).toEqual([
      { type: 'wave', number: 1, of: null, hosts: 1 },
      { type: 'instead', missing: ['h0'], hosts: ['h1'] },
      { type: 'stopped', why: 'h1 of the first wave failed' },
    ])
    expect(told.h99).toMatch(/h1 of the first wave failed/)
  })

  test('where nobody else has a yes yet, the next one is waited for', async () => {
    const { log, news } = await run({
      hosts: hosts('a', 'b', 'c', 'd'),
      ends: { a: 'unreachable' },
      yesAfter: { b: 300, c: 300, d: 600 },
    })
    expect(begun(log)).toEqual(['a', 'b', 'c', 'd'])
    expect(log).not.toContainEqual(expect.stringMatching(/^at once/))
    expect(news.filter(({ type }) => type === 'instead')).toEqual([{ type: 'instead', missing: ['a'], hosts: ['b'] }])
  })

  test('the first size holds for those that come in several parts: none of it may fail', async () => {
    const { told, log } = await run({
      hosts: hosts('a', 'b', 'c', 'd'),
      sizes: [{ hosts: 2 }, { percent: 100 }],
      ends: { b: 'failed' },
      yesAfter: { b: 100, c: 100, d: 300 },
    })
    expect(begun(log)).toEqual(['a', 'b'])
    expect(told.d).toMatch(/b of the first wave failed/)
  })

  test('too many failures of few hosts hold the others up until enough have a yes, or nobody else will', async () => {
    const ends = { h1: 'failed', h2: 'failed' } as const
    const sizes = [{ hosts: 1 }, { percent: 100 }]
    const few = Object.fromEntries(many.slice(4, 30).map(({ name }, at) => [name, 300 + at]))
    const wish = { hosts: many.slice(0, 30), sizes, ends, parallel: 1 } as const
    const on = await run({ ...wish, yesAfter: few })
    expect(on.news).toContainEqual({ type: 'held', why: '2 hosts failed (h1 and h2), and no more than 1 may' })
    expect(on.log.indexOf('h3 begins')).toBeGreaterThan(0)
    expect(begun(on.log)).toHaveLength(30)
    const over = await run({ ...wish, yesAfter: { h4: 300 }, no: Object.keys(few).slice(1) })
    expect(begun(over.log)).toEqual(['h0', 'h1', 'h2'])
    expect(over.told.h4).toMatch(/2 hosts failed \(h1 and h2\), and no more than 1 may/)
  })

  test('an interruption ends that waiting too', async () => {
    const stop = new AbortController()
    setTimeout(() => stop.abort(), 60_000)
    const { told, tookMs } = await run({
      hosts: many.slice(0, 30),
      ends: { h1: 'failed', h2: 'failed' },
      yesAfter: Object.fromEntries(many.slice(4, 30).map(({ name }, at) => [name, 300 + at])),
      parallel: 1,
      stop,
    })
    expect(told.h3).toBe('not reached: the run was stopped before its turn')
    expect(tookMs).toBeLessThan(330_000)
  })

  const asking = fc.array(
    fc.record({
      end: fc.constantFrom<End>('well', 'well', 'well', 'failed', 'unreachable', 'unreachable', 'bug'),
      seconds: fc.constantFrom(1, 5, 200),
      pair: fc.option(fc.constantFrom('x', 'y'), { freq: 3 }),
      gateway: fc.constantFrom(false, false, false, false, true),
      says: fc.constantFrom<number | 'no' | 'at once'>(1, 3, 60, 400, 'at once', 'no'),
    }),
    { minLength: 1, maxLength: 25 },
  )
  const ways = fc.record({ parallel: fc.integer({ min: 1, max: 5 }), sparesPairs: fc.boolean(), watches: fc.boolean() })
  law.prop([asking, ways], { numRuns: 150 })(
    'whoever says yes when, and however they end: before one host was reached and is well no second one is at work',
    async (wanted, { parallel, sparesPairs, watches }) => {
      const placed = wanted.map(({ pair, gateway }, at): Placed => {
        return { name: `h${at}`, groups: [], gateway, ...(pair === null ? {} : { pair }) }
      })
      const by = <T>(value: (each: (typeof wanted)[number]) => T) =>
        Object.fromEntries(wanted.map((each, at) => [`h${at}`, value(each)] as const))
      const no = placed.filter((_, at) => wanted[at]?.says === 'no').map(({ name }) => name)
      const seconds = Object.entries(by(({ says }) => says)).filter(([, says]) => typeof says === 'number')
      const asked = Object.fromEntries(seconds) as { readonly [name: string]: number }
      const { told, log, beginnings, failedBeforeEach } = await run({
        hosts: [...placed, { name: 'last', groups: [] }],
        sizes: [{ hosts: 1 }, { percent: 30 }, { percent: 100 }],
        ends: { ...by(({ end }) => end), last: 'unreachable' },
        seconds: by((each) => each.seconds),
        parallel,
        sparesPairs,
        pauseMs: watches ? 5000 : 0,
        no,
        yesAfter: { ...asked, last: 500 },
      })
      const yes = [...placed, { name: 'last' }].filter(({ name }) => !no.includes(name))
      expect(Object.keys(told).toSorted()).toEqual(yes.map(({ name }) => name).toSorted())
      for (const { ended, atWork } of beginnings) {
        const known = ended.filter((end) => !end.startsWith('not reached'))
        if (!known.includes('well')) {
          expect(atWork).toBe(1)
          expect(known.filter((end) => end.startsWith('failed'))).toEqual([])
        }
      }
      for (const line of log.filter((each) => each.startsWith('at once: '))) {
        const names = line.slice(9).split(' ')
        const pairs = names.flatMap((name) => placed.find((host) => host.name === name)?.pair ?? [])
        expect(new Set(pairs).size, line).toBe(pairs.length)
        expect(
          placed.some(({ name, gateway }) => gateway === true && names.includes(name)),
          line,
        ).toBe(false)
      }
      expect(Math.max(0, ...failedBeforeEach)).toBeLessThanOrEqual(Math.max(1, Math.floor(yes.length / 10)))
    },
  )
})

test('nothing is left at the signal, however many waves there were', async () => {
  const stop = new AbortController()
  const names = ['a', 'b', 'c', 'd', 'e']
  await run({ hosts: hosts(...names), sizes: [{ hosts: 1 }], pauseMs: 10, stop, yesAfter: { e: 3 } })
  await run({ hosts: hosts(...names), sizes: [{ hosts: 1 }], pauseMs: 10, stop })
  expect(getEventListeners(stop.signal, 'abort')).toEqual([])
})
