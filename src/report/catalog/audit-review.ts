import { counted, grouped } from '../../diagnosis/numbers.ts'
import { type AuditFinding, type AuditReport, type AuditResult, countsFrom, type Severity } from '../../model/audit.ts'
import type {
  AuditClass,
  AuditedHost,
  AuditReview,
  AuditTrouble,
  RuleFound,
  WaivedTold,
} from '../../model/audit-review.ts'
import { SEVERITIES } from '../../model/finding.ts'
import type { SinceLast } from '../../model/history.ts'
import type { LeftOutHosts } from '../../model/result.ts'
import type { Paper } from '../format.ts'
import type { AuditMade } from '../json/audit.ts'
import { CLASSES, classOf, type OnHost, pieceOf, remedyText, whose, withoutRoot } from '../text/audit.ts'
import { byCause, commonFault } from '../text/fault.ts'
import { groups } from '../text/groups.ts'
import { sinceText } from '../text/since.ts'
import { severityPiece } from '../text/status.ts'
import { cut } from './cut.ts'
import { toneToMood } from './mood.ts'

/** What a report of an audit is made from. */
export type AuditToTell = {
  readonly report: AuditReport
  readonly made: AuditMade
  /** The inventory as it was typed, for commands to type; null where it goes without saying. */
  readonly typed: string | null
  /** The inventory that was read; null where recorded facts were. */
  readonly inventory: string | null
  /** Null where `--where` chose nothing. */
  readonly others: LeftOutHosts | null
  /** Where the inventory has a host: `inventory.yaml:14:5`. */
  readonly originOf: (host: string) => string | null
  /** Where `report` is only what changed: since which audit, what is gone or better besides, and all that was found now. */
  readonly since?: (SinceLast & { readonly whole: AuditReport }) | undefined
  /** Which ctfleet made it. */
  readonly tool: { readonly version: string }
}

export function auditReviewOf(audit: Omit<AuditToTell, 'tool'>): AuditReview {
  // First of all: texts without end would be compared with each other over and over. What is put together of them has an end.
  const { report, made, typed, inventory, others, originOf, since } = cut(audit)
  const { results, policy, rules } = report
  const worst = results.toSorted((a, b) => CLASSES.indexOf(classOf(a)) - CLASSES.indexOf(classOf(b)))
  const found = worst.flatMap((result) =>
    result.status === 'audited' ? result.findings.map((finding) => ({ host: result.host, finding })) : [],
  )
  const counts = groups(worst, classOf).map(([name, members]) => ({
    class: name,
    mood: toneToMood(pieceOf(name)),
    hosts: members.length,
  }))
  return {
    made: {
      at: made.at,
      inventory,
      policy: made.policy,
      failOn: made.failOn,
      facts: made.source === null ? null : { file: made.source.facts, takenAt: made.source.takenAt },
      since: since === undefined ? [] : sinceText(PLAIN, since).map((line) => line.trim()),
    },
    headline: headlineOf(report, made.failOn, since),
    counts,
    rules,
    found: foundBy(report, found, typed),
    policy,
    waived: waivedOf(found),
    troubles: troublesOf(results),
    leftOut: others ?? { leftOut: [], unsure: [] },
    hosts: worst.map((result) => auditedHost(result, typed, originOf)),
  }
}

const PLAIN: Paper = { columns: Number.MAX_SAFE_INTEGER, width: (text) => text.length, ink: (_tone, text) => text }

/** Of all hosts, how many make it fail, and how many could not be asked. */
function headlineOf({ results, policy }: AuditReport, failOn: Severity, since: AuditToTell['since']): string {
  const counts = countsFrom(failOn)
  const bad = results.filter((result) => result.status === 'audited' && result.findings.some(counts)).length
  const silent = results.filter(({ status }) => status !== 'audited').length
  const against = policy.filter(counts).length
  const hosts = counted((since?.whole.results ?? results).length, 'host', 'hosts')
  const what = since === undefined ? 'findings' : 'new or worse findings'
  return [
    `${sinceWhich(since)}${grouped(bad)} of ${hosts} with ${what} ${failOn === 'critical' ? 'that are critical' : `of ${failOn} or worse`}`,
    ...(silent === 0 ? [] : [`${grouped(silent)} could not be asked`]),
    ...(against === 0 ? [] : [`${counted(against, 'finding', 'findings')} against the policy`]),
  ].join('; ')
}

