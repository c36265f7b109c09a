import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Run } from '../../src/model/run.ts'
import { databaseStore } from '../../src/store/database.ts'
import type { RunStore } from '../../src/store/store.ts'
import { summaryOf } from '../report/run-summary.ts'
import { sealedRun } from './sealed-run.ts'

let state: string
let store: RunStore
let told: string[]

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  told = []
  store = databaseStore(state, (sentence) => told.push(sentence))
  mkdirSync(join(state, 'runs'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const first = sealedRun()
const second = sealedRun({
  id: '20261126-1003-02b1',
  startedAt: '2026-11-26T10:03:00.000Z',
  command: 'rollback',
  of: first.id,
})

test('runs from when each was a file are taken over whole, once, and the files kept for a person', async () => {
  write(first)
  write(second)
  writeFileSync(join(state, 'runs', `.${first.id}.json.123.0`), '{"version":1,')
  expect((await store.list()).runs).toEqual([summaryOf(second), summaryOf(first)])
  expect(await store.load(first.id)).toEqual({ type: 'found', run: first, damaged: [] })
  expect(readdirSync(state)).toEqual(['ctfleet.db', 'ctfleet.db-journal', 'runs.imported'])
  expect(readdirSync(join(state, 'runs.imported'))).toContain(`${first.id}.json`)
  expect(told).toEqual([])
})

test('whoever comes first takes them over, also to write', async () => {
  write(first)
  await store.save(second)
  expect((await store.list()).runs).toEqual([summaryOf(second), summaryOf(first)])
})

test('what the database has already is newer than the file', async () => {
  write(first)
  await store.prepare()
  mkdirSync(join(state, 'runs'))
  write({ ...first, by: 'mallory@elsewhere' })
  write(second)
  expect((await store.list()).runs).toEqual([summaryOf(second), summaryOf(first)])
  expect(readdirSync(state)).toEqual(expect.arrayContaining(['runs.imported', 'runs.imported-2']))
})

test('several at once take them over once', async () => {
  write(first)
  const stores = [store, ...[1, 2, 3].map(() => databaseStore(state, (sentence) => told.push(sentence)))]
  const lists = await Promise.all(stores.map(async (each) => await each.list()))
  for (const { runs } of lists) expect(runs).toEqual([summaryOf(first)])
  expect(told).toEqual([])
})

describe('a file that cannot be read is named once, and hides no other', () => {
  const whole = JSON.parse(printed(sealedRun({ id: 'damaged' })))
  const cases: readonly (readonly [name: string, text: string, why: RegExp])[] = [
    ['cut off', JSON.stringify(whole).slice(0, 200), /is not JSON/],
    ['empty', '', /is not JSON/],
    ['something else', '[]', /is not a run/],
    ['of a later version', JSON.stringify({ ...whole, version: 2 }), /version 2/],
    ['without a field', JSON.stringify({ ...whole, by: undefined }), /no sound by/],
    ['with a status nobody knows', JSON.stringify({ ...whole, results: [{ host: 'a', status: 'fine' }] }), /results/],
    ['under another name', JSON.stringify({ ...whole, id: 'other' }), /holds run other/],
  ]
  test.each(cases)('%s', async (_name, text, why) => {
    write(first)
    writeFileSync(join(state, 'runs', 'damaged.json'), text)
    expect(await store.list()).toEqual({ runs: [summaryOf(first)], damaged: [] })
    expect(await store.load('damaged')).toEqual({ type: 'none' })
    expect(told).toEqual([
      expect.stringMatching(/runs\.imported\/damaged\.json .*; it was not taken over into .*ctfleet\.db$/),
    ])
    expect(told[0]).toMatch(why)
  })

  test('a directory in the place of a file', async () => {
    mkdirSync(join(state, 'runs', 'damaged.json'))
    await store.list()
    expect(told).toHaveLength(1)
  })
})

function write(run: Run): void {
  writeFileSync(join(state, 'runs', `${run.id}.json`), printed(run))
}

/** As ctfleet 0.1 wrote it. */
function printed(run: Run): string {
  return `${JSON.stringify({ version: 1, ...run })}\n`
}
