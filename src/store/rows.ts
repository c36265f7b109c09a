import type { Plan } from '../model/plan.ts'
import type { HostResult } from '../model/result.ts'
import type { Approval, HostSummary, Run, RunSummary } from '../model/run.ts'
import type { Row, Value } from './engine.ts'
import { isApproval, isFault, isMap, isResult, isStatus, isText, isTextOrNull, wrongField } from './shape.ts'

/** A run's columns, in the order of `RUN_COLUMNS`. */
export function runValues({ id, command, startedAt, endedAt, by, inventory, of }: Run): readonly Value[] {
  return [id, command, startedAt, endedAt, by, inventory, of]
}

export const RUN_COLUMNS = 'id, command, started_at, ended_at, "by", inventory, "of"'

/** A result's columns, in the order of `RESULT_COLUMNS`: its plan by id. */
export function resultValues(result: HostResult): readonly Value[] {
  const { host, status, plan, transaction, fault, until, ...more } = fieldsOf(result)
  return [
    status,
    plan?.strategy ?? null,
    transaction ?? null,
    until ?? null,
    fault === undefined ? null : JSON.stringify(fault),
    plan?.id ?? null,
    JSON.stringify(more),
  ]
}

export const RESULT_COLUMNS = 'status, strategy, "transaction", until, fault, plan, more'

/** An approval's columns, in the order of `APPROVAL_COLUMNS`. */
export function approvalValues({ host, plan, by, at, how, note }: Approval): readonly Value[] {
  return [host, plan, by, at, how, note ?? null]
}

export const APPROVAL_COLUMNS = 'host, plan, "by", at, how, note'

export function readApprovalRow({ host, plan, by, at, how, note }: Row): Approval | Unread {
  const approval = { host, plan, by, at, how, ...(note === null ? {} : { note }) }
  return isApproval(approval) ? approval : { unread: 'is not an approval' }
}

export function planOf(result: HostResult): Plan | null {
  return fieldsOf(result).plan ?? null
}

type Fields = {
  readonly host: string
  readonly status: string
  readonly plan?: Plan | null
  readonly transaction?: string
  readonly fault?: unknown
  readonly until?: string
}

function fieldsOf(result: HostResult): Fields {
  return result
}

type Unread = { readonly unread: string }

export function readRunRow(row: Row): Omit<RunSummary, 'hosts'> | Unread {
  const { id, command, started_at: startedAt, ended_at: endedAt, by, inventory, of } = row
  const run = { id, command, startedAt, endedAt, by, inventory, of }
  const wrong = wrongField(run)
  return wrong === null ? (run as Omit<RunSummary, 'hosts'>) : { unread: `has no sound ${wrong}` }
}

export function readSummaryRow(row: Row): HostSummary | Unread {
  const { host, status, strategy, transaction, until } = row
  const fault = row.fault === null ? null : parsed(row.fault)
  if (!isText(host) || !isStatus(status)) return { unread: `has a status that nobody knows, ${JSON.stringify(status)}` }
  if (![strategy, transaction, until].every(isTextOrNull)) return { unread: 'is not a result' }
  if (fault !== null && !isFault(fault)) return { unread: 'has no sound fault' }
  return { host, status, strategy, transaction, until, fault } as HostSummary
}

/** @param planText of the plan that the row names. */
export function readResultRow(row: Row, planText: unknown): HostResult | Unread {
  const summary = readSummaryRow(row)
  if ('unread' in summary) return summary
  const more = parsed(row.more)
  if (!isMap(more)) return { unread: 'is not a result' }
  const plan = row.plan === null ? null : parsed(planText)
  if (row.plan !== null && (!isMap(plan) || plan.id !== row.plan)) return { unread: 'has no sound plan' }
  const result = {
    ...more,
    host: row.host,
    status: row.status,
    ...(row.plan === null && !MAY_LACK_PLAN.has(row.status) ? {} : { plan }),
    ...(row.transaction === null ? {} : { transaction: row.transaction }),
    ...(row.until === null ? {} : { until: row.until }),
    ...(row.fault === null ? {} : { fault: parsed(row.fault) }),
  }
  return isResult(result) ? result : { unread: `does not hold what a host that is ${summary.status} has` }
}

/** Those say `plan: null` where there is none. */
const MAY_LACK_PLAN: ReadonlySet<unknown> = new Set<HostResult['status']>(['under-way', 'rolled-back', 'needs-hands'])

function parsed(text: unknown): unknown {
  try {
    return isText(text) ? JSON.parse(text) : undefined
  } catch {
    return undefined
  }
}
