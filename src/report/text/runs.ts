import type { Run } from '../../model/run.ts'
import { type Paper, paragraph } from '../format.ts'
import { statusCounts } from './status.ts'

/** One paragraph a run, in the order given. */
export function runsText(paper: Paper, runs: readonly Run[]): readonly string[] {
  if (runs.length === 0)
    return paragraph(paper, '', 'No runs yet. A run is recorded by ctfleet apply and ctfleet rollback.')
  return runs.flatMap((run) =>
    paragraph(
      paper,
      { first: '', rest: '    ' },
      { tone: 'strong', text: run.id },
      ` ${run.startedAt.slice(0, 16).replace('T', ' ')} UTC ${run.command}${run.of === null ? '' : ` of ${run.of}`} by ${run.by}, `,
      `${run.inventory}: `,
      ...statusCounts(run.results),
      ...(run.endedAt === null ? [', ', { tone: 'warn', text: 'not ended' } as const] : []),
    ),
  )
}
