import { expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import { known, unknown } from '../../src/model/reading.ts'
import type { HostResult } from '../../src/model/result.ts'
import { machineOf, onceEach } from '../../src/run/same-machine.ts'
import { HEALTHY } from '../diagnosis/sample-facts.ts'
import { aPlan } from '../report/fleet.ts'

const { system } = HEALTHY
const planned = (host: string, machine?: string) =>
  ({ host, status: 'planned', plan: aPlan(host, machine === undefined ? {} : { machine }) }) as const

test('a machine is its boot and its network: another of either is another machine', () => {
  const other = known('other')
  const all = [system, { ...system, bootId: other }, { ...system, netns: other }].map(machineOf)
  expect(new Set(all).size).toBe(3)
  expect(all).not.toContain(undefined)
  // A container of its own in the same network has the same rules and the same table.
  expect(machineOf({ ...system, firstProcess: known(99) })).toBe(machineOf(system))
})

test('where a kernel shows no namespaces the start of process 1 tells containers apart; with neither nothing is known', () => {
  const old = { ...system, netns: unknown('no namespaces here') }
  expect(machineOf(old)).not.toBe(machineOf({ ...old, firstProcess: known(99) }))
  expect(machineOf({ ...old, firstProcess: unknown('hidden') })).toBeUndefined()
  expect(machineOf({ ...system, bootId: unknown('not there') })).toBeUndefined()
})

test('the second name of a machine says which is the first, and has no plan that could run', () => {
  const results = [
    planned('web-1', 'one'),
    planned('web-2', 'two'),
    planned('www', 'one'),
    planned('lost'),
    planned('old'),
  ]
  expect(onceEach(results)).toEqual([
    results[0],
    results[1],
    { host: 'www', status: 'same-machine', why: expect.stringMatching(/^is the same machine as web-1/) },
    results[3],
    results[4],
  ])
})

test('the name that tells of a gateway or of a pair is the one that is handled, so that it is seen', () => {
  const one = (host: string, more: Partial<Host> = {}) => {
    const plan = aPlan(host, { machine: 'one' })
    return { host, status: 'planned', plan: { ...plan, host: { ...plan.host, ...more } } } as const
  }
  const statuses = (...results: readonly HostResult[]) => onceEach(results).map(({ status }) => status)
  const [same, planned] = ['same-machine', 'planned']
  expect(statuses(one('a'), one('b', { gateway: true }))).toEqual([same, planned])
  expect(statuses(one('a'), one('b', { pair: 'front' }), one('c', { pair: 'front' }))).toEqual([same, planned, same])
  expect(statuses(one('a', { pair: 'front' }), one('b', { gateway: true }))).toEqual([same, planned])
})

test('a name that is not to be changed takes nobody’s turn', () => {
  const right = { host: 'web-1', status: 'already-right', plan: aPlan('web-1', { machine: 'one' }) } as const
  expect(onceEach([right, planned('www', 'one')])[1]).toMatchObject({ status: 'planned' })
})
