import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { AuditFinding, AuditReport, AuditResult, Severity } from '../../model/audit.ts'
import type { AuditClass } from '../../model/audit-review.ts'
import type { Fault } from '../../model/fault.ts'
import { SEVERITIES } from '../../model/finding.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'
import { remedyTyped } from '../remedy.ts'
import { byCause, commonFault, faultLines, unreachableLines } from './fault.ts'
import { groups } from './groups.ts'
import { listed } from './listed.ts'
import { names, severityPiece } from './status.ts'

/**
 * The fleet in a few lines, worst first; then what was found, rule by rule, hosts that have the same against them once; and
 * at the end who could not be asked.
 * @param inventory as it was typed, for the commands to type; null where it goes without saying
 */
export function auditText(paper: Paper, report: AuditReport, inventory: string | null): readonly string[] {
  const found = report.results.flatMap((result) =>
    result.status === 'audited' ? result.findings.map((finding) => ({ host: result.host, finding })) : [],
  )
  const summaryOf = new Map(report.rules.map(({ id, summary }) => [id, summary]))
  const counting = found.filter(({ finding }) => finding.waived === null)
  const parts = [
    summary(paper, report),
    ...SEVERITIES.flatMap((severity) =>
      groups(
        report.rules.flatMap(({ id }) =>
          counting.filter(({ finding }) => finding.severity === severity && finding.rule === id),
        ),
        ({ finding }) => finding.rule,
      ).map(([rule, all]) => ruleLines(paper, { severity, rule, summary: summaryOf.get(rule) ?? '', all, inventory })),
    ),
    ...withoutRoot(report.results).map((group) => withoutRootLines(paper, group)),
    policyLines(paper, report.policy),
    waivedLines(
      paper,
      found.filter(({ finding }) => finding.waived !== null),
    ),
    ...byCause(report.results.filter(({ status }) => status !== 'audited')).map((group) => fallenLines(paper, group)),
  ].filter((part) => part.length > 0)
  return parts.flatMap((part, at) => (at === 0 ? part : ['', ...part]))
}

export type OnHost = { readonly host: string; readonly finding: AuditFinding }

/** Each host under the worst that counts against it. */
function summary(paper: Paper, { results, rules }: AuditReport): readonly string[] {
  const classes = groups(
    results.toSorted((a, b) => CLASSES.indexOf(classOf(a)) - CLASSES.indexOf(classOf(b))),
    classOf,
  )
  const title = { tone: 'strong', text: counted(results.length, 'host', 'hosts') } as const
  const counts = classes.flatMap(([name, all], at) => [
    ...(at === 0 ? [] : [', ']),
    { ...pieceOf(name), text: `${grouped(all.length)} ${name}` },
  ])
  const off = rules.filter((rule) => rule.off).map(({ id }) => id)
  return [
    ...paragraph(paper, '', title, ': ', ...counts),
    ...classes.flatMap(([name, all]) => {
      const piece = pieceOf(name)
      const head = paper.ink(piece.tone, name) + ' '.repeat(15 - name.length)
      return paragraph(paper, { first: `  ${head}`, rest: ' '.repeat(17) }, names(all))
    }),
    ...(off.length === 0
      ? []
      : paragraph(paper, '', { tone: 'faint', text: `Not asked, by the policy: ${off.join(', ')}` })),
  ]
}

export const CLASSES: readonly AuditClass[] = [
  'critical',
  'warning',
  'unreachable',
  'failed',
  'not-reached',
  'info',
  'clean',
]

export function classOf(result: AuditResult): AuditClass {
  if (result.status !== 'audited') return result.status
  const counting = result.findings.filter(({ waived }) => waived === null)
  return SEVERITIES.find((severity) => counting.some((finding) => finding.severity === severity)) ?? 'clean'
}

export function pieceOf(name: AuditClass): Exclude<Piece, string> {
  if (name === 'clean') return { tone: 'good', text: name }
  if (name === 'unreachable' || name === 'failed') return { tone: 'bad', text: name }
  if (name === 'not-reached') return { tone: 'warn', text: name }
  const piece = severityPiece(name)
  return typeof piece === 'string' ? { tone: 'strong', text: piece } : piece
}

type OfRule = {
  readonly severity: Severity
  readonly rule: string
  readonly summary: string
  readonly all: readonly OnHost[]
  readonly inventory: string | null
}

function ruleLines(paper: Paper, { severity, rule, summary: what, all, inventory }: OfRule): readonly string[] {
  const alike = groups(all, ({ finding }) => JSON.stringify(finding))
  const thresholds = [...new Set(all.flatMap(({ finding }) => finding.threshold ?? []))]
  const remedies = groups(all, ({ finding }) => finding.remedy)
  return [
    ...paragraph(paper, '', severityPiece(severity), ' ', { tone: 'strong', text: rule }, `: ${what}`),
    ...alike.flatMap(([, group]) => findingLines(paper, group)),
    ...thresholds.flatMap((text) => paragraph(paper, { first: '  ', rest: '    ' }, faint(`counts from: ${text}`))),
    ...remedies.flatMap(([remedy, group]) =>
      remedy === null
        ? []
        : nextLines(paper, `${whose(remedy, group, remedies.length)}${remedyText(remedy, group, inventory)}`),
    ),
  ]
}

