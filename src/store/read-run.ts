import type { HostStatus } from '../model/result.ts'
import type { Run } from '../model/run.ts'

/** Reads a record as it was saved, or says in a clause why it is none. */
export function readRun(text: string): Run | { readonly why: string } {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch (error) {
    return { why: `is not JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  if (!isMap(value)) return { why: 'is not a run' }
  if (value.version !== VERSION)
    return { why: `has version ${JSON.stringify(value.version)}, and this ctfleet reads ${VERSION}` }
  const wrong = Object.entries(FIELDS).find(([name, fits]) => !fits(value[name]))
  if (wrong !== undefined) return { why: `has no sound ${wrong[0]}` }
  const { version: _, ...run } = value
  return run as Run
}

export function printRun(run: Run): string {
  return `${JSON.stringify({ version: VERSION, ...run })}\n`
}

const VERSION = 1

const FIELDS: Readonly<Record<keyof Run, (value: unknown) => boolean>> = {
  id: isText,
  command: (value) => value === 'apply' || value === 'rollback',
  startedAt: (value) => isText(value) && !Number.isNaN(Date.parse(value)),
  endedAt: (value) => value === null || isText(value),
  by: isText,
  inventory: isText,
  of: (value) => value === null || isText(value),
  results: (value) => Array.isArray(value) && value.every(isResult),
}

type Part = 'plan' | 'transaction' | 'fault' | 'why'

/** What each result must hold beside its host, so that nothing that reads it later stumbles. */
const NEEDS: Readonly<Record<HostStatus, readonly Part[]>> = {
  'not-reached': ['why'],
  unreachable: ['fault'],
  failed: ['fault'],
  healthy: [],
  'no-strategy': ['why'],
  blocked: ['why'],
  'already-right': ['plan'],
  planned: ['plan'],
  refused: ['plan', 'fault'],
  skipped: ['plan'],
  declined: ['plan'],
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
    isList(value.changes),
  // It names a directory on hosts.
  transaction: (value) => isText(value) && /^[A-Za-z0-9-]{1,40}$/.test(value),
  fault: (value) => isMap(value) && isText(value.code) && isText(value.message) && isText(value.next),
  why: isText,
}

function isResult(value: unknown): boolean {
  if (!isMap(value) || !isText(value.host) || !isStatus(value.status)) return false
  return NEEDS[value.status].every((part) => PARTS[part](value[part]))
}

function isStatus(value: unknown): value is HostStatus {
  return isText(value) && Object.hasOwn(NEEDS, value)
}

function isMap(value: unknown): value is { readonly [key: string]: unknown } {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isList(value: unknown): boolean {
  return Array.isArray(value)
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}
