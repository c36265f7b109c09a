import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { HostResult } from '../../src/model/result.ts'
import type { Run } from '../../src/model/run.ts'
import { databaseStore } from '../../src/store/database.ts'
import { loadEngine } from '../../src/store/engine.ts'
import type { HistoryStore, SweepBounds } from '../../src/store/history.ts'
import { historyDatabase } from '../../src/store/history-database.ts'
import type { RunStore } from '../../src/store/store.ts'
import { anAudit, aSample, samplesIn } from './audit-on-record.ts'
import { sealedRun } from './sealed-run.ts'

let state: string
let runs: RunStore
let history: HistoryStore
let told: string[]

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  told = []
  const tell = (sentence: string) => {
    told.push(sentence)
  }
  runs = databaseStore(state, tell)
  history = historyDatabase(state, tell)
  // So that none of what is kept here brings one about by itself.
  await history.sweep({ ...BOUNDS, now: NEVER }, 0)
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const said = () => told.splice(0)
afterEach(() => expect(said()).toEqual([]))

const NOW = Date.parse('2026-11-26T12:00:00Z')
const daysAgo = (days: number) => new Date(NOW - days * 86_400_000).toISOString()
const NEVER = '9999-01-01T00:00:00.000Z'
const BOUNDS: SweepBounds = {
  now: daysAgo(0),
  runs: daysAgo(400),
  audits: daysAgo(180),
  samples: daysAgo(90),
  daily: daysAgo(30),
  hourly: daysAgo(7),
}
const sweep = async () => await history.sweep(BOUNDS, 60_000)

describe('runs', () => {
  const old = daysAgo(500)
  const [applied] = sealedRun().results.filter(({ status }) => status === 'applied')
  if (applied?.status !== 'applied') throw new Error('the fixture has a host that is applied')
  const result = (host: string, more: object = {}): HostResult => ({ ...applied, host, ...more })
  const back = (host: string): HostResult => ({
    host,
    status: 'rolled-back',
    plan: null,
    transaction: 't',
    fault: null,
  })
  const save = async (run: Partial<Run> & { readonly id: string }) =>
    await runs.save(sealedRun({ startedAt: old, endedAt: old, ...run }))
  const left = async () => (await runs.list()).runs.map(({ id }) => id).toSorted()

  test('one whose change still stands stays, and so does one that is open, however old', async () => {
    await save({ id: 'stands', results: [result('web-1')] })
    await save({ id: 'cut-off', results: [result('web-2', { status: 'under-way' })], endedAt: null })
    await save({ id: 'over', results: [result('web-3', { until: daysAgo(499) })] })
    await save({ id: 'declined', results: [result('web-4', { status: 'declined' })] })
    expect(await sweep()).toMatchObject({ runs: 2, isWhole: true })
    expect(await left()).toEqual(['cut-off', 'stands'])
  })

  test('one that was taken back goes, with what took it back', async () => {
    await save({ id: 'applied', results: [result('web-1')] })
    await save({ id: 'rollback', command: 'rollback', of: 'applied', results: [back('web-1')] })
    expect(await sweep()).toMatchObject({ runs: 2 })
    expect(await left()).toEqual([])
    expect(await rows('plans')).toBe(0)
    expect(await rows('results')).toBe(0)
  })

  test('a rollback of a part stays as long as the run of which it tells, which would seem whole otherwise', async () => {
    await save({ id: 'applied', results: [result('web-1'), result('web-2')] })
    await save({ id: 'rollback', command: 'rollback', of: 'applied', results: [back('web-1')] })
    expect(await sweep()).toMatchObject({ runs: 0 })
    expect(await left()).toEqual(['applied', 'rollback'])
  })

  test('hundreds are forgotten step by step, and a run never outlives its rollback', async () => {
    for (let at = 0; at < 60; at++) {
      await save({ id: `apply-${at}`, results: [result('web-1')] })
      await save({ id: `back-${at}`, command: 'rollback', of: `apply-${at}`, results: [back('web-1')] })
    }
    await save({ id: 'young', startedAt: daysAgo(399), endedAt: daysAgo(399), results: [result('web-1')] })
    const [first, second] = [await history.sweep(BOUNDS, 0), await history.sweep(BOUNDS, 0)]
    expect([first.isWhole, second.isWhole]).toEqual([false, true])
    expect(first.runs + second.runs).toBe(120)
    expect(await left()).toEqual(['young'])
    expect(await runs.load('young')).toMatchObject({ type: 'found', damaged: [] })
  })

  test('where a host of a run cannot be read none is forgotten, which is said once a sweep', async () => {
    await save({ id: 'old', results: [result('web-1', { status: 'declined' })] })
    await save({ id: 'odd', results: [result('web-1')] })
    await edit("update results set status = 'fine' where run = 'odd'")
    await history.keepAudit(anAudit({ id: 'a', startedAt: old }), [])
    await edit(`insert into audits with recursive more (nth) as (select 1 union all select nth + 1 from more where nth < 519)
      select 'a-' || nth, started_at, ended_at, "by", inventory, only_some, policy, schedule, due_at,
        critical, warning, info, hosts, unasked from audits, more`)
    expect(await sweep()).toMatchObject({ runs: 0, audits: 519, isWhole: true })
    const why =
      /^No old run was swept out: host web-1 of run odd in .* has a status that nobody knows, .* cannot be told$/
    expect(said()).toEqual([expect.stringMatching(why)])
  })
})

