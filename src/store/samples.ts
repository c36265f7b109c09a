import type { Sample } from '../model/history.ts'
import type { Database, Row } from './engine.ts'
import type { ChosenSamples, SeriesName } from './history.ts'
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

/** Rows of a time that is none are left out wherever samples are read. */
export function firstSample(database: Database, { since, ...chosen }: ChosenSamples): string | null {
  const [condition, values] = wanted(chosen)
  const row = database
    .prepare(
      `select min(first) as first from (
         select (
           select at from samples where series = series.id and at >= ? and datetime(at) is not null order by at limit 1
         ) as first from series where ${condition}
       )`,
    )
    .get(timeText(since), ...values)
  return isTime(row?.first) ? row.first : null
}

/** In the order of hosts, then of inventories. */
export function seriesNames(database: Database, chosen: Partial<SeriesName>): readonly SeriesName[] {
  const [condition, values] = wanted(chosen)
  return database
    .prepare(`select host, inventory from series where ${condition} order by host, inventory`)
    .all(...values)
    .flatMap(({ host, inventory }) =>
      typeof host === 'string' && typeof inventory === 'string' ? [{ host, inventory }] : [],
    )
}

/** Samples that are enough for one view of the record. */
const ENOUGH = 10_000

/** The first of these series, at least one, each oldest first: as many as give enough to go on with. */
export function readSeries(
  database: Database,
  names: readonly SeriesName[],
  since: string,
): readonly (readonly Sample[])[] {
  const statement = database.prepare(
    `select at, boot, entries, max, buckets, drops, early_drops, insert_failed from samples
     where series = (select id from series where host = ? and inventory = ?) and at >= ? order by at`,
  )
  const from = timeText(since)
  const read: (readonly Sample[])[] = []
  for (let count = 0; count < ENOUGH && read.length < names.length; ) {
    const name = names[read.length]
    if (name === undefined) break
    const rows = statement.all(name.host, name.inventory, from)
    read.push(rows.flatMap((row) => sampleOf(row, name)))
    count += rows.length
  }
  return read
}

function wanted({ host, inventory }: Partial<SeriesName>): readonly [condition: string, values: readonly string[]] {
  const asked = Object.entries({ host, inventory }).flatMap(([column, value]) =>
    value === undefined ? [] : [[`${column} = ?`, value] as const],
  )
  return [asked.map(([condition]) => condition).join(' and ') || 'true', asked.map(([, value]) => value)]
}

export function readLastSamples(database: Database, inventory: string): readonly Sample[] {
  return database
    .prepare(
      `select host, at, boot, entries, max, buckets, drops, early_drops, insert_failed
       from series join samples on samples.series = series.id
       where inventory = ?1 and at = (
         select max(at) from samples where series = series.id
         and at <= coalesce((select max(ended_at) from audits where inventory = ?1), '9999')
       ) order by host`,
    )
    .all(inventory)
    .flatMap((row) => (typeof row.host === 'string' ? sampleOf(row, { host: row.host, inventory }) : []))
}

function sampleOf(row: Row, { host, inventory }: SeriesName): readonly Sample[] {
  const { at, boot } = row
  if (!isTime(at)) return []
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

function isTime(value: unknown): value is string {
  return typeof value === 'string' && !Number.isNaN(Date.parse(value))
}

/** A strict column takes whole numbers alone; what no counter can be is as good as not known. */
function countOf(value: number | null): number | null {
  return value !== null && Number.isSafeInteger(value) && value >= 0 ? value : null
}

function numberOf(value: unknown): number | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? value : null
}
