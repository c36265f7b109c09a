import type { AuditSummary } from '../../model/history.ts'

const VERSION = 1

/** Audits in the order given, each with how much was found; the findings stay in the store. */
export function auditsJson(audits: readonly AuditSummary[]): object {
  return { version: VERSION, audits }
}
