import { fc, test as law } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { gather } from '../../src/run/as-approved.ts'
import { allowanceFor } from '../../src/run/budget.ts'
import type { Placed } from '../../src/run/order.ts'
import { countOf, type Share, type Wave } from '../../src/run/waves.ts'

/** Hosts that have a yes, in waves while a person is asked on. */

const SIZES: readonly Share[] = [{ hosts: 1 }, { percent: 10 }, { percent: 50 }, { percent: 100 }]
const hosts = (...names: readonly string[]): readonly Placed[] => names.map((name) => ({ name, groups: ['web'] }))
const measure = (sizes = SIZES) => ({ sizes, allowanceOf: (hosts: number) => allowanceFor(null, hosts, 2) })
const names = (waves: readonly Wave<Placed>[]) => waves.map((wave) => wave.hosts.map(({ name }) => name))

test('the first yes begins alone; then come those that have one, as many as the sizes allow of however few will', async () => {
  const fleet = hosts(...Array.from({ length: 200 }, (_, at) => `h${at}`))
  const waves = gather(fleet, measure(), () => {})
  waves.add(fleet.slice(0, 12))
  // A tenth of twelve is two, so two are through; half of twelve would be six, but a tenth of all may be three.
  const sizes = [await waves.next(), await waves.next(), await waves.next(), await waves.next()].map((wave) =>
    names(wave),
  )
  expect(sizes).toEqual([[['h0']], [['h1']], [['h2']], [['h3']]])
  waves.add(fleet.slice(12, 60))
  expect(names(await waves.next())).toEqual([['h4', 'h5']])
  // Of those that are left nobody will have a yes: half of 60 is what it comes to.
  for (const host of fleet.slice(60)) waves.drop(host)
  expect((await waves.next())[0]?.hosts).toHaveLength(24)
  const later = waves.next()
  expect((await later)[0]?.hosts).toHaveLength(30)
  expect(waves.isOver()).toBe(false)
  waves.close()
  expect(await waves.next()).toEqual([])
})

test('twelve that have a yes go as if only they had been planned, once it is known that nobody else will', async () => {
  const fleet = hosts(...Array.from({ length: 200 }, (_, at) => `h${at}`))
  const waves = gather(fleet, measure(), () => {})
  waves.add(fleet.slice(0, 12))
  expect(waves.allowances()).toEqual({ soFar: { canary: 0, all: 1 }, most: { canary: 0, all: 20 } })
  expect(names(await waves.next())).toEqual([['h0']])
  waves.close()
  expect((await waves.next()).map((wave) => wave.hosts.length)).toEqual([1, 4, 6])
  expect(waves.allowances().most).toEqual({ canary: 0, all: 1 })
})

test('what is closed with the last yes is known whole, as if all had been asked before', async () => {
  const waves = gather(hosts('a', 'b', 'c'), measure([{ hosts: 1 }, { percent: 100 }]), () => {})
  const first = waves.next()
  waves.add(hosts('a', 'b', 'c'))
  waves.close()
  expect(names(await first)).toEqual([['a'], ['b', 'c']])
})

test('a gateway waits until all have been asked about, and goes alone', async () => {
  const gateway = { name: 'gw', groups: [], gateway: true }
  const waves = gather([gateway, ...hosts('a', 'b')], measure([{ hosts: 1 }, { percent: 100 }]), () => {})
  waves.add([gateway])
  waves.add(hosts('a'))
  expect(names(await waves.next())).toEqual([['a']])
  const rest = waves.next()
  waves.close()
  expect(await rest).toEqual([{ hosts: [gateway], alone: true }])
})

test('where nobody has a yes, nobody begins', async () => {
  const waves = gather(hosts('a'), measure(), () => {})
  const any = waves.any()
  waves.close()
  expect([await any, await waves.next()]).toEqual([false, []])
})

const fleets = fc.array(
  fc.record({ pair: fc.option(fc.constantFrom('x', 'y')), gateway: fc.boolean(), asked: fc.boolean() }),
  { minLength: 1, maxLength: 20 },
)
law.prop([fleets, fc.array(fc.nat({ max: 4 }), { maxLength: 20 })])(
  'whoever has a yes is in one wave; the first holds one, none holds a pair, gateways are last',
  async (wanted, batches) => {
    const fleet = wanted.map(({ pair, gateway }, at): Placed => {
      return { name: `h${at}`, groups: [], gateway, ...(pair === null ? {} : { pair }) }
    })
    const yes = fleet.filter((_, at) => wanted[at]?.asked)
    const waves = gather(fleet, measure(), () => {})
    const found: Wave<Placed>[] = []
    let left = yes
    for (const size of batches) {
      waves.add(left.slice(0, size))
      const isAny = left.slice(0, size).some(({ gateway }) => gateway !== true)
      left = left.slice(size)
      if (isAny) found.push(...(await waves.next()))
    }
    waves.add(left)
    waves.close()
    found.push(...(await waves.next()))
    expect(
      found
        .flatMap((wave) => wave.hosts)
        .map(({ name }) => name)
        .toSorted(),
    ).toEqual(yes.map(({ name }) => name).toSorted())
    const ordinary = found.filter(({ alone }) => !alone)
    if (ordinary.length > 0) expect(ordinary[0]?.hosts).toHaveLength(1)
    for (const wave of found) {
      const pairs = wave.hosts.flatMap(({ pair }) => pair ?? [])
      expect(new Set(pairs).size).toBe(pairs.length)
      expect(wave.alone).toBe(wave.hosts.every(({ gateway }) => gateway === true))
    }
    expect(found.findLastIndex(({ alone }) => !alone)).toBe(ordinary.length - 1)
  },
)

const allSizes = fc
  .uniqueArray(
    fc.oneof(
      fc.record({ hosts: fc.integer({ min: 1, max: 30 }) }),
      fc.record({ percent: fc.integer({ min: 1, max: 99 }) }),
    ),
    {
      maxLength: 4,
    },
  )
  .map((some): readonly Share[] => [...some, { percent: 100 }])
law.prop([allSizes, fc.array(fc.record({ add: fc.nat({ max: 15 }), drop: fc.nat({ max: 15 }) }), { maxLength: 8 })])(
  'no wave is larger, and no more may fail, than if those who came in the end had been all from the beginning',
  async (sizes, turns) => {
    const fleet = hosts(...Array.from({ length: 60 }, (_, at) => `h${at}`))
    const waves = gather(fleet, measure(sizes), () => {})
    const found: { readonly from: number; readonly to: number; readonly soFar: number; readonly most: number }[] = []
    let through = 0
    let came = 0
    let left = fleet
    for (const { add, drop } of turns) {
      waves.add(left.slice(0, add))
      for (const host of left.slice(add, add + drop)) waves.drop(host)
      came += Math.min(add, left.length)
      left = left.slice(add + drop)
      if (came === through) continue
      const size = (await waves.next())[0]?.hosts.length ?? 0
      const { soFar, most } = waves.allowances()
      found.push({ from: through, to: through + size, soFar: soFar.all, most: most.all })
      through += size
    }
    waves.close()
    const known = allowanceFor(null, came, 2).all
    for (const { from, to, soFar, most } of found) {
      const end = sizes.map((size) => countOf(size, came)).find((each) => each > from) ?? came
      expect(to).toBeLessThanOrEqual(end)
      expect(to).toBeGreaterThan(from)
      expect(soFar).toBeLessThanOrEqual(known)
      expect(most).toBeGreaterThanOrEqual(known)
    }
  },
)