test('audits go after their time, with their reports, and a due time of long ago with them', async () => {
  await history.keepAudit(anAudit({ id: 'old', startedAt: daysAgo(181) }), [])
  await history.keepAudit(anAudit({ id: 'young', startedAt: daysAgo(179) }), [])
  const due = { schedule: 'night', at: daysAgo(190) }
  await history.claim({ due, by: 'a', now: due.at, until: daysAgo(189) })
  expect(await sweep()).toMatchObject({ audits: 1, isWhole: true })
  expect((await history.audits({})).audits.map(({ id }) => id)).toEqual(['young'])
  expect(await rows('reports')).toBe(1)
  expect(await history.latest('night', daysAgo(0))).toBeNull()
})

test('the newest audit of each series and of each schedule stays, whatever its age', async () => {
  const due = (schedule: string, days: number) => ({ schedule, at: daysAgo(days) })
  const audits = [
    { id: 'first', startedAt: daysAgo(300) },
    { id: 'last', startedAt: daysAgo(299) },
    { id: 'web', startedAt: daysAgo(400), only: '--limit web' },
    { id: 'policy-first', startedAt: daysAgo(400), policy: '/srv/p.yaml' },
    { id: 'policy-last', startedAt: daysAgo(200), policy: '/srv/p.yaml' },
    // A person asked since then, of the same series.
    { id: 'year-first', startedAt: daysAgo(700), inventory: '/srv/b.yaml', due: due('yearly', 700) },
    { id: 'year-last', startedAt: daysAgo(340), inventory: '/srv/b.yaml', due: due('yearly', 340) },
    { id: 'year-asked', startedAt: daysAgo(300), inventory: '/srv/b.yaml' },
    // Caught up later, for a time that is past.
    { id: 'caught-up', startedAt: daysAgo(339), inventory: '/srv/b.yaml', due: due('yearly', 360) },
  ]
  for (const audit of audits) await history.keepAudit(anAudit(audit), [])
  expect(await sweep()).toMatchObject({ audits: 4, isWhole: true })
  const left = (await history.audits({})).audits.map(({ id }) => id).toSorted()
  expect(left).toEqual(['last', 'policy-last', 'web', 'year-asked', 'year-last'])
  expect(await rows('reports')).toBe(5)
  expect(await history.latest('yearly', daysAgo(0))).toEqual({ at: daysAgo(340), state: 'done' })
  expect(await sweep()).toMatchObject({ audits: 0 })
})

describe('samples', () => {
  const at = (days: number, minutes: number) => new Date(NOW - days * 86_400_000 + minutes * 60_000).toISOString()
  const since = daysAgo(1000)

  test('of an hour the peak stays after a week, of a day after a month, and none after three', async () => {
    const kept = [
      aSample(at(6, 0)),
      aSample(at(6, 1)),
      aSample(at(8, 10), { entries: 3000 }),
      aSample(at(8, 61), { entries: 10 }),
      aSample(at(40, 600), { entries: 9000 }),
    ]
    const gone = [
      aSample(at(8, 0), { entries: 2999 }),
      aSample(at(8, 20), { entries: null }),
      aSample(at(40, 0), { entries: 8999 }),
      aSample(at(91, 0), { entries: 100_000 }),
    ]
    await history.keepSamples([...kept, ...gone])
    expect(await sweep()).toMatchObject({ samples: gone.length, isWhole: true })
    expect(await samplesIn(history, { since })).toEqual(kept.toSorted((a, b) => (a.at < b.at ? -1 : 1)))
    expect(await sweep()).toMatchObject({ samples: 0 })
  })

  test('what splits a series, a restart or another max, stays to be seen', async () => {
    const samples = [
      aSample(at(8, 0), { entries: 10 }),
      aSample(at(8, 1), { entries: 9, boot: 'another' }),
      aSample(at(8, 2), { entries: 8, boot: 'another', max: 524_288 }),
    ]
    await history.keepSamples(samples)
    expect(await sweep()).toMatchObject({ samples: 0 })
  })

  test('a sweep that runs out of time goes on where it ended, and says when it came through', async () => {
    const hosts = Array.from({ length: 120 }, (_, host) => `web-${host}`)
    await history.keepSamples(hosts.map((host) => aSample(daysAgo(100), { host })))
    const steps = [await history.sweep(BOUNDS, 0), await history.sweep(BOUNDS, 0)]
    expect(steps).toEqual([
      { runs: 0, audits: 0, samples: 50, isWhole: false },
      { runs: 0, audits: 0, samples: 50, isWhole: false },
    ])
    expect(await history.lastSweep()).toBe(NEVER)
    expect(await history.sweep(BOUNDS, 0)).toMatchObject({ samples: 20, isWhole: true })
    expect(await history.lastSweep()).toBe(BOUNDS.now)
    expect(await rows('series')).toBe(0)
  })
})

