import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { databaseStore } from '../../src/store/database.ts'
import { type Database, loadEngine } from '../../src/store/engine.ts'
import type { RunStore } from '../../src/store/store.ts'
import { summaryOf } from '../report/run-summary.ts'
import { EVERY_STATUS, sealedRun } from './sealed-run.ts'

let state: string
let path: string
let store: RunStore
let told: string[]

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  path = join(state, 'ctfleet.db')
  told = []
  store = databaseStore(state, (sentence) => told.push(sentence))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

describe('a damaged file is set aside, said so, and a new one begun', () => {
  const damages: readonly (readonly [name: string, damage: () => void])[] = [
    ['something else', () => writeFileSync(path, 'no database at all\n'.repeat(100))],
    ['a few bytes', () => writeFileSync(path, 'SQLite')],
    ['cut off', () => truncateSync(path, statSync(path).size - 8192)],
    ['cut off within its first page', () => truncateSync(path, 100)],
    ['with a page of zeros', () => writeFileSync(path, withZeros(readFileSync(path), 0, 4096))],
    ['with all but its first page zeros', () => writeFileSync(path, withZeros(readFileSync(path), 4096))],
  ]
  const works: readonly (readonly [name: string, work: () => Promise<unknown>])[] = [
    ['reading', async () => expect(await store.list()).toEqual({ runs: [], damaged: [] })],
    ['looking for a run', async () => expect(await store.load(sealedRun().id)).toEqual({ type: 'none' })],
    ['preparing', async () => await store.prepare()],
    ['recording', async () => expect(await store.record(sealedRun().id, EVERY_STATUS)).toBe(false)],
  ]
  const cases = damages.flatMap(([damage, doIt]) => works.map(([work, meet]) => [damage, work, doIt, meet] as const))

  test.each(cases)('%s, met by %s', async (_damage, _work, damage, work) => {
    await store.save(sealedRun({ results: EVERY_STATUS }))
    damage()
    const damaged = readFileSync(path)
    await work()
    await store.save(sealedRun())
    expect((await store.list()).runs).toEqual([summaryOf(sealedRun())])

    expect(told).toEqual([
      expect.stringMatching(/ctfleet\.db was damaged \(.+\); it was set aside as .+\.damaged-\d{8}T\d{6}Z$/),
    ])
    const aside = readdirSync(state).filter((name) => /damaged-\w+$/.test(name))
    // A write that met only the sound first page counted in its header.
    const below = aside.map((name) => readFileSync(join(state, name)).subarray(100).equals(damaged.subarray(100)))
    expect(below).toEqual([true])
  })

  test('two that are damaged in one second keep names of their own', async () => {
    for (const garbage of ['one', 'two', 'three']) {
      writeFileSync(path, garbage.repeat(200))
      await store.list()
    }
    expect(readdirSync(state).filter((name) => name.includes('.damaged-') && !name.endsWith('-journal'))).toHaveLength(
      3,
    )
  })

  test('a run that was being recorded is whole in the new one, once it is saved again', async () => {
    await store.save(sealedRun({ endedAt: null }))
    writeFileSync(path, 'garbage'.repeat(1000))
    expect(await store.record(sealedRun().id, [])).toBe(false)
    await store.save(sealedRun())
    expect(await store.load(sealedRun().id)).toMatchObject({ type: 'found', run: sealedRun() })
  })
})

