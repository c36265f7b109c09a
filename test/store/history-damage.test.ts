import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { databaseStore } from '../../src/store/database.ts'
import { loadEngine } from '../../src/store/engine.ts'
import type { HistoryStore } from '../../src/store/history.ts'
import { historyDatabase } from '../../src/store/history-database.ts'
import { anAudit, aSample, samplesIn } from './audit-on-record.ts'
import { sealedRun } from './sealed-run.ts'

/** Whatever becomes of the file, whoever has something to keep keeps it, and hears of it. */

let state: string
let path: string
let told: string[]
let store: HistoryStore

beforeEach(async () => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  path = join(state, 'ctfleet.db')
  told = []
  store = historyDatabase(state, (sentence) => told.push(sentence))
  await databaseStore(state, () => {}).save(sealedRun())
  const samples = Array.from({ length: 400 }, (_, at) => aSample(new Date(AT + at * 60_000).toISOString()))
  await store.keepAudit(anAudit(), samples)
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const AT = Date.parse('2026-11-26T00:00:00Z')
const due = { schedule: 'night', at: '2026-11-26T02:00:00.000Z' }
const PAGE = 4096

const damages: readonly (readonly [name: string, damage: () => void])[] = [
  ['something else', () => writeFileSync(path, 'no database at all\n'.repeat(100))],
  ['garbage in its header', () => writeFileSync(path, readFileSync(path).fill('x', 0, 100))],
  ['cut off', () => truncateSync(path, PAGE + 1)],
  ['all but its first page overwritten', () => writeFileSync(path, readFileSync(path).fill(0xa5, PAGE))],
]
const works: readonly (readonly [name: string, work: () => Promise<unknown>, expected: unknown])[] = [
  ['keeping an audit', async () => await store.keepAudit(anAudit({ id: 'new' }), []), true],
  ['keeping samples', async () => await store.keepSamples([aSample('2026-11-27T00:00:00Z')]), undefined],
  ['listing audits', async () => await store.audits({}), { audits: [], damaged: [] }],
  ['looking for an audit', async () => await store.loadAudit('last'), { type: 'none' }],
  ['reading samples', async () => await samplesIn(store, { since: '2026-01-01T00:00:00Z' }), []],
  ['taking a due time', async () => await store.claim({ due, by: 'a', now: due.at, until: due.at }), 'mine'],
  ['asking for the latest due time', async () => await store.latest('night', due.at), null],
]
const cases = damages.flatMap(([damage, doIt]) =>
  works.map(([work, meet, expected]) => [damage, work, { doIt, meet, expected }] as const),
)

describe('a damaged file is set aside, said so, and work goes on in a new one', () => {
  test.each(cases)('%s, met by %s', async (_damage, _work, { doIt, meet, expected }) => {
    doIt()
    expect(await meet()).toEqual(expected)
    expect(told).toEqual([
      expect.stringMatching(/ctfleet\.db was damaged \(.+\); it was set aside as .+\.damaged-\d{8}T\d{6}Z$/),
    ])
    expect(readdirSync(state).filter((name) => /damaged-\w+$/.test(name))).toHaveLength(1)
    expect(await store.keepAudit(anAudit({ id: 'after' }), [])).toBe(true)
    expect(await store.loadAudit('after')).toMatchObject({ type: 'found' })
  })
})

test('whichever page is overwritten, what is read is true or said to be lost, and never half of it', async () => {
  const whole = readFileSync(path)
  const pages = Math.floor(statSync(path).size / PAGE)
  const outcomes = new Set<string>()
  for (let page = 1; page < pages; page++) {
    writeFileSync(path, Buffer.from(whole).fill(0xa5, page * PAGE, (page + 1) * PAGE))
    told.length = 0
    const found = await store.loadAudit(anAudit().id)
    const samples = await samplesIn(store, { since: '2026-01-01T00:00:00Z' })
    outcomes.add(found.type)
    if (found.type === 'found') expect(found.audit).toEqual(anAudit())
    for (const sample of samples) expect(sample).toMatchObject({ host: 'web-1', entries: 1000, max: 262_144 })
    if (samples.length < 400) expect(told.length).toBeGreaterThan(0)
  }
  expect(outcomes.has('found')).toBe(true)
  expect(outcomes.size).toBeGreaterThan(1)
})

test('while another program writes, whoever wants to waits, and gets his way', async () => {
  const other = new (await loadEngine())(path, { timeout: 100 })
  other.exec('begin immediate')
  const kept = store.keepAudit(anAudit({ id: 'waited' }), [])
  // What is on record can be read meanwhile.
  expect((await store.audits({})).audits).toHaveLength(1)
  await new Promise((resolve) => setTimeout(resolve, 300))
  other.exec('commit')
  other.close()
  expect(await kept).toBe(true)
  expect(told).toEqual([])
})
