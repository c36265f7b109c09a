import type { Run } from '../../model/run.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'
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
      ` ${run.startedAt.slice(0, 16).replace('T', ' ')} UTC ${run.command}${run.of === null ? '' : ` of ${run.of}`} by ${run.by}, ${run.inventory}: `,
      ...statusCounts(run.results),
      ...(run.endedAt === null ? ending(run.results.length > 0) : []),
    ),
  )
}

/** We went away before the run's last word; what is told of its hosts is what was known then. */
function ending(isMore: boolean): readonly Piece[] {
  return [isMore ? ', ' : '', { tone: 'warn', text: 'not ended' }]
}