describe('what cannot be read is named, and hides nothing else', () => {
  const cases: readonly (readonly [name: string, sql: string, place: string, why: RegExp])[] = [
    [
      'a status nobody knows',
      "update results set status = 'fine' where host = 'web-2'",
      'host web-2',
      /nobody knows, "fine"/,
    ],
    ['a fault that is none', `update results set fault = '{"code":1}' where host = 'web-2'`, 'host web-2', /fault/],
    ['half a fault', `update results set fault = '{"co' where host = 'web-2'`, 'host web-2', /fault/],
  ]
  test.each(cases)('in lists: %s', async (_name, sql, place, why) => {
    await store.save(sealedRun())
    await edit(sql)
    const { runs, damaged } = await store.list()
    const { hosts, ...run } = summaryOf(sealedRun())
    expect(runs).toEqual([{ ...run, hosts: hosts.filter(({ host }) => host !== 'web-2') }])
    expect(damaged).toEqual([
      { place: `${place} of run ${sealedRun().id} in ${path}`, why: expect.stringMatching(why) },
    ])
  })

  const inPlans: typeof cases = [
    ...cases,
    [
      'an applied host without its transaction',
      `update results set "transaction" = null where host = 'web-1'`,
      'host web-1',
      /applied/,
    ],
    [
      'a transaction that leads elsewhere',
      `update results set "transaction" = '../etc' where host = 'web-1'`,
      'host web-1',
      /applied/,
    ],
    [
      'a plan that is gone',
      `delete from plans where id = (select plan from results where host = 'web-1')`,
      'host web-1',
      /plan/,
    ],
    [
      'half a plan',
      `update plans set text = substr(text, 1, 99) where id = (select plan from results where host = 'web-1')`,
      'host web-1',
      /plan/,
    ],
    ['more that is no JSON', `update results set more = '{' where host = 'web-8'`, 'host web-8', /not a result/],
  ]
  test.each(inPlans)('in a run: %s', async (_name, sql, place, why) => {
    await store.save(sealedRun())
    await edit(sql)
    const found = await store.load(sealedRun().id)
    if (found.type !== 'found') throw new Error(found.type)
    expect(found.damaged).toEqual([
      { place: `${place} of run ${sealedRun().id} in ${path}`, why: expect.stringMatching(why) },
    ])
    expect(found.run.results).toEqual(sealedRun().results.filter(({ host }) => `host ${host}` !== place))
  })

  test('a run', async () => {
    await store.save(sealedRun())
    await store.save(sealedRun({ id: 'odd' }))
    await edit("update runs set started_at = 'yesterday' where id = 'odd'")
    const damaged = { place: `run odd in ${path}`, why: 'has no sound startedAt' }
    expect(await store.list()).toEqual({ runs: [summaryOf(sealedRun())], damaged: [damaged] })
    expect(await store.load('odd')).toEqual({ type: 'damaged', ...damaged })
    expect(await store.load(sealedRun().id)).toMatchObject({ type: 'found' })
  })

  test('text that is no text: read as far as it is, and no reason to fall over', async () => {
    await store.save(sealedRun())
    await edit("update runs set inventory = cast(x'ff00fe41' as text)")
    expect((await store.list()).runs).toHaveLength(1)
  })
})

test('the record of a later ctfleet is left alone, and said to be one', async () => {
  await store.save(sealedRun())
  await edit('pragma user_version = 99')
  const before = readFileSync(path)
  await expect(store.list()).rejects.toThrow(/ctfleet\.db: it was written by a later ctfleet/)
  await expect(store.prepare()).rejects.toThrow(/later ctfleet/)
  expect(readFileSync(path).equals(before)).toBe(true)
  expect(told).toEqual([])
})

describe('a store that cannot be', () => {
  test('a file where the directory should be', async () => {
    const there = databaseStore(join(path, 'below'), () => {})
    writeFileSync(path, '')
    await expect(there.prepare()).rejects.toThrow(/ENOTDIR|EEXIST/)
  })
  test('a directory where the file should be', async () => {
    mkdirSync(path)
    await expect(store.prepare()).rejects.toThrow(/ctfleet\.db/)
    await expect(store.list()).rejects.toThrow(/ctfleet\.db/)
    expect(existsSync(path)).toBe(true)
  })
})

async function edit(sql: string): Promise<void> {
  const engine = await loadEngine()
  const database: Database = new engine(path, { timeout: 0 })
  database.exec(sql)
  database.close()
}

function withZeros(bytes: Buffer, from: number, to = bytes.length): Buffer {
  return bytes.fill(0, from, to)
}
