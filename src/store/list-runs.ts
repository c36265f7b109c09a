import type { HostSummary, RunSummary } from '../model/run.ts'
import type { Database, Row } from './engine.ts'
import { RUN_COLUMNS, readRunRow, readSummaryRow } from './rows.ts'
import type { Damaged, RunList } from './store.ts'

/** Newest first, plans unread. */
export function listRuns(database: Database, path: string): RunList {
  const damaged: Damaged[] = []
  const hostsOf = new Map<unknown, HostSummary[]>()
  const columns = 'run, host, status, strategy, "transaction", until, fault'
  for (const row of database.prepare(`select ${columns} from results order by run, place`).all()) {
    const host = readSummaryRow(row)
    if ('unread' in host) damaged.push({ place: rowPlace(path, row), why: host.unread })
    else entry(hostsOf, row.run).push(host)
  }
  const runs: RunSummary[] = []
  for (const row of database.prepare(`select ${RUN_COLUMNS} from runs`).all()) {
    const run = readRunRow(row)
    if ('unread' in run) damaged.push({ place: `run ${String(row.id)} in ${path}`, why: run.unread })
    else runs.push({ ...run, hosts: hostsOf.get(run.id) ?? [] })
  }
  return { runs: runs.toSorted(newestFirst), damaged }
}

export function rowPlace(path: string, { host, run }: Row): string {
  return `host ${String(host)} of run ${String(run)} in ${path}`
}

/** By the minute in the id alone two runs of one minute would stand in any order. */
function newestFirst(a: RunSummary, b: RunSummary): number {
  return Date.parse(b.startedAt) - Date.parse(a.startedAt) || (a.id < b.id ? 1 : -1)
}

function entry<K, V>(map: Map<K, V[]>, key: K): V[] {
  const there = map.get(key)
  if (there !== undefined) return there
  const made: V[] = []
  map.set(key, made)
  return made
}
