import { expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import type { HostResult } from '../../src/model/result.ts'
import type { Run } from '../../src/model/run.ts'
import { appliedLast, isSameWay } from '../../src/run/applied-last.ts'
import type { RunStore } from '../../src/store/store.ts'
import { aPlan, aRun } from '../report/fleet.ts'
import { summaryOf } from '../report/run-summary.ts'

const at = (address: string, more: Partial<Host> = {}): Host => ({ ...aPlan('web-1').host, address, ...more })
const applied = (host: Host): HostResult => ({
  host: host.name,
  status: 'applied',
  plan: { ...aPlan(host.name), host },
  transaction: `on ${host.address}`,
})

/** Newest first; `loaded` are those whose plans were read. */
function recordOf(runs: readonly Run[]) {
  const loaded: string[] = []
  const store = {
    list: async () => ({ runs: runs.map(summaryOf), damaged: [] }),
    load: async (wanted: string) => {
      loaded.push(wanted)
      const run = runs.find(({ id }) => id === wanted)
      return run === undefined ? { type: 'none' } : { type: 'found', run, damaged: [] }
    },
  } as Partial<RunStore> as RunStore
  return { store, loaded }
}
const PROD = at('192.0.2.1')
const STAGING = at('198.51.100.1')
const runs = [
  aRun({ id: '3', inventory: 'staging.yaml', results: [applied(STAGING)] }),
  aRun({ id: '2', inventory: 'prod.yaml', results: [applied(PROD)] }),
  aRun({ id: '1', inventory: 'prod.yaml', results: [applied(PROD)] }),
]
const transactions = async (...hosts: Parameters<typeof appliedLast>[1][]) => {
  const { store, loaded } = recordOf(runs)
  const found = await appliedLast(
    store,
    hosts.flatMap((each) => [...each]),
  )
  return { found: found.map(({ transaction }) => transaction), loaded }
}

test('of two hosts of one name each has what was applied at its address, and no older plan is read than that takes', async () => {
  expect(await transactions([PROD])).toEqual({ found: ['on 192.0.2.1'], loaded: ['3', '2'] })
  expect(await transactions([STAGING])).toEqual({ found: ['on 198.51.100.1'], loaded: ['3'] })
})

test('a host that has moved, or of which the name alone is known, has what was applied to that name last', async () => {
  expect((await transactions([at('203.0.113.9')])).found).toEqual(['on 198.51.100.1'])
  expect((await transactions([{ name: 'web-1' }])).found).toEqual(['on 198.51.100.1'])
  expect((await transactions([{ name: 'web-2' }])).found).toEqual([])
})

test('one address behind different hosts is two', () => {
  const bastion = (address: string) => [{ ...PROD, address }]
  expect(isSameWay(PROD, PROD)).toBe(true)
  expect(isSameWay({ ...PROD, port: 2222 }, PROD)).toBe(false)
  expect(isSameWay({ ...PROD, jumps: bastion('192.0.2.8') }, { ...PROD, jumps: bastion('192.0.2.9') })).toBe(false)
})
