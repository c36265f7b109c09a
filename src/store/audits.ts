import { gunzipSync, gzipSync } from 'node:zlib'
import type { AuditReport } from '../model/audit.ts'
import type { AuditOnRecord, AuditSummary } from '../model/history.ts'
import { isReport, wrongAuditField } from './audit-shape.ts'
import type { Database, Row } from './engine.ts'
import type { AuditFound, AuditList, AuditSeries } from './history.ts'
import type { Damaged } from './store.ts'
import { timeText } from './time-text.ts'

const COLUMNS =
  'id, started_at, ended_at, "by", inventory, only_some, policy, schedule, due_at, critical, warning, info, hosts, unasked'

/** Inside a transaction that writes. @returns false where its due time has an audit already. */
export function keepAudit(database: Database, { report, ...audit }: AuditOnRecord): boolean {
  const { id, startedAt, endedAt, by, inventory, only, policy, due } = audit
  const dueAt = due === null ? null : timeText(due.at)
  if (due !== null) {
    const kept = database.prepare('select 1 from audits where schedule = ? and due_at = ?').get(due.schedule, dueAt)
    if (kept !== undefined) return false
    database.prepare('delete from claims where schedule = ? and at = ?').run(due.schedule, dueAt)
  }
  const { critical, warning, info, hosts, unasked } = countsOf(report)
  const head = [id, timeText(startedAt), timeText(endedAt), by, inventory, only, policy, due?.schedule ?? null, dueAt]
  database
    .prepare(`insert into audits (${COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`)
    .run(...head, critical, warning, info, hosts, unasked)
  database.prepare('insert into reports (audit, packed) values (?, ?)').run(id, gzipSync(JSON.stringify(report)))
  return true
}

/** Newest first. */
export function listAudits(
  database: Database,
  path: string,
  { inventory, limit }: { readonly inventory?: string; readonly limit?: number },
): AuditList {
  const audits: AuditSummary[] = []
  const damaged: Damaged[] = []
  const rows = database
    .prepare(
      `select ${COLUMNS} from audits where ?1 is null or inventory = ?1
       order by started_at desc, id desc limit ?2`,
    )
    .all(inventory ?? null, limit ?? -1)
  for (const row of rows) {
    const audit = summaryOf(row)
    if ('unread' in audit) damaged.push({ place: auditPlace(path, row), why: audit.unread })
    else audits.push(audit)
  }
  return { audits, damaged }
}

export function loadAudit(database: Database, path: string, wanted: string): AuditFound {
  const [id, ...more] = wanted === 'last' ? newestId(database) : idsLike(database, wanted)
  if (id === undefined) return { type: 'none' }
  return more.length > 0 ? { type: 'several', ids: [id, ...more] } : auditFrom(database, path, id)
}

export function newestOf(database: Database, path: string, { inventory, only, policy }: AuditSeries): AuditFound {
  const row = database
    .prepare(
      `select id from audits where inventory = ? and only_some is ? and policy is ?
       order by started_at desc, id desc limit 1`,
    )
    .get(inventory, only, policy)
  return row === undefined ? { type: 'none' } : auditFrom(database, path, String(row.id))
}

export function newestDue(database: Database, schedule: string, until: string): string | null {
  const row = database
    .prepare('select id from audits where schedule = ? and due_at <= ? order by due_at desc limit 1')
    .get(schedule, timeText(until))
  return row === undefined ? null : String(row.id)
}

function auditFrom(database: Database, path: string, id: string): AuditFound {
  const row = database.prepare(`select ${COLUMNS} from audits where id = ?`).get(id) ?? {}
  const place = auditPlace(path, { id })
  const summary = summaryOf(row)
  if ('unread' in summary) return { type: 'damaged', place, why: summary.unread }
  const report = unpacked(database.prepare('select packed from reports where audit = ?').get(id)?.packed)
  if (report === null) return { type: 'damaged', place, why: 'has no sound report' }
  const { critical: _, warning: __, info: ___, hosts: ____, unasked: _____, ...head } = summary
  return { type: 'found', audit: { ...head, report } }
}

function newestId(database: Database): readonly string[] {
  const row = database.prepare('select id from audits order by started_at desc, id desc limit 1').get()
  return row === undefined ? [] : [String(row.id)]
}

/** The one of exactly this name, else all that begin like it, newest first. */
function idsLike(database: Database, wanted: string): readonly string[] {
  if (wanted === '') return []
  if (database.prepare('select 1 from audits where id = ?').get(wanted) !== undefined) return [wanted]
  const rows = database.prepare('select id from audits where substr(id, 1, ?) = ? order by id desc')
  return rows.all(wanted.length, wanted).map(({ id }) => String(id))
}

function summaryOf(row: Row): AuditSummary | { readonly unread: string } {
  const { id, by, inventory, policy, critical, warning, info, hosts, unasked } = row
  const due = row.schedule === null ? null : { schedule: row.schedule, at: row.due_at }
  const times = { startedAt: row.started_at, endedAt: row.ended_at }
  const audit = { id, ...times, by, inventory, only: row.only_some, policy, due }
  const wrong = wrongAuditField(audit)
  if (wrong !== null) return { unread: `has no sound ${wrong}` }
  return { ...audit, critical, warning, info, hosts, unasked } as AuditSummary
}

/** More text than any report has: what unpacks without end is none. */
const MOST_BYTES = 1 << 30

function unpacked(packed: unknown): AuditReport | null {
  if (!(packed instanceof Uint8Array)) return null
  try {
    const report: unknown = JSON.parse(gunzipSync(packed, { maxOutputLength: MOST_BYTES }).toString('utf8'))
    return isReport(report) ? report : null
  } catch {
    return null
  }
}

/** What counts: what is waived does not. */
function countsOf({
  results,
  policy,
}: AuditReport): Pick<AuditSummary, 'critical' | 'warning' | 'info' | 'hosts' | 'unasked'> {
  const found = [...results.flatMap((result) => (result.status === 'audited' ? result.findings : [])), ...policy]
  const counting = found.filter(({ waived }) => waived === null)
  const of = (severity: string) => counting.filter((finding) => finding.severity === severity).length
  return {
    critical: of('critical'),
    warning: of('warning'),
    info: of('info'),
    hosts: results.length,
    unasked: results.filter(({ status }) => status !== 'audited').length,
  }
}

function auditPlace(path: string, { id }: Row): string {
  return `audit ${String(id)} in ${path}`
}
