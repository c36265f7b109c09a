import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { HostResult } from '../../src/model/result.ts'
import type { Approval, Run } from '../../src/model/run.ts'
import { beginRecord, type UnderWay } from '../../src/run/record.ts'
import type { RunStore } from '../../src/store/store.ts'
import { aPlan, aRun } from '../report/fleet.ts'

// Between two writes it rests: of that nothing is to be seen here.
beforeEach(() => vi.useFakeTimers().setTimerTickMode('nextTimerAsync'))
afterEach(() => vi.useRealTimers())

const hosts = ['a', 'b', 'c']
const planned = hosts.map((host): HostResult => ({ host, status: 'planned', plan: aPlan(host) }))
const begun = hosts.map((host): UnderWay => ({ host, status: 'under-way', plan: aPlan(host), transaction: host }))
const applied = hosts.map((host): HostResult => ({ host, status: 'applied', plan: aPlan(host), transaction: host }))
const run = aRun({ endedAt: null, results: planned })
const at = new Date('2026-11-26T10:00:00Z')
const endedAt = '2026-11-26T10:00:00.000Z'

test('what was approved is on record before anything begins', async () => {
  const store = memory()
  await beginRecord(store, run)
  expect(store.kept()).toEqual(run)
})

test('nothing begins where nothing can be kept', async () => {
  const store = memory({ failing: () => true })
  await expect(beginRecord(store, run)).rejects.toThrow('no space left')
})

test('the record follows as hosts begin and end, and has the last word', async () => {
  const store = memory()
  const record = await beginRecord(store, run)
  await record.began(begun[1] as UnderWay)
  expect(statuses(store)).toEqual(['planned', 'under-way', 'planned'])
  record.ended(applied[1] as HostResult)
  await until(() => statuses(store)[1] === 'applied')
  expect(store.kept()?.endedAt).toBeNull()
  expect(await record.close(applied, at)).toBeNull()
  expect(store.kept()).toEqual({ ...run, results: applied, endedAt })
})

test('a yes that comes later is on record before its host begins, and stays there', async () => {
  const store = memory()
  const record = await beginRecord(store, run)
  await record.began(begun[0] as UnderWay)
  const approval = { host: 'b', plan: 'b'.repeat(64), by: 'alice@bastion', at: endedAt, how: 'asked' } as const
  record.approved(approval)
  await record.began(begun[1] as UnderWay)
  expect(store.kept()?.approvals).toEqual([approval])
  expect(statuses(store)).toEqual(['under-way', 'under-way', 'planned'])
  expect(await record.close(applied, at)).toBeNull()
  expect(store.kept()).toEqual({ ...run, approvals: [approval], results: applied, endedAt })
})

test('a yes costs a line, however many hosts the run has: it is written whole but once', async () => {
  const store = memory()
  const record = await beginRecord(store, run)
  for (const [at, host] of hosts.entries()) {
    record.approved({ host, plan: host.repeat(64), by: 'alice@bastion', at: endedAt, how: 'asked' })
    await record.began(begun[at] as UnderWay)
  }
  expect(await record.close(applied, at)).toBeNull()
  expect(store.kept()?.approvals?.map(({ host }) => host)).toEqual(hosts)
  expect(store.saves()).toBe(1)
})

test('a yes is on record once, though the disk was full when it was to be written', async () => {
  let isFull = false
  const store = memory({ failing: () => isFull })
  const record = await beginRecord(store, run)
  isFull = true
  record.approved({ host: 'a', plan: 'a'.repeat(64), by: 'alice@bastion', at: endedAt, how: 'asked' })
  await expect(record.began(begun[0] as UnderWay)).rejects.toThrow('no space left')
  isFull = false
  await record.began(begun[0] as UnderWay)
  expect(await record.close(applied, at)).toBeNull()
  expect(store.kept()?.approvals?.map(({ host }) => host)).toEqual(['a'])
})

test('many hosts that begin and end at once are written together, and never two writes at a time', async () => {
  let writing = 0
  let most = 0
  const store = memory({
    during: async () => {
      most = Math.max(most, ++writing)
      await new Promise((resolve) => setTimeout(resolve, 5))
      writing--
    },
  })
  const record = await beginRecord(store, run)
  const beginnings = Array.from({ length: 100 }, async (_, turn) => await record.began(begun[turn % 3] as UnderWay))
  await Promise.all(beginnings)
  for (let turn = 0; turn < 100; turn++) for (const result of applied) record.ended(result)
  await record.close(applied, at)
  expect(most).toBe(1)
  expect(store.writes()).toBeLessThan(10)
})

