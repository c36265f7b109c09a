import { existsSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { HostResult } from '../model/result.ts'
import type { Approval, Run } from '../model/run.ts'
import { databaseFile } from './database-file.ts'
import type { Database, Row } from './engine.ts'
import { listRuns, rowPlace } from './list-runs.ts'
import { putAside, readOldRuns } from './old-runs.ts'
import {
  APPROVAL_COLUMNS,
  approvalValues,
  planOf,
  RESULT_COLUMNS,
  RUN_COLUMNS,
  readApprovalRow,
  readResultRow,
  readRunRow,
  resultValues,
  runValues,
} from './rows.ts'
import { isText } from './shape.ts'
import type { Damaged, Found, RunStore } from './store.ts'

/**
 * Runs in `<state>/ctfleet.db`. Several programs may use it at once.
 * @param tell hears, in a sentence, what was found damaged and set aside.
 */
export function databaseStore(state: string, tell: (sentence: string) => void): RunStore {
  const file = databaseFile(join(state, 'ctfleet.db'), tell)
  const { path } = file

  const change = async <T>(work: (database: Database) => T): Promise<T> => {
    await takeOver(join(state, 'runs'))
    return await file.change(work)
  }
  const look = async <T>(work: (database: Database) => T): Promise<T | null> => {
    await takeOver(join(state, 'runs'))
    return await file.look(work)
  }
  /** Once: afterwards the directory has another name. What is in the database already is newer. */
  const takeOver = async (directory: string): Promise<void> => {
    if (!existsSync(directory)) return
    const { runs, damaged } = await readOldRuns(directory)
    await file.change((database) => {
      for (const run of runs) if (!isThere(database, run.id)) insertRun(database, run)
    })
    const aside = await putAside(directory)
    if (aside === null) return
    for (const { place, why } of damaged)
      tell(`${join(aside, basename(place))} ${why}; it was not taken over into ${path}`)
  }

  return {
    async prepare() {
      await change(() => {})
    },

    async save(run) {
      await change((database) => {
        database.prepare('delete from results where run = ?').run(run.id)
        database.prepare('delete from approvals where run = ?').run(run.id)
        database.prepare('delete from runs where id = ?').run(run.id)
        insertRun(database, run)
      })
    },

    async record(id, results, approvals = []) {
      return await change((database) => {
        if (!isThere(database, id)) return false
        const putPlan = planWriter(database)
        const update = database.prepare(
          `update results set (${RESULT_COLUMNS}, updated_at) = (?, ?, ?, ?, ?, ?, ?, ?) where run = ? and host = ?`,
        )
        const now = new Date().toISOString()
        for (const result of results) {
          putPlan(result)
          const { changes } = update.run(...resultValues(result), now, id, result.host)
          if (Number(changes) === 0) insertResults(database, id, [result])
        }
        insertApprovals(database, id, approvals)
        return true
      })
    },

    async end(id, endedAt) {
      const { changes } = await change((database) =>
        database.prepare('update runs set ended_at = ? where id = ?').run(endedAt, id),
      )
      return Number(changes) > 0
    },

    async list() {
      return (await look((database) => listRuns(database, path))) ?? { runs: [], damaged: [] }
    },

    async has(wanted) {
      return ((await look((database) => idsLike(database, wanted))) ?? []).length > 0
    },

    async load(wanted) {
      const found = await look((database): Found => {
        const [id, ...more] = idsLike(database, wanted)
        if (id === undefined) return { type: 'none' }
        return more.length > 0 ? { type: 'several', ids: [id, ...more] } : loadFrom(database, path, id)
      })
      return found ?? { type: 'none' }
    },
  }
}

function isThere(database: Database, id: string): boolean {
  return database.prepare('select 1 from runs where id = ?').get(id) !== undefined
}

function insertRun(database: Database, run: Run): void {
  database.prepare(`insert into runs (${RUN_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)`).run(...runValues(run))
  const putPlan = planWriter(database)
  for (const result of run.results) putPlan(result)
  insertResults(database, run.id, run.results)
  insertApprovals(database, run.id, run.approvals ?? [])
}

function insertApprovals(database: Database, id: string, approvals: readonly Approval[]): void {
  // A write that failed when it was on disk already is done again.
  const insert = database.prepare(
    `insert or replace into approvals (run, ${APPROVAL_COLUMNS}) values (?, ?, ?, ?, ?, ?, ?)`,
  )
  for (const approval of approvals) insert.run(id, ...approvalValues(approval))
}

function insertResults(database: Database, id: string, results: readonly HostResult[]): void {
  const next = Number(database.prepare('select count(*) as n from results where run = ?').get(id)?.n)
  const insert = database.prepare(
    `insert into results (${RESULT_COLUMNS}, updated_at, run, host, place) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const now = new Date().toISOString()
  for (const [at, result] of results.entries()) insert.run(...resultValues(result), now, id, result.host, next + at)
}

/** A plan is printed and written once, however often its host's result changes. */
function planWriter(database: Database): (result: HostResult) => void {
  const find = database.prepare('select 1 from plans where id = ?')
  const insert = database.prepare('insert into plans (id, text) values (?, ?)')
  return (result) => {
    const plan = planOf(result)
    if (plan !== null && find.get(plan.id) === undefined) insert.run(plan.id, JSON.stringify(plan))
  }
}

function loadFrom(database: Database, path: string, id: string): Found {
  const row = database.prepare(`select ${RUN_COLUMNS} from runs where id = ?`).get(id)
  const run = readRunRow(row ?? {})
  if ('unread' in run) return { type: 'damaged', place: `run ${id} in ${path}`, why: run.unread }
  const results: HostResult[] = []
  const damaged: Damaged[] = []
  const rows = database.prepare('select * from results where run = ? order by place').all(id)
  // One at a time: those of a large fleet are hundreds of megabytes of text.
  const plans = database.prepare('select text from plans where id = ?')
  for (const each of rows) {
    const result = readResultRow(each, isText(each.plan) ? plans.get(each.plan)?.text : null)
    if ('unread' in result) damaged.push({ place: rowPlace(path, each), why: result.unread })
    else results.push(result)
  }
  const approvals = approvalsOf(database, id, (row, why) =>
    damaged.push({ place: `the yes to ${rowPlace(path, row)}`, why }),
  )
  return { type: 'found', run: { ...run, results, ...(approvals.length === 0 ? {} : { approvals }) }, damaged }
}

function approvalsOf(database: Database, id: string, tell: (row: Row, why: string) => void): readonly Approval[] {
  return database
    .prepare('select * from approvals where run = ? order by at, host')
    .all(id)
    .flatMap((row) => {
      const approval = readApprovalRow(row)
      if (!('unread' in approval)) return [approval]
      tell(row, approval.unread)
      return []
    })
}

/** The one of exactly this name, else all that begin like it, newest first. */
function idsLike(database: Database, wanted: string): readonly string[] {
  if (wanted === '' || isThere(database, wanted)) return wanted === '' ? [] : [wanted]
  const rows = database.prepare('select id from runs where substr(id, 1, ?) = ? order by id desc')
  return rows.all(wanted.length, wanted).map(({ id }) => String(id))
}
