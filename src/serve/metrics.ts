import type { AuditOnRecord } from '../model/history.ts'
import { auditReviewOf } from '../report/catalog/audit-review.ts'
import { auditPrometheus } from '../report/prometheus/audit.ts'
import { type Family, prometheusText } from '../report/prometheus/text.ts'
import type { Health } from './health.ts'

/** How often things happened since this process began. */
export type Tallies = {
  kept: number
  failed: number
  lost: number
  sent: number
  unsent: number
}

export type Shown = {
  readonly schedule: string
  readonly health: Health
  /** Milliseconds since 1970, UTC; null where nothing is due any more. */
  readonly next: number | null
  readonly tallies: Tallies
  /** The last one on record. */
  readonly audit: AuditOnRecord | null
}

/** The watch in numbers, and the last audit; of an audit there is nothing before the first. */
export function watchPrometheus({ schedule, health, next, tallies, audit }: Shown): string {
  const labels = { schedule }
  const gauge = (name: string, help: string, samples: Family['samples']): Family => ({
    name,
    help,
    type: 'gauge',
    samples,
  })
  const counter = (name: string, help: string, results: Family['samples']): Family => ({
    name,
    help,
    type: 'counter',
    samples: results,
  })
  const watch = prometheusText([
    gauge(
      'ctfleet_watch_health',
      'How the watch itself is: 1 for the one that holds.',
      (['ok', 'late', 'failing'] as const).map((status) => ({
        labels: { ...labels, status },
        value: health.status === status ? 1 : 0,
      })),
    ),
    gauge(
      'ctfleet_watch_next_due_timestamp_seconds',
      'When the next audit is due.',
      next === null ? [] : [{ labels, value: next / 1000 }],
    ),
    gauge(
      'ctfleet_watch_last_due_timestamp_seconds',
      'When the last audit on record was due.',
      audit?.due == null ? [] : [{ labels, value: Date.parse(audit.due.at) / 1000 }],
    ),
    gauge(
      'ctfleet_watch_audit_duration_seconds',
      'How long the last audit took.',
      audit === null ? [] : [{ labels, value: (Date.parse(audit.endedAt) - Date.parse(audit.startedAt)) / 1000 }],
    ),
    counter('ctfleet_watch_audits_total', 'Audits that this process began, by what became of them.', [
      { labels: { ...labels, result: 'kept' }, value: tallies.kept },
      { labels: { ...labels, result: 'failed' }, value: tallies.failed },
      { labels: { ...labels, result: 'lost' }, value: tallies.lost },
    ]),
    counter('ctfleet_watch_notices_total', 'Notices, by whether they were taken.', [
      { labels: { ...labels, result: 'sent' }, value: tallies.sent },
      { labels: { ...labels, result: 'failed' }, value: tallies.unsent },
    ]),
  ])
  return audit === null ? watch : watch + auditPrometheus(reviewOf(audit))
}

function reviewOf({ report, endedAt, policy, inventory }: AuditOnRecord) {
  const made = { at: endedAt, policy, failOn: 'warning', source: null } as const
  return auditReviewOf({ report, made, typed: null, inventory, others: null, originOf: () => null })
}
