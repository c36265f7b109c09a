import type { AuditFinding, AuditReport, AuditResult, AuditTraits, Suspect } from '../model/audit.ts'
import { SEVERITIES } from '../model/finding.ts'
import type { AuditOnRecord } from '../model/history.ts'
import { isFault, isMap, isText, isTextOrNull, isTime } from './shape.ts'

type Map = { readonly [key: string]: unknown }

/** The first field of an audit, its report apart, that is not as it must be; null where all are. */
export function wrongAuditField(audit: Map): string | null {
  return Object.entries(FIELDS).find(([name, fits]) => !fits(audit[name]))?.[0] ?? null
}

/** Whether it holds what a report does, so that nothing that reads it later stumbles. */
export function isReport(value: unknown): value is AuditReport {
  if (!isMap(value)) return false
  return isListOf(value.results, isResult) && isListOf(value.policy, isFinding) && isListOf(value.rules, isRule)
}

const FIELDS: Readonly<Record<keyof Omit<AuditOnRecord, 'report'>, (value: unknown) => boolean>> = {
  id: isText,
  startedAt: isTime,
  endedAt: isTime,
  by: isText,
  inventory: isText,
  only: isTextOrNull,
  policy: isTextOrNull,
  due: (value) => value === null || (isMap(value) && isText(value.schedule) && isTime(value.at)),
}

function isResult(value: unknown): boolean {
  if (!isMap(value) || !isText(value.host) || !isText(value.status)) return false
  return Object.hasOwn(HOLDS, value.status) && HOLDS[value.status as AuditResult['status']](value)
}

const HOLDS: Readonly<Record<AuditResult['status'], (value: Map) => boolean>> = {
  audited: ({ findings, traits, notRoot }) =>
    isListOf(findings, isFinding) &&
    isMap(traits) &&
    TRAITS.every((trait) => isReading(traits[trait])) &&
    (notRoot === undefined || isFault(notRoot)),
  unreachable: ({ fault }) => isFault(fault),
  failed: ({ fault }) => isFault(fault),
  'not-reached': ({ why }) => isText(why),
}

const TRAITS = ['max', 'buckets', 'timeouts', 'managers'] as const satisfies readonly (keyof AuditTraits)[]

function isFinding(value: unknown): value is AuditFinding {
  if (!isMap(value)) return false
  const { rule, severity, title, evidence, threshold, remedy, waived, by } = value
  const isWaiver = waived === null || (isMap(waived) && isText(waived.reason) && isText(waived.until))
  return (
    isText(rule) &&
    isText(title) &&
    isSeverity(severity) &&
    isListOf(evidence, isText) &&
    isTextOrNull(threshold) &&
    isTextOrNull(remedy) &&
    isWaiver &&
    (by === undefined || isListOf(by, isSuspect))
  )
}

function isSuspect(value: unknown): boolean {
  if (!isMap(value)) return false
  const { who, certainty, evidence } = value
  return isText(who) && isText(certainty) && Object.hasOwn(CERTAINTIES, certainty) && isListOf(evidence, isText)
}

const CERTAINTIES: Readonly<Record<Suspect['certainty'], true>> = { certain: true, likely: true, possible: true }

function isSeverity(value: unknown): boolean {
  return SEVERITIES.some((severity) => severity === value)
}

function isReading(value: unknown): boolean {
  return isMap(value) && (value.known === true ? value.value !== undefined : value.known === false && isText(value.why))
}

function isRule(value: unknown): boolean {
  if (!isMap(value)) return false
  const { id, summary, severity, off } = value
  return isText(id) && isText(summary) && isSeverity(severity) && typeof off === 'boolean'
}

function isListOf(value: unknown, fits: (each: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(fits)
}
