import { fc, test as law } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { spread } from '../../src/run/order.ts'
import { type Share, usualSizes, wavesOf } from '../../src/run/waves.ts'

const GROUPS = ['web', 'db', 'cache', 'nat']

/** A fleet as inventories have it: names are unique, a few pairs, a gateway or two. */
const fleets = fc
  .array(
    fc.record({
      group: fc.constantFrom(...GROUPS),
      pair: fc.option(fc.constantFrom('one', 'two', 'three'), { freq: 4 }),
      gateway: fc.integer({ min: 0, max: 9 }).map((n) => n === 0),
    }),
    { maxLength: 120 },
  )
  .map((hosts) =>
    hosts.map(({ group, pair, gateway }, at) => ({
      name: `${group}-${at}`,
      groups: ['servers', group],
      ...(pair === null ? {} : { pair }),
      ...(gateway ? { gateway } : {}),
    })),
  )
const sizes: fc.Arbitrary<readonly Share[]> = fc
  .array(
    fc.oneof(
      fc.integer({ min: 1, max: 60 }).map((hosts) => ({ hosts })),
      fc.integer({ min: 1, max: 100 }).map((percent) => ({ percent })),
    ),
    { maxLength: 5 },
  )
  .map((some) => [...some, { percent: 100 }])

const names = (hosts: readonly { readonly name: string }[]) => hosts.map(({ name }) => name)
const web = (count: number, first = 1) =>
  Array.from({ length: count }, (_, at) => ({ name: `web-${at + first}`, groups: ['web'] }))
const counts = (hosts: number, ...wanted: readonly Share[]) =>
  wavesOf(web(hosts), wanted).map((wave) => wave.hosts.length)

describe('whatever the fleet and the sizes', () => {
  law.prop([fleets, sizes])('every host has exactly one turn, and no wave is empty', (hosts, wanted) => {
    const waves = wavesOf(hosts, wanted)
    expect(names(waves.flatMap((wave) => wave.hosts)).toSorted()).toEqual(names(hosts).toSorted())
    for (const wave of waves) expect(wave.hosts).not.toEqual([])
  })

  law.prop([fleets, sizes])('the same inventory gives the same waves', (hosts, wanted) => {
    expect(wavesOf(structuredClone(hosts), wanted)).toEqual(wavesOf(hosts, wanted))
  })

  law.prop([fleets, sizes])('no two hosts of a pair share a wave', (hosts, wanted) => {
    for (const wave of wavesOf(hosts, wanted)) {
      const pairs = wave.hosts.flatMap(({ pair }) => pair ?? [])
      expect(new Set(pairs).size).toBe(pairs.length)
    }
  })

  law.prop([fleets, sizes])('gateways come last, each alone, and nobody else is alone', (hosts, wanted) => {
    const waves = wavesOf(hosts, wanted)
    const gateways = names(hosts.filter(({ gateway }) => gateway))
    const last = gateways.length === 0 ? [] : waves.slice(-gateways.length)
    expect(last.map((wave) => names(wave.hosts))).toEqual(gateways.map((name) => [name]))
    expect(waves.map(({ alone }) => alone)).toEqual([
      ...waves.slice(0, waves.length - gateways.length).map(() => false),
      ...gateways.map(() => true),
    ])
  })

  law.prop([fleets, sizes])('after each wave no more hosts are through than its size says', (hosts, wanted) => {
    const ordinary = hosts.filter(({ gateway, pair }) => !gateway && pair === undefined)
    const waves = wavesOf(ordinary, wanted)
    const through = waves.map((_, at) => waves.slice(0, at + 1).flatMap((wave) => wave.hosts).length)
    const allowed = wanted.map((size) =>
      'hosts' in size ? size.hosts : Math.ceil((size.percent * ordinary.length) / 100),
    )
    for (const count of through) expect([...allowed, ordinary.length]).toContain(count)
    expect(through).toEqual(through.toSorted((a, b) => a - b))
  })

  law.prop([fleets])('each beginning of the order is like the whole: no group is far ahead of the others', (hosts) => {
    const order = spread(hosts)
    const inGroup = (some: readonly { groups: readonly string[] }[], group: string) =>
      some.filter(({ groups }) => groups.includes(group)).length
    for (let length = 1; length <= order.length; length++) {
      for (const group of GROUPS) {
        const share = (inGroup(hosts, group) * length) / hosts.length
        expect(inGroup(order.slice(0, length), group)).toBeLessThanOrEqual(Math.ceil(share) + 1)
      }
    }
  })
})

test('the usual sizes: a canary, then ever more; a small fleet goes as one and the rest', () => {
  const usual = (hosts: number) => counts(hosts, ...usualSizes(hosts))
  expect([0, 1, 2, 3, 9].map(usual)).toEqual([[], [1], [1, 1], [1, 2], [1, 8]])
  expect(usual(10)).toEqual([1, 4, 5])
  expect(usual(25)).toEqual([1, 2, 10, 12])
  expect(usual(5000)).toEqual([1, 499, 2000, 2500])
})

test('sizes add up, a percentage is rounded up, and what brings nobody new is no wave', () => {
  expect(counts(12, { hosts: 2 }, { hosts: 5 }, { percent: 100 })).toEqual([2, 3, 7])
  expect(counts(5, { percent: 10 }, { percent: 100 })).toEqual([1, 4])
  expect(counts(4, { hosts: 1 }, { percent: 10 }, { percent: 25 }, { percent: 100 })).toEqual([1, 3])
  expect(counts(3, { hosts: 50 }, { percent: 10 }, { percent: 100 })).toEqual([3])
})

test('groups of one size take turns; a small one is seen early, and is not through before the others', () => {
  const db = [
    { name: 'db-1', groups: ['db'] },
    { name: 'db-2', groups: ['db'] },
  ]
  expect(names(spread([...web(2), ...db]))).toEqual(['web-1', 'db-1', 'web-2', 'db-2'])
  expect(names(spread([...web(6), ...db]))).toEqual([
    ...['web-1', 'db-1', 'web-2', 'web-3'],
    ...['web-4', 'db-2', 'web-5', 'web-6'],
  ])
})

test('a pair that has to be apart gets one wave more', () => {
  const pair = ['a', 'b', 'c'].map((name) => ({ name, groups: ['web'], pair: 'front' }))
  const waves = wavesOf([...pair, ...web(2)], [{ percent: 100 }])
  expect(waves.map(({ hosts }) => names(hosts))).toEqual([['a', 'web-1', 'web-2'], ['b'], ['c']])
})
