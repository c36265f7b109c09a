import { counted } from '../../diagnosis/numbers.ts'
import type { AuditChange, ChangedFinding, SinceLast } from '../../model/history.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'
import { groups } from './groups.ts'
import { isoMomentText } from './moment.ts'
import { names } from './status.ts'

/** With which audit one is compared, what changed in numbers, and what is gone or better; what is new stands in the audit itself. */
export function sinceText(paper: Paper, { audit, changes }: Pick<SinceLast, 'audit' | 'changes'>): readonly string[] {
  const { new: fresh, worse, better, gone, lost, back, left } = changes
  const head =
    audit === null
      ? 'No earlier audit: '
      : `Since audit ${audit.id} of ${isoMomentText(audit.startedAt)} by ${audit.by}: `
  const counts: readonly Piece[] = [
    tally(fresh.length, 'new', 'bad'),
    tally(worse.length, 'worse', 'bad'),
    tally(better.length, 'better', 'good'),
    tally(gone.length, 'gone', 'good'),
  ].flat()
  const isSame = [fresh, worse, better, gone, lost, back, left].every((all) => all.length === 0)
  return [
    ...paragraph(paper, '', { tone: 'strong', text: head }, ...(isSame ? ['nothing changed'] : joined(counts))),
    ...groups(gone, ({ finding }) => finding.rule).flatMap(([rule, all]) =>
      line(paper, 'gone', `${rule}: ${whom(all)}`),
    ),
    ...groups(
      better,
      ({ before, finding }) => `${finding.rule}: ${before.severity} then, ${finding.severity} now`,
    ).flatMap(([what, all]) => line(paper, 'better', `${what}: ${whom(all)}`)),
    ...groups(
      worse,
      ({ before, finding }: ChangedFinding) => `${finding.rule}: ${before.severity} then, ${finding.severity} now`,
    ).flatMap(([what, all]) => line(paper, 'worse', `${what}: ${whom(all)}`)),
    ...(lost.length === 0 ? [] : line(paper, 'lost', `could not be audited this time: ${names(lost)}`)),
    ...(back.length === 0 ? [] : line(paper, 'back', `could not be audited then, and can be now: ${listed(back)}`)),
    ...(left.length === 0
      ? []
      : line(paper, 'left', `${counted(left.length, 'host', 'hosts')} not asked about now: ${listed(left)}`)),
  ]
}

function tally(count: number, text: string, tone: 'good' | 'bad'): readonly Piece[] {
  return count === 0 ? [] : [{ tone, text: `${count} ${text}` }]
}

function joined(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.length === 0
    ? ['no finding changed']
    : pieces.flatMap((piece, at) => (at === 0 ? [piece] : [', ', piece]))
}

function line(paper: Paper, word: string, text: string): readonly string[] {
  return paragraph(paper, { first: `  ${word.padEnd(8)}`, rest: ' '.repeat(10) }, text)
}

function whom(changes: readonly AuditChange[]): string {
  return listed(changes.map(({ host }) => host ?? 'the policy'))
}

function listed(hosts: readonly string[]): string {
  return names(hosts.map((host) => ({ host })))
}
