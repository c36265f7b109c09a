import type { AuditFinding, AuditReport, AuditResult, Severity } from '../../src/model/audit.ts'
import type { AuditOnRecord, Sample } from '../../src/model/history.ts'
import { known, unknown } from '../../src/model/reading.ts'
import type { ChosenSamples, HistoryStore } from '../../src/store/history.ts'
import { aFault } from '../report/fleet.ts'

export function aFinding(rule: string, severity: Severity = 'warning', more: Partial<AuditFinding> = {}): AuditFinding {
  return {
    rule,
    severity,
    title: `${rule} as it was seen`,
    evidence: ['count 251 658'],
    threshold: '75 % of max',
    remedy: 'ctfleet plan --limit HOST',
    waived: null,
    ...more,
  }
}

export function audited(host: string, ...findings: readonly AuditFinding[]): AuditResult {
  const traits = { max: known(262_144), buckets: known(65_536), timeouts: known({}), managers: unknown('no root') }
  return { host, status: 'audited', findings, traits }
}

export function reportOf(...results: readonly AuditResult[]): AuditReport {
  return {
    results,
    policy: [],
    rules: [{ id: 'near-full', summary: 'a table that is nearly full', severity: 'warning', off: false }],
  }
}

const EVERY_RESULT: readonly AuditResult[] = [
  audited('web-1', aFinding('near-full'), aFinding('dropping-now', 'critical')),
  audited('web-2', aFinding('near-full', 'warning', { waived: { reason: 'known', until: '2027-01-31' } })),
  { host: 'db-1', status: 'unreachable', fault: aFault() },
  { host: 'db-2', status: 'failed', fault: aFault() },
  { host: 'db-3', status: 'not-reached', why: 'stopped before its turn' },
]

export function anAudit(more: Partial<AuditOnRecord> = {}): AuditOnRecord {
  return {
    id: '20261126-0942-7f3a',
    startedAt: '2026-11-26T09:42:00.000Z',
    endedAt: '2026-11-26T09:42:07.000Z',
    by: 'alice@bastion',
    inventory: '/srv/hosts.yaml',
    only: null,
    policy: null,
    due: null,
    report: reportOf(...EVERY_RESULT),
    ...more,
  }
}

/** All of them, in the order in which the record tells of them. */
export async function samplesIn(store: HistoryStore, chosen: ChosenSamples): Promise<readonly Sample[]> {
  const read: Sample[] = []
  for await (const samples of store.series(chosen)) read.push(...samples)
  return read
}

export function aSample(at: string, more: Partial<Sample> = {}): Sample {
  return {
    host: 'web-1',
    inventory: '/srv/hosts.yaml',
    at,
    boot: '6f1c8a52-0000-4000-8000-000000000001',
    entries: 1000,
    max: 262_144,
    buckets: 65_536,
    drops: 0,
    earlyDrops: 0,
    insertFailed: 0,
    ...more,
  }
}
