import { counted } from '../../diagnosis/numbers.ts'
import type { RunSummary } from '../../model/run.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'
import { statusCounts } from './status.ts'

/**
 * One paragraph a run, in the order given.
 * @param place where they are kept
 * @param standing on how many hosts the changes of each run stand, as far as the record tells; absent: on none
 */
export function runsText(
  paper: Paper,
  runs: readonly RunSummary[],
  place: string,
  standing: ReadonlyMap<string, number>,
): readonly string[] {
  if (runs.length === 0) {
    return [
      ...paragraph(paper, '', `No runs in ${place}. A run is recorded by ctfleet apply and ctfleet rollback.`),
      ...paragraph(
        paper,
        { first: '', rest: '  ' },
        'Applied by somebody else (root, sudo), or from elsewhere: ctfleet rollback --from-hosts INVENTORY',
      ),
    ]
  }
  return runs.flatMap((run) =>
    paragraph(
      paper,
      { first: '', rest: '    ' },
      { tone: 'strong', text: run.id },
      ` ${run.startedAt.slice(0, 16).replace('T', ' ')} UTC ${run.command}${run.of === null ? '' : ` of ${run.of}`} by ${run.by}, ${run.inventory}: `,
      ...statusCounts(run.hosts),
      ...standingPieces(standing.get(run.id) ?? 0),
      ...(run.endedAt === null ? ending(run) : []),
    ),
  )
}

/** It is still at it, or went away before the run's last word; what is told of its hosts is what was known then. */
function ending({ id, hosts }: RunSummary): readonly Piece[] {
  const next = `; if no ctfleet is at it any more: ctfleet resume ${id}`
  return [hosts.length > 0 ? ', ' : '', { tone: 'warn', text: 'not ended' }, next]
}

function standingPieces(hosts: number): readonly Piece[] {
  return hosts === 0 ? [] : ['; ', { tone: 'strong', text: `stands on ${counted(hosts, 'host', 'hosts')}` }]
}
