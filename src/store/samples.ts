import type { Sample } from '../model/history.ts'
import type { Database, Row } from './engine.ts'
import { timeText } from './time-text.ts'

/** Inside a transaction that writes. Of two for the same moment the later one counts. */
export function keepSamples(database: Database, samples: readonly Sample[]): void {
  const find = database.prepare('select id from series where host = ? and inventory = ?')
  const begin = database.prepare('insert into series (host, inventory) values (?, ?)')
  const insert = database.prepare(
    `insert or replace into samples (series, at, boot, entries, max, buckets, drops, early_drops, insert_failed)
     values (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  for (const { host, inventory, at, boot, ...read } of samples) {
    const { entries, max, buckets, drops, earlyDrops, insertFailed } = read
    if (find.get(host, inventory) === undefined) begin.run(host, inventory)
    const series = Number(find.get(host, inventory)?.id)
    insert.run(series, timeText(at), boot, ...[entries, max, buckets, drops, earlyDrops, insertFailed].map(countOf))
  }
}

/** Oldest first; rows that hold something else than samples do are left out. */
export function readSamples(
  database: Database,
  { host, inventory, since }: { readonly host?: string; readonly inventory?: string; readonly since: string },
): readonly Sample[] {
  const wanted = [
    ...(host === undefined ? [] : [['host = ?', host] as const]),
    ...(inventory === undefined ? [] : [['inventory = ?', inventory] as const]),
    ['at >= ?', timeText(since)] as const,
  ]
  return database
    .prepare(
      `select host, inventory, at, boot, entries, max, buckets, drops, early_drops, insert_failed
       from samples join series on series.id = samples.series
       where ${wanted.map(([condition]) => condition).join(' and ')} order by at, host, inventory`,
    )
    .all(...wanted.map(([, value]) => value))
    .flatMap(sampleOf)
}

export function readLastSamples(database: Database, inventory: string): readonly Sample[] {
  return database
    .prepare(
      `select host, inventory, at, boot, entries, max, buckets, drops, early_drops, insert_failed
       from series join samples on samples.series = series.id
       where inventory = ?1 and at = (
         select max(at) from samples where series = series.id
         and at <= coalesce((select max(ended_at) from audits where inventory = ?1), '9999')
       ) order by host`,
    )
    .all(inventory)
    .flatMap(sampleOf)
}

function sampleOf(row: Row): readonly Sample[] {
  const { host, inventory, at, boot } = row
  if (typeof host !== 'string' || typeof inventory !== 'string' || typeof at !== 'string') return []
  if (Number.isNaN(Date.parse(at))) return []
  return [
    {
      host,
      inventory,
      at,
      boot: typeof boot === 'string' ? boot : null,
      entries: numberOf(row.entries),
      max: numberOf(row.max),
      buckets: numberOf(row.buckets),
      drops: numberOf(row.drops),
      earlyDrops: numberOf(row.early_drops),
      insertFailed: numberOf(row.insert_failed),
    },
  ]
}

/** A strict column takes whole numbers alone; what no counter can be is as good as not known. */
function countOf(value: number | null): number | null {
  return value !== null && Number.isSafeInteger(value) && value >= 0 ? value : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}
