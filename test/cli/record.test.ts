import { expect, test } from 'vitest'
import { beginRecord } from '../../src/cli/record.ts'
import type { HostResult } from '../../src/model/result.ts'
import type { Run } from '../../src/model/run.ts'
import type { RunStore } from '../../src/store/store.ts'
import { aPlan, aRun } from '../report/fleet.ts'

const hosts = ['a', 'b', 'c']
const planned = hosts.map((host): HostResult => ({ host, status: 'planned', plan: aPlan(host) }))
const applied = hosts.map((host): HostResult => ({ host, status: 'applied', plan: aPlan(host), transaction: host }))
const run = aRun({ endedAt: null, results: planned })

test('what was approved is on record before anything begins', async () => {
  const { store, saved } = memory()
  await beginRecord(store, run)
  expect(saved).toEqual([run])
})

test('nothing begins where nothing can be kept', async () => {
  const { store } = memory({ failing: () => true })
  await expect(beginRecord(store, run)).rejects.toThrow('no space left')
})

test('the record follows as hosts end, and has the last word', async () => {
  const { store, saved } = memory()
  const record = await beginRecord(store, run)
  record.ended(applied[1] as HostResult)
  await until(() => saved.length === 2)
  expect(saved[1]?.results.map(({ status }) => status)).toEqual(['planned', 'applied', 'planned'])
  expect(saved[1]?.endedAt).toBeNull()
  expect(await record.close(applied, new Date('2026-11-26T10:00:00Z'))).toBeNull()
  expect(saved.at(-1)).toEqual({ ...run, results: applied, endedAt: '2026-11-26T10:00:00.000Z' })
})

test('many hosts that end at once are written together, and never two writes at a time', async () => {
  let writing = 0
  let most = 0
  const { store, saved } = memory({
    during: async () => {
      most = Math.max(most, ++writing)
      await new Promise((resolve) => setTimeout(resolve, 5))
      writing--
    },
  })
  const record = await beginRecord(store, run)
  for (let turn = 0; turn < 100; turn++) for (const result of applied) record.ended(result)
  await record.close(applied, new Date())
  expect(most).toBe(1)
  expect(saved.length).toBeLessThan(6)
})

test('a disk that fills meanwhile stops no host; the person hears of it at the end', async () => {
  let isFull = false
  const { store } = memory({ failing: () => isFull })
  const record = await beginRecord(store, run)
  isFull = true
  record.ended(applied[0] as HostResult)
  expect(await record.close(applied, new Date())).toBe('no space left')
})

test('a disk that has room again by the end keeps the whole record', async () => {
  let isFull = false
  const { store, saved } = memory({ failing: () => isFull })
  const record = await beginRecord(store, run)
  isFull = true
  record.ended(applied[0] as HostResult)
  await new Promise((resolve) => setTimeout(resolve, 5))
  isFull = false
  expect(await record.close(applied, new Date())).toBeNull()
  expect(saved.at(-1)?.results).toEqual(applied)
})

function memory({
  failing = () => false,
  during = async () => {},
}: {
  failing?: () => boolean
  during?: () => Promise<void>
} = {}) {
  const saved: Run[] = []
  const store: RunStore = {
    prepare: async () => {},
    save: async (each) => {
      await during()
      if (failing()) throw new Error('no space left')
      saved.push(structuredClone(each))
    },
    list: async () => ({ runs: saved, damaged: [] }),
    load: async () => ({ type: 'none' }),
  }
  return { store, saved }
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}