/** Of several remedies each says whom it is for. */
export function whose(remedy: string, group: readonly OnHost[], many: number): string {
  return many === 1 || /\bHOST\b/.test(remedy) ? '' : `${names(group)}: `
}

function findingLines(paper: Paper, group: readonly OnHost[]): readonly string[] {
  const [first] = group
  if (first === undefined) return []
  const { title, evidence } = first.finding
  return [
    ...paragraph(paper, { first: '  ', rest: '    ' }, { tone: 'strong', text: names(group) }, `: ${title}`),
    ...evidence.flatMap((line) => paragraph(paper, { first: '    ', rest: '      ' }, line)),
  ]
}

function nextLines(paper: Paper, text: string): readonly string[] {
  return paragraph(paper, { first: '  ', rest: '        ' }, { tone: 'strong', text: 'Next:' }, ` ${text}`)
}

/** More names than that nobody types; the rest is alike. */
const MOST_NAMES = 20

/** The remedy as it is typed for these hosts. */
export function remedyText(
  remedy: string,
  hosts: readonly { readonly host: string }[],
  inventory: string | null,
): string {
  const each = [...new Set(hosts.map(({ host }) => host.replaceAll('\0', '')))]
  const limit = each.slice(0, MOST_NAMES).join(',')
  const text = remedyTyped(remedy, { limit, names: listed(each, MOST_NAMES) }, inventory)
  return each.length > MOST_NAMES ? `${text} (and so for the ${each.length - MOST_NAMES} others)` : text
}

export type Unprivileged = { readonly host: string; readonly status: 'without root'; readonly fault: Fault }

/** Why root was not to be had is why much cannot be told; hosts with the same cause together. */
export function withoutRoot(results: readonly AuditResult[]): readonly (readonly Unprivileged[])[] {
  return byCause(
    results.flatMap((result): readonly Unprivileged[] =>
      result.status === 'audited' && result.notRoot !== undefined
        ? [{ host: result.host, status: 'without root', fault: result.notRoot }]
        : [],
    ),
  )
}

function withoutRootLines(paper: Paper, group: readonly Unprivileged[]): readonly string[] {
  const fault = commonFault(group) ?? group[0]?.fault
  if (fault === undefined) return []
  const head: readonly Piece[] = [{ tone: 'strong', text: names(group) }, ': ', { tone: 'warn', text: 'without root' }]
  return [...paragraph(paper, '', ...head), ...faultLines(paper, '  ', fault)]
}

function policyLines(paper: Paper, findings: readonly AuditFinding[]): readonly string[] {
  if (findings.length === 0) return []
  return [
    ...paragraph(paper, '', { tone: 'strong', text: 'The policy' }),
    ...findings.flatMap(({ severity, title, evidence, remedy }) => [
      ...paragraph(paper, { first: '  ', rest: '    ' }, severityPiece(severity), `: ${title}`),
      ...evidence.flatMap((line) => paragraph(paper, { first: '    ', rest: '      ' }, line)),
      ...(remedy === null ? [] : nextLines(paper, remedy)),
    ]),
  ]
}

/** Not hidden: what was waived, for how many, why, and until when. */
function waivedLines(paper: Paper, waived: readonly OnHost[]): readonly string[] {
  if (waived.length === 0) return []
  return [
    ...paragraph(paper, '', faint(`Waived: ${counted(waived.length, 'finding', 'findings')}`)),
    ...groups(waived, ({ finding }) => JSON.stringify([finding.rule, finding.waived])).flatMap(([, group]) => {
      const finding = group[0]?.finding
      if (finding?.waived == null) return []
      const { reason, until } = finding.waived
      const text = `${finding.rule} on ${names(group)}, until ${until}: ${reason}`
      return paragraph(paper, { first: '  ', rest: '    ' }, faint(text))
    }),
  ]
}

function fallenLines(paper: Paper, group: readonly AuditResult[]): readonly string[] {
  const [first] = group
  if (first === undefined || first.status === 'audited') return []
  const head = (tone: 'bad' | 'warn') =>
    paragraph(paper, '', { tone: 'strong', text: names(group) }, ': ', { tone, text: first.status })
  switch (first.status) {
    case 'not-reached':
      return [...head('warn'), ...paragraph(paper, '  ', first.why)]
    case 'unreachable':
      return [...head('bad'), ...unreachableLines(paper, '  ', commonFault(group) ?? first.fault)]
    case 'failed':
      return [...head('bad'), ...faultLines(paper, '  ', commonFault(group) ?? first.fault)]
  }
}

function faint(text: string): Piece {
  return { tone: 'faint', text }
}
