import type { Fault } from '../model/fault.ts'
import type { HostResult, HostStatus } from '../model/result.ts'
import { APPROVAL_WAYS, type Approval, RUN_COMMANDS, type Run } from '../model/run.ts'

type Map = { readonly [key: string]: unknown }
type Head = Omit<Run, 'results' | 'approvals'>

/** The first field of a run, its results apart, that is not as it must be; null where all are. */
export function wrongField(run: Map): string | null {
  return Object.entries(FIELDS).find(([name, fits]) => !fits(run[name]))?.[0] ?? null
}

/** Whether it holds what its status needs, so that nothing that reads it later stumbles. */
export function isResult(value: unknown): value is HostResult {
  if (!isMap(value) || !isText(value.host) || !isStatus(value.status)) return false
  const needed: readonly string[] = NEEDS[value.status]
  return Object.entries(PARTS).every(([part, fits]) => {
    const isLeftOut = value[part] === undefined || value[part] === null
    return isLeftOut ? !needed.includes(part) : fits(value[part])
  })
}

export function isStatus(value: unknown): value is HostStatus {
  return isText(value) && Object.hasOwn(NEEDS, value)
}

export function isFault(value: unknown): value is Fault {
  return isMap(value) && isText(value.code) && isText(value.message) && isText(value.next)
}

export function isApproval(value: unknown): value is Approval {
  if (!isMap(value)) return false
  const { host, plan, by, at, how, note } = value
  const isWay = isText(how) && Object.hasOwn(APPROVAL_WAYS, how)
  return [host, plan, by].every(isText) && isTime(at) && isWay && (note === undefined || isText(note))
}

export function isTextOrNull(value: unknown): value is string | null {
  return value === null || isText(value)
}

export function isText(value: unknown): value is string {
  return typeof value === 'string'
}

export function isMap(value: unknown): value is Map {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const FIELDS: Readonly<Record<keyof Head, (value: unknown) => boolean>> = {
  id: isText,
  command: (value) => isText(value) && Object.hasOwn(RUN_COMMANDS, value),
  startedAt: isTime,
  endedAt: (value) => value === null || isTime(value),
  by: isText,
  inventory: isText,
  of: isTextOrNull,
}

type Part = 'plan' | 'transaction' | 'until' | 'fault' | 'why' | 'findings'

const NEEDS: Readonly<Record<HostStatus, readonly Part[]>> = {
  'not-reached': ['why'],
  unreachable: ['fault'],
  failed: ['fault'],
  'same-machine': ['why'],
  healthy: ['findings'],
  'no-strategy': ['findings', 'why'],
  blocked: ['findings', 'why'],
  'already-right': ['plan'],
  planned: ['plan'],
  refused: ['plan', 'fault'],
  skipped: ['plan'],
  declined: ['plan'],
  'under-way': ['transaction'],
  applied: ['plan', 'transaction'],
  'rolled-back': ['transaction'],
  'needs-hands': ['transaction', 'fault'],
}

const PARTS: Readonly<Record<Part, (value: unknown) => boolean>> = {
  plan: (value) =>
    isMap(value) &&
    isText(value.id) &&
    isText(value.strategy) &&
    isText(value.script) &&
    isMap(value.host) &&
    Array.isArray(value.changes),
  // It names a directory on hosts.
  transaction: (value) => isText(value) && /^[A-Za-z0-9-]{1,40}$/.test(value),
  until: isTime,
  fault: isFault,
  why: isText,
  findings: Array.isArray,
}

export function isTime(value: unknown): boolean {
  return isText(value) && !Number.isNaN(Date.parse(value))
}
