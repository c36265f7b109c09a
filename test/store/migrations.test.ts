import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { databaseStore } from '../../src/store/database.ts'
import { type Database, loadEngine } from '../../src/store/engine.ts'
import { historyDatabase } from '../../src/store/history-database.ts'
import { resultValues } from '../../src/store/rows.ts'
import { anAudit, aSample, samplesIn } from './audit-on-record.ts'
import { sealedRun } from './sealed-run.ts'

let state: string
beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

/** The SQL with which each version made its file, as it was released; never to be changed. */
const MADE_BY: readonly (readonly [version: number, sql: string])[] = [
  [
    1,
    `create table runs (
       id text primary key, command text not null, started_at text not null, ended_at text,
       "by" text not null, inventory text not null, "of" text
     ) without rowid, strict;
     create table plans (id text primary key, text text not null) strict;
     create table results (
       run text not null, host text not null, place integer not null, status text not null, strategy text,
       "transaction" text, until text, fault text, plan text, more text not null, updated_at text not null,
       primary key (run, host)
     ) without rowid, strict;`,
  ],
  [
    2,
    `create table approvals (
       run text not null, host text not null, plan text not null, "by" text not null, at text not null, how text not null,
       note text, primary key (run, host)
     ) without rowid, strict;`,
  ],
]

const run = sealedRun()

describe.each(MADE_BY.map(([version]) => version))('a file of version %i', (version) => {
  beforeEach(async () => {
    const database = await opened()
    for (const [, sql] of MADE_BY.filter(([each]) => each <= version)) database.exec(sql)
    insertRun(database)
    database.exec(`pragma user_version = ${version}`)
    database.close()
  })

  test('keeps its runs, whoever is the first to open it, and to read or to write', async () => {
    expect(await historyDatabase(state, fail).audits({})).toEqual({ audits: [], damaged: [] })
    expect(await databaseStore(state, fail).load(run.id)).toEqual({ type: 'found', run, damaged: [] })
  })

  test('takes approvals', async () => {
    const { results, ...head } = sealedRun({ id: 'later' })
    const [{ host } = { host: '' }] = results
    const at = '2026-11-26T09:42:00.000Z'
    const approvals = [{ host, plan: '3f2a', by: 'alice@bastion', at, how: 'asked' as const }]
    const store = databaseStore(state, fail)
    await store.save({ ...head, results, approvals })
    expect(await store.load('later')).toMatchObject({ type: 'found', run: { approvals }, damaged: [] })
  })

  test('takes audits, samples and due times', async () => {
    const history = historyDatabase(state, fail)
    const due = { schedule: 'night', at: '2026-11-26T02:00:00.000Z' }
    expect(await history.claim({ due, by: 'a', now: due.at, until: '2026-11-26T02:10:00.000Z' })).toBe('mine')
    await history.keepAudit(anAudit({ due }), [aSample('2026-11-26T02:00:01.000Z')])
    expect(await history.loadAudit('last')).toMatchObject({ type: 'found', audit: { due } })
    expect(await samplesIn(history, { since: due.at })).toHaveLength(1)
    expect((await databaseStore(state, fail).list()).runs).toHaveLength(1)
  })

  test('has the same tables afterwards as a new one', async () => {
    await databaseStore(state, fail).prepare()
    const migrated = await tables()
    rmSync(join(state, 'ctfleet.db'))
    await databaseStore(state, fail).prepare()
    expect(migrated).toEqual(await tables())
  })

  test('is brought forward once by several that open it at the same time', async () => {
    const all = Array.from({ length: 6 }, (_, at) => (at % 2 === 0 ? databaseStore : historyDatabase)(state, fail))
    const read = all.map(async (store) =>
      'list' in store ? (await store.list()).runs.length : (await store.audits({})).audits.length,
    )
    expect(await Promise.all(read)).toEqual([1, 0, 1, 0, 1, 0])
  })
})

test('a migration that breaks off leaves the file as it was', async () => {
  const database = await opened()
  for (const [, sql] of MADE_BY) database.exec(sql)
  insertRun(database)
  // In the way of the last table that the next version makes.
  database.exec('create table sweeps (x); pragma user_version = 2')
  database.close()
  await expect(databaseStore(state, fail).list()).rejects.toThrow(/sweeps already exists/)
  const after = await opened()
  expect(after.prepare('pragma user_version').get()).toEqual({ user_version: 2 })
  expect(after.prepare("select count(*) as n from sqlite_schema where name = 'audits'").get()).toEqual({ n: 0 })
  after.close()
})

function fail(sentence: string): never {
  throw new Error(sentence)
}

async function opened(): Promise<Database> {
  return new (await loadEngine())(join(state, 'ctfleet.db'), { timeout: 100 })
}

async function tables(): Promise<unknown> {
  const database = await opened()
  const all = database.prepare('select type, name, tbl_name from sqlite_schema order by name').all()
  database.close()
  return all
}

/** As versions 1 and 2 wrote a run. */
function insertRun(database: Database): void {
  const { id, command, startedAt, endedAt, by, inventory, of } = run
  database
    .prepare('insert into runs values (?, ?, ?, ?, ?, ?, ?)')
    .run(id, command, startedAt, endedAt, by, inventory, of)
  for (const [place, result] of run.results.entries()) {
    const [status, strategy, transaction, until, fault, plan, more] = resultValues(result)
    const values = [id, result.host, place, status, strategy, transaction, until, fault, plan, more, startedAt]
    const planText = 'plan' in result && result.plan !== null ? JSON.stringify(result.plan) : null
    if (planText !== null) database.prepare('insert or ignore into plans values (?, ?)').run(plan ?? null, planText)
    database
      .prepare('insert into results values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)')
      .run(...values.map((value) => value ?? null))
  }
}
