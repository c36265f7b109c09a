import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Approval, Run } from '../../src/model/run.ts'
import { databaseStore } from '../../src/store/database.ts'
import { loadEngine } from '../../src/store/engine.ts'
import type { RunStore } from '../../src/store/store.ts'
import { sealedRun } from './sealed-run.ts'

let state: string
let store: RunStore

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  store = databaseStore(state, (sentence) => {
    throw new Error(sentence)
  })
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

const yes = (host: string, more: Partial<Approval> = {}): Approval => ({
  host,
  plan: '3f2a9c51d0e877aa9b0c63a0e0a5d4b2f4e0f1a2b3c4d5e6f708192a3b4c5d6e',
  by: 'alice@bastion',
  at: '2026-11-26T09:42:00.000Z',
  how: 'asked',
  ...more,
})
const APPROVED: Run = sealedRun({
  approvals: [
    yes('web-1'),
    yes('web-2', { how: 'file', note: 'changes.txt:3: CHG-1234, bob' }),
    yes('web-5', { how: 'same-change', at: '2026-11-26T09:42:07.000Z' }),
  ],
})

test('who approved what, when and how is kept with the run, through all that is recorded later', async () => {
  await store.save(APPROVED)
  await store.record(APPROVED.id, APPROVED.results.slice(0, 1))
  await store.end(APPROVED.id, '2026-11-26T10:00:00.000Z')
  const found = await store.load(APPROVED.id)
  expect(found).toMatchObject({ type: 'found', run: { approvals: APPROVED.approvals }, damaged: [] })
})

test('a yes that comes later is added to its run, and to none where that is not there', async () => {
  await store.save(APPROVED)
  const later = yes('web-9', { at: '2026-11-26T09:50:00.000Z' })
  expect(await store.record(APPROVED.id, [], [later])).toBe(true)
  expect(await approvals(APPROVED.id)).toEqual([...(APPROVED.approvals ?? []), later])
  expect(await store.record('20261126-1000-0000', [], [later])).toBe(false)
})

test('a run that is saved again has the approvals of the last time, and of no other run', async () => {
  await store.save(APPROVED)
  await store.save(sealedRun({ id: '20261126-1000-0000', approvals: [yes('web-9')] }))
  await store.save({ ...APPROVED, approvals: [yes('web-1')] })
  expect(await approvals(APPROVED.id)).toEqual([yes('web-1')])
  expect(await approvals('20261126-1000-0000')).toEqual([yes('web-9')])
})

test('one that cannot be read is named, and hides nothing else', async () => {
  await store.save(APPROVED)
  await edit(`update approvals set how = 'by pigeon' where host = 'web-2'`)
  const found = await store.load(APPROVED.id)
  expect(found).toMatchObject({
    type: 'found',
    run: { approvals: [yes('web-1'), { host: 'web-5' }] },
    damaged: [{ place: expect.stringContaining('web-2'), why: 'is not an approval' }],
  })
})

async function approvals(id: string) {
  const found = await store.load(id)
  return found.type === 'found' ? found.run.approvals : found.type
}

async function edit(sql: string): Promise<void> {
  const database = new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 100 })
  database.exec(sql)
  database.close()
}
