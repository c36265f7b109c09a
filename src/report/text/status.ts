import { counted, grouped } from '../../diagnosis/numbers.ts'
import { type Finding, SEVERITIES } from '../../model/finding.ts'
import { type Paper, type Piece, paragraph, type Tone } from '../format.ts'
import { type AnyResult, findingsOf } from './any-result.ts'
import { conditionsOf } from './conditions.ts'
import { groups } from './groups.ts'

export { type AnyResult, findingsOf }

const STATUSES: Readonly<Record<AnyResult['status'], { readonly tone: Tone; readonly rank: number }>> = {
  'needs-hands': { tone: 'bad', rank: 0 },
  'under-way': { tone: 'warn', rank: 1 },
  failed: { tone: 'bad', rank: 1 },
  unreachable: { tone: 'bad', rank: 2 },
  refused: { tone: 'bad', rank: 3 },
  'rolled-back': { tone: 'warn', rank: 4 },
  blocked: { tone: 'bad', rank: 5 },
  'no-strategy': { tone: 'bad', rank: 6 },
  'not-reached': { tone: 'warn', rank: 7 },
  planned: { tone: 'warn', rank: 8 },
  indicative: { tone: 'warn', rank: 8 },
  skipped: { tone: 'faint', rank: 9 },
  declined: { tone: 'faint', rank: 10 },
  'same-machine': { tone: 'faint', rank: 10 },
  applied: { tone: 'good', rank: 11 },
  'already-right': { tone: 'good', rank: 12 },
  healthy: { tone: 'good', rank: 13 },
}

const TONES: Readonly<Record<Finding['severity'], Tone>> = {
  critical: 'bad',
  warning: 'warn',
  info: 'faint',
}

export function statusPiece(status: AnyResult['status']): Piece {
  return { tone: STATUSES[status].tone, text: status }
}

export function severityPiece(severity: Finding['severity']): Piece {
  return { tone: TONES[severity], text: severity }
}

/** Those that need a person first, then those that lose packets; hosts that are alike stay in their order. */
export function worstFirst<R extends AnyResult>(results: readonly R[]): readonly R[] {
  return results.toSorted((a, b) => rankOf(a) - rankOf(b) || worstFinding(a) - worstFinding(b))
}

/** One that was well when it was changed, and later in the run was not, is in trouble like any other. */
function rankOf(result: AnyResult): number {
  const isWellNoMore = result.status === 'applied' && result.fault !== undefined
  return STATUSES[isWellNoMore ? 'rolled-back' : result.status].rank
}

/**
 * `6 hosts: 1 unreachable, 2 planned, 3 healthy`, and below who they are: first what was found on those that nobody has changed
 * yet, then what is to become of each, worst first.
 */
export function fleetSummary(paper: Paper, results: readonly AnyResult[]): readonly string[] {
  const title = { tone: 'strong', text: counted(results.length, 'host', 'hosts') } as const
  const digits = grouped(results.length).length
  const line = (label: string, width: number, members: readonly { readonly host: string }[]) => {
    const first = `  ${label}${' '.repeat(15 - width)}${grouped(members.length).padStart(digits)}  `
    return paragraph(paper, { first, rest: ' '.repeat(19 + digits) }, names(members))
  }
  return [
    ...paragraph(paper, '', title, ': ', ...statusCounts(results)),
    ...conditionsOf(results).flatMap(({ condition, tone, hosts }) =>
      line(paper.ink(tone, condition), condition.length, hosts),
    ),
    ...groups(worstFirst(results), ({ status }) => status).flatMap(([status, members]) =>
      line(paper.ink(STATUSES[status].tone, status), status.length, members),
    ),
  ]
}

/** `2 applied, 1 declined`. */
export function statusCounts(hosts: readonly { readonly status: AnyResult['status'] }[]): readonly Piece[] {
  const worst = hosts.toSorted((a, b) => STATUSES[a.status].rank - STATUSES[b.status].rank)
  return groups(worst, ({ status }) => status).flatMap(([status, members], at) => [
    ...(at === 0 ? [] : [', ']),
    { tone: STATUSES[status].tone, text: `${grouped(members.length)} ${status}` },
  ])
}

/** The status in its colour, and spaces up to the width of the longest one. */
export function statusColumn(paper: Paper, status: AnyResult['status']): string {
  return paper.ink(STATUSES[status].tone, status) + ' '.repeat(15 - status.length)
}

/** The first names, and how many more there are. */
export function names(results: readonly { readonly host: string }[], most = 20): string {
  const shown = results.slice(0, most).map(({ host }) => host)
  return shown.join(', ') + (results.length > most ? ` and ${results.length - most} more` : '')
}

function worstFinding(result: AnyResult): number {
  return Math.min(3, ...findingsOf(result).map(({ severity }) => SEVERITIES.indexOf(severity)))
}
