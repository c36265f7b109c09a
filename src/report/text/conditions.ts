import { grouped, percent } from '../../diagnosis/numbers.ts'
import type { Finding, FindingRule } from '../../model/finding.ts'
import type { Tone } from '../format.ts'
import { type AnyResult, findingsOf } from './any-result.ts'

/** Hosts with the same trouble, the worst of them first; each name with the number that says how bad it is. */
export type Condition = {
  readonly condition: string
  readonly tone: Tone
  readonly hosts: readonly { readonly host: string }[]
}

/**
 * What was found on hosts, worst first, each host under the worst of its troubles. Those without any are left out, and those
 * that were changed since: what was found on them is no more.
 */
export function conditionsOf(results: readonly AnyResult[]): readonly Condition[] {
  const found = results.flatMap((result) => {
    const findings = isAsFound(result) ? findingsOf(result).filter(({ severity }) => severity !== 'info') : []
    const finding = RULES.flatMap((rule) => findings.find((each) => each.rule === rule) ?? [])[0]
    return finding === undefined ? [] : [{ host: result.host, finding }]
  })
  return RULES.flatMap((rule) => {
    const words = WORDS[rule]
    const hosts = found
      .filter(({ finding }) => finding.rule === rule)
      .toSorted((a, b) => badnessOf(b.finding) - badnessOf(a.finding))
      .map(({ host, finding }) => ({ host: host + numberOf(finding) }))
    return words === null || hosts.length === 0 ? [] : [{ ...words, hosts }]
  })
}

/** In this order. Null: says something about a host, and is no trouble by itself. */
const WORDS: Readonly<Record<FindingRule, { readonly condition: string; readonly tone: Tone } | null>> = {
  'dropping-now': { condition: 'dropping now', tone: 'bad' },
  'notrack-broken': { condition: 'cut off', tone: 'bad' },
  'near-full': { condition: 'near full', tone: 'warn' },
  evicting: { condition: 'evicting', tone: 'warn' },
  'dropped-lately': { condition: 'dropped lately', tone: 'warn' },
  'hash-too-small': { condition: 'hash too small', tone: 'warn' },
  'cannot-tell': { condition: 'cannot tell', tone: 'warn' },
  forecast: null,
  'busy-port': null,
  'stale-entries': null,
  'tracking-unused': null,
  'not-tracking': null,
  container: null,
}

const RULES = (Object.keys(WORDS) as FindingRule[]).filter((rule) => WORDS[rule] !== null)

const AS_FOUND: Readonly<Record<AnyResult['status'], boolean>> = {
  planned: true,
  indicative: true,
  skipped: true,
  declined: true,
  blocked: true,
  'no-strategy': true,
  'already-right': true,
  healthy: true,
  refused: false,
  'not-reached': false,
  unreachable: false,
  failed: false,
  'same-machine': false,
  'under-way': false,
  applied: false,
  'rolled-back': false,
  'needs-hands': false,
}

function isAsFound({ status }: AnyResult): boolean {
  return AS_FOUND[status]
}

function badnessOf({ lost, table }: Finding): number {
  return lost === undefined ? usageOf(table) : lost.packets / lost.seconds
}

function usageOf(table: Finding['table']): number {
  return table === undefined ? 0 : table.entries / Math.max(table.max, 1)
}

/** ` (620 drops/s)`, ` (96 %)`. */
function numberOf({ lost, table }: Finding): string {
  if (lost !== undefined && lost.seconds > 0) {
    const rate = lost.packets / lost.seconds
    return ` (${rate < 1 ? 'under 1' : grouped(Math.round(rate))} drops/s)`
  }
  return table === undefined || table.max <= 0 ? '' : ` (${percent(table.entries / table.max)})`
}