function sinceWhich(since: AuditToTell['since']): string {
  if (since === undefined) return ''
  return since.audit === null ? 'No earlier audit: ' : `Since audit ${since.audit.id}: `
}

function foundBy({ rules }: AuditReport, all: readonly OnHost[], typed: string | null): readonly RuleFound[] {
  const counting = groups(
    all.filter(({ finding }) => finding.waived === null),
    ({ finding }) => `${finding.severity} ${finding.rule}`,
  )
  const byRule = new Map(counting)
  return SEVERITIES.flatMap((severity) =>
    rules.flatMap(({ id, summary }) => {
      const some = byRule.get(`${severity} ${id}`)
      if (some === undefined) return []
      const remedies = groups(some, ({ finding }) => finding.remedy)
      return {
        rule: id,
        summary,
        severity,
        mood: toneToMood(severityPiece(severity)),
        alike: groups(some, ({ finding: { title, evidence } }) => JSON.stringify([title, evidence])).flatMap(
          ([, members]) =>
            members.slice(0, 1).map(({ finding: { title, evidence } }) => ({
              hosts: members.map(({ host }) => host),
              title,
              evidence,
            })),
        ),
        thresholds: [...new Set(some.flatMap(({ finding }) => finding.threshold ?? []))],
        remedies: remedies.flatMap(([remedy, group]) =>
          remedy === null ? [] : `${whose(remedy, group, remedies.length)}${remedyText(remedy, group, typed)}`,
        ),
      }
    }),
  )
}

function waivedOf(all: readonly OnHost[]): readonly WaivedTold[] {
  const waived = all.flatMap(({ host, finding: { rule, waived } }) =>
    waived === null ? [] : [{ host, told: { rule, ...waived } }],
  )
  return groups(waived, ({ told }) => JSON.stringify(told)).flatMap(([, members]) =>
    members.slice(0, 1).map(({ told }) => ({ ...told, hosts: [...new Set(members.map(({ host }) => host))] })),
  )
}

function troublesOf(results: readonly AuditResult[]): readonly AuditTrouble[] {
  const fallen = results.flatMap((result) => (result.status === 'audited' ? [] : [result]))
  return [
    ...byCause(fallen).flatMap((group) =>
      group.slice(0, 1).map((first): AuditTrouble => {
        const fault = commonFault(group)
        const said =
          'why' in first ? { message: first.why, next: null } : { message: first.fault.message, next: first.fault.next }
        return {
          hosts: group.map(({ host }) => host),
          status: first.status,
          mood: toneToMood(pieceOf(first.status)),
          message: fault?.message ?? said.message,
          next: fault?.next ?? said.next,
        }
      }),
    ),
    ...withoutRoot(results).flatMap((group) => {
      const fault = commonFault(group)
      if (fault === null) return []
      const { message, next } = fault
      return { hosts: group.map(({ host }) => host), status: 'without root', mood: 'warn', message, next } as const
    }),
  ]
}

function auditedHost(result: AuditResult, typed: string | null, originOf: AuditToTell['originOf']): AuditedHost {
  const { host } = result
  const name: AuditClass = classOf(result)
  const forHost = (finding: AuditFinding): AuditFinding => ({
    ...finding,
    remedy: finding.remedy === null ? null : remedyText(finding.remedy, [{ host }], typed),
  })
  return {
    host,
    class: name,
    mood: toneToMood(pieceOf(name)),
    findings: result.status === 'audited' ? result.findings.map(forHost) : [],
    trouble: troubleOf(result),
    origin: cut(originOf(host)),
  }
}

function troubleOf(result: AuditResult): AuditedHost['trouble'] {
  switch (result.status) {
    case 'audited':
      return null
    case 'not-reached':
      return { code: result.status, message: result.why, next: null }
    case 'unreachable':
    case 'failed': {
      const { code, message, next } = result.fault
      return { code, message, next }
    }
  }
}
