import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { Finding } from '../../model/finding.ts'
import type { ChangeTold } from '../../model/review.ts'
import type { Verdict } from '../../model/verdict.ts'
import { shortened } from '../format.ts'
import { changeLines, code, prose as proseOf, row } from './markdown.ts'

/** What a plan has to say, for every format in sentences the same; each format escapes it in its own way. */
export type PlanTold = {
  readonly hosts: number
  /** `1 unreachable, 2 planned`. */
  readonly counts: string
  /** What was found, then what is to become of the hosts; both worst first. */
  readonly conditions: readonly Named[]
  readonly statuses: readonly Named[]
  /** Hosts with the same change together, worst first. */
  readonly groups: readonly GroupTold[]
  /** Hosts that a condition left out, and those of which it could not be told, by why. */
  readonly leftOut: number
  readonly unsure: readonly Named[]
}

type Named = { readonly what: string; readonly hosts: readonly string[] }

export type GroupTold = {
  /** `plan`: the id that an approval names; null where nothing can be approved. */
  readonly hosts: readonly { readonly host: string; readonly plan: string | null }[]
  readonly status: string
  /** Null where nothing would change. */
  readonly strategy: string | null
  /** `evidence` only where the group is one host. */
  readonly found: readonly (Pick<Finding, 'severity' | 'title' | 'evidence'> & { readonly hosts: readonly string[] })[]
  readonly trouble: { readonly message: string; readonly next: string | null } | null
  /** Why this strategy, and why no other one. */
  readonly reasons: readonly string[]
  readonly rejected: readonly Pick<Verdict, 'strategy' | 'verdict' | 'reasons'>[]
  readonly changes: readonly ChangeTold[]
  /** Steps that are at their goal already. */
  readonly kept: readonly string[]
  readonly notes: readonly string[]
  /** What may break when it is taken back. */
  readonly loss: readonly string[]
  /** What is tested before it is kept. */
  readonly gates: readonly string[]
}

/** A ticket is no place for five thousand names; the ids that are to be approved are all there. */
const MOST_NAMES = 20

/**
 * A plan for whoever has to approve it in a ticket: the fleet worst first, each change once with its hosts and the ids that
 * an approval names, diffs whole.
 * @param title its heading, without markup
 */
export function planMarkdown(title: string, told: PlanTold): string {
  const { hosts, counts, conditions, statuses, groups, leftOut, unsure } = told
  return [
    `# ${prose(title)}`,
    '',
    `**${counted(hosts, 'host', 'hosts')}: ${prose(counts)}**`,
    '',
    ...[...conditions, ...statuses].map((each) => `- **${prose(each.what)}**: ${total(each.hosts)}`),
    '',
    ...groups.flatMap(groupLines),
    ...(leftOut === 0 ? [] : [`${counted(leftOut, 'host', 'hosts')} left out by ${code('--where')}.`, '']),
    ...unsure.flatMap((each) => [
      `${code('--where')} cannot be told of ${counted(each.hosts.length, 'host', 'hosts')} (${names(each.hosts)}): ${prose(each.what)}`,
      '',
    ]),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

function groupLines(group: GroupTold): readonly string[] {
  const { hosts, status, strategy, found, trouble, reasons, rejected } = group
  const named = hosts.map(({ host }) => host)
  const what = strategy === null ? '' : `, ${prose(strategy)}`
  return [
    `## ${names(named, 3)}: ${prose(status)}${what}`,
    '',
    ...(hosts.length > 3 ? [names(named), ''] : []),
    ...found.flatMap((each) => [
      `- **${each.severity}**: ${prose(each.title)}${hosts.length > 1 ? ` (${names(each.hosts)})` : ''}`,
      ...each.evidence.map((line) => `  - ${prose(line)}`),
    ]),
    ...(found.length === 0 ? [] : ['']),
    ...(trouble === null ? [] : [prose(trouble.message), '']),
    ...(trouble === null || trouble.next === null ? [] : [`**Next:** ${prose(trouble.next)}`, '']),
    ...list('Why this strategy', reasons),
    ...list(
      strategy === null ? 'Strategies' : 'Not chosen',
      rejected.map((each) => `${each.strategy}, ${each.verdict}: ${each.reasons.join('; ') || 'another comes first'}`),
    ),
    ...changesOf(group),
  ]
}

function changesOf({ changes, kept, notes, loss, gates, hosts }: GroupTold): readonly string[] {
  if (changes.length === 0) return list('Already right', kept)
  return [
    ...changes.flatMap((change, at) => changeLines(change, at, prose)),
    ...list('Already right', kept),
    ...list('To know before you say yes', notes),
    ...list('May break when it is taken back, and has to be accepted', loss),
    ...list('Checked before it is kept', gates),
    ...idLines(hosts),
  ]
}

function idLines(hosts: GroupTold['hosts']): readonly string[] {
  const rows = hosts.flatMap(({ host, plan }) => (plan === null ? [] : [[code(host), code(plan.slice(0, 12))]]))
  return rows.length === 0 ? [] : [row(['host', 'plan']), row(['---', '---']), ...rows.map(row), '']
}

function list(title: string, texts: readonly string[]): readonly string[] {
  return texts.length === 0 ? [] : [`${title}:`, '', ...texts.map((text) => `- ${prose(text)}`), '']
}

/** `2: web-1, web-2`. */
function total(hosts: readonly string[]): string {
  return `${grouped(hosts.length)}: ${names(hosts)}`
}

function names(hosts: readonly string[], most = MOST_NAMES): string {
  const shown = hosts.slice(0, most).map(code).join(', ')
  return hosts.length > most ? `${shown} and ${grouped(hosts.length - most)} more` : shown
}

/** A host may send megabytes in one line. */
function prose(text: string): string {
  return proseOf(shortened(text))
}
