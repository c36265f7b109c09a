import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { fileStore, stateDirectory } from '../../src/store/files.ts'
import { newRunId } from '../../src/store/run-id.ts'
import type { RunStore } from '../../src/store/store.ts'
import { aRun, ENDED_FLEET } from '../report/fleet.ts'

let state: string
let store: RunStore
const runs = () => join(state, 'runs')

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  store = fileStore(state)
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

test('what was saved is loaded as it was, whole plans and all', async () => {
  const run = aRun()
  await store.save(run)
  expect(await store.load(run.id)).toEqual({ type: 'found', run })
})

test('saving again replaces what was there', async () => {
  await store.save(aRun({ endedAt: null, results: [] }))
  await store.save(aRun())
  expect((await store.list()).runs).toEqual([aRun()])
  expect(readdirSync(runs())).toEqual([`${aRun().id}.json`])
})

test('runs are for their owner alone', async () => {
  await store.save(aRun())
  expect(statSync(runs()).mode & 0o777).toBe(0o700)
  expect(statSync(join(runs(), `${aRun().id}.json`)).mode & 0o777).toBe(0o600)
})

test('runs are listed newest first, those of one minute too', async () => {
  const times = ['09:42:59', '09:42:01', '08:00:00', '09:42:30']
  for (const [at, time] of times.entries()) {
    const startedAt = `2026-11-26T${time}.000Z`
    await store.save(aRun({ id: `20261126-${time.slice(0, 5).replace(':', '')}-000${at}`, startedAt }))
  }
  const listed = (await store.list()).runs.map(({ startedAt }) => startedAt.slice(11, 19))
  expect(listed).toEqual(['09:42:59', '09:42:30', '09:42:01', '08:00:00'])
})

test('an empty or missing directory holds no runs', async () => {
  expect(await store.list()).toEqual({ runs: [], damaged: [] })
  expect(await store.load('last')).toEqual({ type: 'none' })
  expect(await store.load('2026')).toEqual({ type: 'none' })
})

describe('a run is named', () => {
  beforeEach(async () => {
    await store.save(aRun({ id: '20261126-0942-7f3a', startedAt: '2026-11-26T09:42:00.000Z' }))
    await store.save(aRun({ id: '20261126-0950-11aa', startedAt: '2026-11-26T09:50:00.000Z' }))
    await store.save(
      aRun({ id: '20261126-1010-beef', startedAt: '2026-11-26T10:10:00.000Z', command: 'rollback', of: 'x' }),
    )
  })

  test('by its id, or by the beginning of it', async () => {
    expect(await idOf('20261126-0942-7f3a')).toBe('20261126-0942-7f3a')
    expect(await idOf('20261126-095')).toBe('20261126-0950-11aa')
  })
  test('as last: the newest apply whose change still stands on some host', async () => {
    expect(await idOf('last')).toBe('20261126-0950-11aa')
    await store.save(aRun({ id: '20261126-1000-0000', startedAt: '2026-11-26T10:00:00.000Z', results: [] }))
    await store.save(takingBack('20261126-0950-11aa'))
    expect(await idOf('last')).toBe('20261126-0942-7f3a')
    await store.save(takingBack('20261126-0942-7f3a'))
    expect(await idOf('last')).toBe('none')
  })
  test('by too little: those that it could be, newest first', async () => {
    expect(await store.load('20261126-09')).toEqual({
      type: 'several',
      ids: ['20261126-0950-11aa', '20261126-0942-7f3a'],
    })
  })
  test('by nothing, or by a path out of the store', async () => {
    expect(await store.load('')).toEqual({ type: 'none' })
    expect(await store.load('../runs/20261126-0942-7f3a')).toEqual({ type: 'none' })
  })

  function takingBack(of: string) {
    const result = { host: 'web-1', status: 'rolled-back', plan: null, transaction: '3fe12545e6', fault: null } as const
    return aRun({ id: `back-${of}`, command: 'rollback', of, results: [result] })
  }

  async function idOf(wanted: string): Promise<string> {
    const found = await store.load(wanted)
    return found.type === 'found' ? found.run.id : found.type
  }
})

describe('a damaged file is named and skipped', () => {
  const whole = JSON.stringify({ version: 1, ...aRun({ id: 'damaged' }) })
  const cases: readonly (readonly [name: string, text: string, why: RegExp])[] = [
    ['cut off', whole.slice(0, 200), /is not JSON/],
    ['empty', '', /is not JSON/],
    ['something else', '[]', /is not a run/],
    ['of a later version', JSON.stringify({ ...JSON.parse(whole), version: 2 }), /version 2/],
    ['without a field', JSON.stringify({ ...JSON.parse(whole), by: undefined }), /no sound by/],
    [
      'with a status nobody knows',
      JSON.stringify({ ...JSON.parse(whole), results: [{ host: 'a', status: 'fine' }] }),
      /results/,
    ],
    [
      'applied without a transaction',
      JSON.stringify({ ...JSON.parse(whole), results: [{ ...ENDED_FLEET[0], transaction: null }] }),
      /results/,
    ],
    ['under another name', JSON.stringify({ ...JSON.parse(whole), id: 'other' }), /holds run other/],
  ]
  test.each(cases)('%s', async (_name, text, why) => {
    await store.save(aRun())
    writeFileSync(join(runs(), 'damaged.json'), text)
    const { runs: listed, damaged } = await store.list()
    expect(listed).toEqual([aRun()])
    expect(damaged).toEqual([{ place: join(runs(), 'damaged.json'), why: expect.stringMatching(why) }])
    expect(await store.load('damaged')).toMatchObject({ type: 'damaged', place: join(runs(), 'damaged.json') })
    expect(await store.load('last')).toMatchObject({ type: 'found' })
  })

  test('a directory in the place of a file', async () => {
    mkdirSync(join(runs(), 'damaged.json'), { recursive: true })
    expect((await store.list()).damaged).toHaveLength(1)
  })
})

test('a file that was being written when the plug was pulled is nobody’s run', async () => {
  await store.save(aRun())
  writeFileSync(join(runs(), `.${aRun().id}.json.123.0`), '{"version":1,')
  expect(await store.list()).toEqual({ runs: [aRun()], damaged: [] })
})

test('a save that fails says so, and leaves nothing half written', async () => {
  mkdirSync(join(runs(), `${aRun().id}.json`, 'in the way'), { recursive: true })
  await expect(store.save(aRun())).rejects.toThrow()
  expect(readdirSync(runs())).toEqual([`${aRun().id}.json`])
})

test('a reader sees the old record or the new one, never half of one', async () => {
  const short = aRun({ results: [] })
  await store.save(short)
  let isDone = false
  const writing = (async () => {
    for (let turn = 0; turn < 20; turn++) await store.save(turn % 2 === 0 ? aRun() : short)
    isDone = true
  })()
  const file = join(runs(), `${aRun().id}.json`)
  while (!isDone) {
    expect([0, ENDED_FLEET.length]).toContain(JSON.parse(readFileSync(file, 'utf8')).results.length)
    await new Promise(setImmediate)
  }
  await writing
})

test('a store that cannot be written says so before anything is saved', async () => {
  writeFileSync(join(state, 'runs'), 'a file where the directory should be')
  await expect(store.prepare()).rejects.toThrow()
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
