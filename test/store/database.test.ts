import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HostResult } from '../../src/model/result.ts'
import { databaseStore } from '../../src/store/database.ts'
import { newRunId } from '../../src/store/run-id.ts'
import { stateDirectory } from '../../src/store/state-directory.ts'
import type { RunStore } from '../../src/store/store.ts'
import { summaryOf } from '../report/run-summary.ts'
import { EVERY_STATUS, sealedRun } from './sealed-run.ts'

let state: string
let store: RunStore
let told: string[]

beforeEach(() => {
  state = join(mkdtempSync(join(tmpdir(), 'ctfleet-store-')), 'state')
  told = []
  store = databaseStore(state, (sentence) => told.push(sentence))
})
afterEach(() => {
  rmSync(join(state, '..'), { recursive: true, force: true })
  expect(told).toEqual([])
})

test('what was saved is loaded as it was, whole plans and all, whatever came of a host', async () => {
  const run = sealedRun({ results: EVERY_STATUS })
  await store.save(run)
  expect(await store.load(run.id)).toEqual({ type: 'found', run, damaged: [] })
  expect(await store.list()).toEqual({ runs: [summaryOf(run)], damaged: [] })
})

test('saving again replaces what was there', async () => {
  await store.save(sealedRun({ endedAt: null, results: EVERY_STATUS }))
  await store.save(sealedRun())
  expect((await store.list()).runs).toEqual([summaryOf(sealedRun())])
})

test('a run grows as its hosts begin and end, in the order of its hosts', async () => {
  const run = sealedRun({ endedAt: null, results: planned('a', 'b', 'c') })
  await store.save(run)
  const [first, second, third] = run.results
  const begun = { ...second, status: 'under-way', transaction: '3fe12545e6' } as HostResult
  expect(await store.record(run.id, [begun])).toBe(true)
  expect(await results(run.id)).toEqual([first, begun, third])

  const until = '2026-11-26T11:43:00.000Z'
  const ended = { ...begun, status: 'applied', until } as HostResult
  const missed: HostResult = { host: 'c', status: 'not-reached', why: 'the run was stopped before its turn' }
  await store.record(run.id, [missed, ended])
  expect(await results(run.id)).toEqual([first, ended, missed])
  expect((await store.list()).runs[0]).toMatchObject({ endedAt: null, hosts: [{}, { until }, { strategy: null }] })

  expect(await store.end(run.id, '2026-11-26T10:00:00.000Z')).toBe(true)
  expect((await store.list()).runs[0]?.endedAt).toBe('2026-11-26T10:00:00.000Z')
})

test('a host that a run did not know is added at its end', async () => {
  await store.save(sealedRun({ results: planned('b') }))
  await store.record(sealedRun().id, planned('a', 'b'))
  expect((await results(sealedRun().id)).map(({ host }) => host)).toEqual(['b', 'a'])
})

test('nothing is recorded of a run that is not there', async () => {
  expect(await store.record('20261126-0942-7f3a', planned('a'))).toBe(false)
  expect(await store.end('20261126-0942-7f3a', '2026-11-26T10:00:00.000Z')).toBe(false)
  expect(await store.list()).toEqual({ runs: [], damaged: [] })
})

test('a run takes room for its plans once, however often its hosts and later runs name them', async () => {
  const results = planned('a', 'b').map((result) => ({ ...result, plan: { ...planIn(result), script: big }, why: 'x' }))
  const run = sealedRun({ results: results as HostResult[] })
  await store.save(run)
  const size = statSync(join(state, 'ctfleet.db')).size
  for (let turn = 0; turn < 5; turn++) await store.record(run.id, run.results)
  await store.save({ ...run, id: '20261126-1000-0000', command: 'rollback', of: run.id })
  expect(statSync(join(state, 'ctfleet.db')).size).toBeLessThan(size + big.length)
})

test('the record is for its owner alone', async () => {
  await store.save(sealedRun())
  expect(statSync(state).mode & 0o777).toBe(0o700)
  for (const name of ['ctfleet.db', 'ctfleet.db-journal']) expect(statSync(join(state, name)).mode & 0o777).toBe(0o600)
})

