import { type About, parseAbout } from './about.ts'
import { type JournalRecord, parseRecord } from './records.ts'

/** One transaction as its host tells of it. */
export type HostTransaction = {
  readonly id: string
  /** Null where it was written by somebody else, or damaged. */
  readonly about: About | null
  /** It had not begun when it was closed, or was cut off on its way to the host. */
  readonly never: boolean
  /** A process on the host is still at it. */
  readonly carried: boolean
  /** The host was restarted since: what was changed at run time is gone. */
  readonly restarted: boolean
  readonly records: readonly JournalRecord[]
}

/** Of one transaction: `LIST` prints no more lines of a journal. */
const MOST_RECORDS = 200

/** Total: what `LIST` printed on a host, or null where it ended early. Lines that are nothing of ours are passed over. */
export function parseListing(output: string): readonly HostTransaction[] | null {
  const rows = output.split('\n')
  if (!rows.includes('# end')) return null
  const listed: ({ -readonly [key in keyof HostTransaction]: HostTransaction[key] } & { records: JournalRecord[] })[] =
    []
  for (const row of rows) {
    const id = /^# transaction ([A-Za-z0-9-]{1,40})$/.exec(row)?.[1]
    if (id !== undefined) {
      listed.push({ id, about: null, never: false, carried: false, restarted: false, records: [] })
      continue
    }
    const current = listed.at(-1)
    if (current === undefined) continue
    if (row.startsWith('# about ')) current.about = parseAbout(row.slice('# about '.length))
    else if (row === '# never') current.never = true
    else if (row === '# carried') current.carried = true
    else if (row === '# restarted') current.restarted = true
    else {
      const record = parseRecord(row)
      if (record !== null && current.records.length < MOST_RECORDS) current.records.push(record)
    }
  }
  return listed
}

/** The transaction that the host's lock names; empty where the lock has lost its name, null where there is no lock. */
export function parseLock(output: string): string | null {
  return /^# lock ?(.*)$/m.exec(output)?.[1] ?? null
}
