import type { IndicativeChange, IndicativePlan } from '../../model/indicative.ts'
import { type Paper, paragraph } from '../format.ts'
import { diffText } from './diff.ts'
import { bullets, consideredLines, section } from './parts.ts'

/** What stands above everything that was judged from recorded facts. */
export function recordedHead(paper: Paper, takenAt: string | null, more = ''): readonly string[] {
  const time = takenAt === null ? 'a time that the file does not say' : `${takenAt.slice(0, 19).replace('T', ' ')} UTC`
  return paragraph(paper, '', { tone: 'warn', text: 'indicative' }, `: judged from facts recorded at ${time}${more}`)
}

/** An indicative plan of one host, without what only the host could answer. */
export function indicativeLines(
  paper: Paper,
  plan: IndicativePlan,
  notes: readonly string[] = plan.notes,
): readonly string[] {
  const { strategy, considered, changes, kept } = plan
  return [
    ...consideredLines(paper, considered, { chosen: strategy }),
    ...(changes.length === 0
      ? paragraph(paper, '  ', 'Nothing to change, as far as the facts tell: all is as the strategy wants it.')
      : []),
    ...section(
      paper,
      'Changes, indicative',
      changes.flatMap((change, at) => changeLines(paper, change, at + 1)),
    ),
    ...section(paper, 'Already right', bullets(paper, kept)),
    ...(changes.length === 0 ? [] : section(paper, 'To know', bullets(paper, notes))),
  ]
}

function changeLines(paper: Paper, change: IndicativeChange, number: number): readonly string[] {
  const { title, phase, before, after, notes } = change
  const margin = '       '
  const when = phase === 'persist' ? [{ tone: 'faint', text: ' (kept over a reboot)' } as const] : []
  const shown = { before: before.known ? before.value : [], after: after.known ? after.value : [] }
  return [
    ...paragraph(paper, { first: `    ${number}. `, rest: margin }, title, ...when),
    ...(before.known
      ? []
      : paragraph(
          paper,
          { first: margin, rest: `${margin}  ` },
          { tone: 'warn', text: 'before: not known: ' },
          before.why,
        )),
    ...diffText(paper, margin, shown),
    ...notes.flatMap((note) =>
      paragraph(paper, { first: `${margin}! `, rest: `${margin}  ` }, { tone: 'warn', text: note }),
    ),
  ]
}