test('a directory that was there keeps its mode, and an empty file in it becomes ours alone', async () => {
  mkdirSync(state, { mode: 0o755 })
  writeFileSync(join(state, 'ctfleet.db'), '', { mode: 0o644 })
  await store.save(sealedRun())
  expect(statSync(state).mode & 0o777).toBe(0o755)
  for (const name of ['ctfleet.db', 'ctfleet.db-journal']) expect(statSync(join(state, name)).mode & 0o777).toBe(0o600)
})

test('reading makes nothing', async () => {
  expect(await store.list()).toEqual({ runs: [], damaged: [] })
  expect(await store.load('2026')).toEqual({ type: 'none' })
  expect(existsSync(state)).toBe(false)
})

test('runs are listed newest first, those of one minute too', async () => {
  const times = ['09:42:59', '09:42:01', '08:00:00', '09:42:30']
  for (const [at, time] of times.entries()) {
    const startedAt = `2026-11-26T${time}.000Z`
    await store.save(sealedRun({ id: `20261126-${time.slice(0, 5).replace(':', '')}-000${at}`, startedAt }))
  }
  const listed = (await store.list()).runs.map(({ startedAt }) => startedAt.slice(11, 19))
  expect(listed).toEqual(['09:42:59', '09:42:30', '09:42:01', '08:00:00'])
})

describe('a run is named', () => {
  beforeEach(async () => {
    await store.save(sealedRun({ id: '20261126-0942-7f3a', startedAt: '2026-11-26T09:42:00.000Z' }))
    await store.save(sealedRun({ id: '20261126-0950-11aa', startedAt: '2026-11-26T09:50:00.000Z' }))
    await store.save(
      sealedRun({ id: '20261126-1010-beef', startedAt: '2026-11-26T10:10:00.000Z', command: 'rollback', of: 'x' }),
    )
  })

  test('by its id, or by the beginning of it', async () => {
    expect(await idOf('20261126-0942-7f3a')).toBe('20261126-0942-7f3a')
    expect(await idOf('20261126-095')).toBe('20261126-0950-11aa')
  })
  test('by too little: those that it could be, newest first', async () => {
    expect(await store.load('20261126-09')).toEqual({
      type: 'several',
      ids: ['20261126-0950-11aa', '20261126-0942-7f3a'],
    })
  })
  test('also only to know whether there is one', async () => {
    const has = async (...all: readonly string[]) => await Promise.all(all.map(async (each) => await store.has(each)))
    expect(await has('20261126-0942-7f3a', '20261126-09', '20261127', '')).toEqual([true, true, false, false])
  })
  test('by nothing, by a pattern, or by what no store has', async () => {
    for (const wanted of ['', '%', '*', '2026_126', "' or 1 = 1 --"])
      expect(await store.load(wanted)).toEqual({ type: 'none' })
  })

  async function idOf(wanted: string): Promise<string> {
    const found = await store.load(wanted)
    return found.type === 'found' ? found.run.id : found.type
  }
})

test('run ids are short, and sort by time', () => {
  const early = newRunId(new Date('2026-11-26T09:42:59.999Z'))
  expect(early).toMatch(/^20261126-0942-[0-9a-f]{4}$/)
  expect(newRunId(new Date('2026-11-26T09:43:00.000Z')) > early).toBe(true)
})

test('the state directory is the one set, the one XDG says, or the usual one', () => {
  expect(stateDirectory({ CTFLEET_STATE: '/srv/ct', XDG_STATE_HOME: '/x' }, '/home/a')).toBe('/srv/ct')
  expect(stateDirectory({ XDG_STATE_HOME: '/x' }, '/home/a')).toBe('/x/ctfleet')
  expect(stateDirectory({ XDG_STATE_HOME: 'relative' }, '/home/a')).toBe('/home/a/.local/state/ctfleet')
  expect(stateDirectory({}, '/home/a')).toBe('/home/a/.local/state/ctfleet')
})

const big = `#!/bin/sh\n${'# a long script\n'.repeat(4000)}`

function planned(...hosts: readonly string[]): readonly HostResult[] {
  return sealedRun({ results: hosts.map((host) => ({ host, status: 'planned', plan: planIn(EVERY_STATUS[0]) })) })
    .results
}

function planIn(result: HostResult | undefined) {
  if (result === undefined || !('plan' in result) || result.plan === null) throw new Error('a host with a plan')
  return result.plan
}

async function results(id: string): Promise<readonly HostResult[]> {
  const found = await store.load(id)
  if (found.type !== 'found') throw new Error(`${id}: ${found.type}`)
  return found.run.results
}