test('keeping something sweeps about once a day, and never what was just kept', async () => {
  const at = (days: number) => new Date(NOW + days * 86_400_000).toISOString()
  rmSync(join(state, 'ctfleet.db'))
  expect(await history.lastSweep()).toBeNull()
  await history.keepAudit(anAudit({ id: 'first', startedAt: at(0), endedAt: at(0) }), [aSample(at(0))])
  expect(await history.lastSweep()).toBe(at(0))
  await history.keepSamples([aSample(at(0.9))])
  expect(await history.lastSweep()).toBe(at(0))
  await history.keepSamples([aSample(at(200))])
  expect(await history.lastSweep()).toBe(at(200))
  expect((await history.audits({})).audits.map(({ id }) => id)).toEqual(['first'])
  expect(await samplesIn(history, { since: at(-1) })).toEqual([aSample(at(200))])
})

test('a clock that is years ahead sweeps nothing out by itself, however often it says so; by hand it is believed', async () => {
  const at = (days: number) => new Date(NOW + days * 86_400_000).toISOString()
  rmSync(join(state, 'ctfleet.db'))
  await history.keepAudit(anAudit({ id: 'first', startedAt: at(0), endedAt: at(0) }), [aSample(at(0))])
  await history.keepAudit(anAudit({ id: 'second', startedAt: at(0.5), endedAt: at(0.5) }), [aSample(at(0.5))])
  for (const days of [4000, 4001]) {
    await history.keepAudit(anAudit({ id: `ahead-${days}`, startedAt: at(days), endedAt: at(days) }), [])
    expect(said()).toEqual([
      expect.stringMatching(
        /^What is old was not swept out: it is 2037-.* and was 2026-11-26 .*: ctfleet history sweep$/,
      ),
    ])
  }
  expect(await samplesIn(history, { since: at(-1) })).toHaveLength(2)
  expect(await rows('audits')).toBe(4)
  expect(await history.lastSweep()).toBe(at(0))
  await history.keepAudit(anAudit({ id: 'right', startedAt: at(2), endedAt: at(2) }), [])
  expect(await history.lastSweep()).toBe(at(2))
  const ahead = {
    now: at(4001),
    runs: at(3601),
    audits: at(3821),
    samples: at(3911),
    daily: at(3971),
    hourly: at(3994),
  }
  expect(await history.sweep(ahead, 60_000)).toMatchObject({ samples: 2 })
})

test('of a record from before there were sweeps the newest run tells until when it was in use', async () => {
  rmSync(join(state, 'ctfleet.db'))
  const [old, young] = [daysAgo(900), daysAgo(100)]
  await runs.save(sealedRun({ id: 'old', startedAt: old, endedAt: old, results: [] }))
  await runs.save(sealedRun({ id: 'young', startedAt: young, endedAt: young, results: [] }))
  await history.keepSamples([aSample(new Date(NOW + 4000 * 86_400_000).toISOString())])
  expect(said()).toEqual([expect.stringContaining('was 2026-08-18 ')])
  expect((await runs.list()).runs).toHaveLength(2)
  await history.keepSamples([aSample(daysAgo(0))])
  expect((await runs.list()).runs.map(({ id }) => id)).toEqual(['young'])
})

async function rows(table: string): Promise<number> {
  const database = new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 100 })
  const count = Number(database.prepare(`select count(*) as n from ${table}`).get()?.n)
  database.close()
  return count
}

async function edit(sql: string): Promise<void> {
  const database = new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 100 })
  database.exec(sql)
  database.close()
}