describe('where the disk fills meanwhile', () => {
  test('hosts at work go on, and the person hears of it at the end', async () => {
    let isFull = false
    const store = memory({ failing: () => isFull })
    const record = await beginRecord(store, run)
    isFull = true
    record.ended(applied[0] as HostResult)
    expect(await record.close(applied, at)).toBe('no space left')
  })

  test('no further host is begun: it hears why, and is not taken for begun', async () => {
    let isFull = true
    const store = memory({ failing: () => isFull && store.kept() !== undefined })
    const record = await beginRecord(store, run)
    await expect(record.began(begun[0] as UnderWay)).rejects.toThrow('no space left')
    isFull = false
    const failed: HostResult = { host: 'b', status: 'not-reached', why: 'stopped' }
    record.ended(failed)
    await until(() => statuses(store)[1] === 'not-reached')
    expect(statuses(store)).toEqual(['planned', 'not-reached', 'planned'])
    expect(await record.close([planned[0], failed, planned[2]] as HostResult[], at)).toBeNull()
  })

  test('and has room again by the end, the whole record is kept', async () => {
    let isFull = false
    const store = memory({ failing: () => isFull })
    const record = await beginRecord(store, run)
    isFull = true
    record.ended(applied[0] as HostResult)
    await new Promise((resolve) => setTimeout(resolve, 5))
    isFull = false
    expect(await record.close(applied, at)).toBeNull()
    expect(store.kept()).toEqual({ ...run, results: applied, endedAt })
  })
})

describe('a run whose database was set aside meanwhile is whole in the new one', () => {
  test('with the next host', async () => {
    const store = memory()
    const record = await beginRecord(store, run)
    store.forget()
    await record.began(begun[1] as UnderWay)
    expect(store.kept()).toEqual({ ...run, results: [planned[0], begun[1], planned[2]] })
  })
  test('with the last word', async () => {
    const store = memory()
    const record = await beginRecord(store, run)
    record.ended(applied[0] as HostResult)
    await until(() => statuses(store)[0] === 'applied')
    store.forget()
    expect(await record.close(planned, at)).toBeNull()
    expect(store.kept()).toEqual({ ...run, results: planned, endedAt })
  })
})

type Manners = { readonly failing?: () => boolean; readonly during?: () => Promise<void> }

/** Keeps one run, as a store keeps many. */
function memory({ failing = () => false, during = async () => {} }: Manners = {}) {
  let kept: Run | undefined
  let writes = 0
  let saves = 0
  const write = async (change: (before: Run | undefined) => Run | undefined): Promise<boolean> => {
    writes++
    await during()
    if (failing()) throw new Error('no space left')
    const after = change(kept)
    kept = structuredClone(after)
    return after !== undefined
  }
  return {
    kept: () => kept,
    writes: () => writes,
    /** Times that the run was written whole. */
    saves: () => saves,
    forget: () => {
      kept = undefined
    },
    prepare: async () => {},
    save: async (each: Run) => {
      saves++
      await write(() => each)
    },
    record: async (_id: string, results: readonly HostResult[], given: readonly Approval[] = []) =>
      await write((before) => {
        const byHost = new Map(results.map((result) => [result.host, result]))
        if (before === undefined) return undefined
        const approvals = [...(before.approvals ?? []), ...given]
        const after = before.results.map((result) => byHost.get(result.host) ?? result)
        return { ...before, results: after, ...(approvals.length === 0 ? {} : { approvals }) }
      }),
    end: async (_id: string, endedAt: string) => await write((before) => before && { ...before, endedAt }),
    list: async () => ({ runs: [], damaged: [] }),
    has: async () => false,
    load: async () => ({ type: 'none' }) as const,
  } satisfies RunStore & Record<string, unknown>
}

function statuses(store: ReturnType<typeof memory>): readonly string[] {
  return store.kept()?.results.map(({ status }) => status) ?? []
}

async function until(holds: () => boolean): Promise<void> {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 1))
}
