import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { AuditSummary } from '../../model/history.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'
import { isoMomentText } from './moment.ts'

/** One paragraph an audit, in the order given. @param place where they are kept */
export function auditsText(paper: Paper, audits: readonly AuditSummary[], place: string): readonly string[] {
  if (audits.length === 0)
    return paragraph(paper, '', `No audits in ${place}. An audit is recorded by ctfleet audit and ctfleet serve.`)
  return audits.flatMap(({ id, startedAt, by, inventory, only, policy, due, ...counts }) =>
    paragraph(
      paper,
      { first: '', rest: '    ' },
      { tone: 'strong', text: id },
      ` ${isoMomentText(startedAt)} ${due === null ? '' : `of schedule ${due.schedule}, `}by ${by}, ${inventory}${only === null ? '' : ` ${only}`}${policy === null ? '' : ` with ${policy}`}: `,
      ...countPieces(counts),
    ),
  )
}

type Counts = Pick<AuditSummary, 'critical' | 'warning' | 'info' | 'hosts' | 'unasked'>

function countPieces({ critical, warning, info, hosts, unasked }: Counts): readonly Piece[] {
  const found = [
    ...(critical === 0 ? [] : [{ tone: 'bad', text: `${grouped(critical)} critical` } as const]),
    ...(warning === 0 ? [] : [{ tone: 'warn', text: `${grouped(warning)} warning` } as const]),
    ...(info === 0 ? [] : [`${grouped(info)} info`]),
    ...(unasked === 0 ? [] : [{ tone: 'bad', text: `${grouped(unasked)} not audited` } as const]),
  ]
  const all = found.length === 0 ? [{ tone: 'good', text: 'nothing found' } as const] : found
  return [`${counted(hosts, 'host', 'hosts')}, `, ...all.flatMap((piece, at) => (at === 0 ? [piece] : [', ', piece]))]
}
