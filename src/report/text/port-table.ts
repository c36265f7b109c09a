import { percent } from '../../diagnosis/numbers.ts'
import type { LeftService, PortDecision } from '../../model/explanation.ts'
import type { Reading } from '../../model/reading.ts'
import { type Paper, paragraph, visible } from '../format.ts'

/** A line a port: its share of the entries, whether something listens there, and whether `notrack` would leave it out. */
export function portLines(paper: Paper, ports: Reading<readonly PortDecision[]>): readonly string[] {
  if (!ports.known) return paragraph(paper, '    ', { tone: 'warn', text: 'not known: ' }, ports.why)
  if (ports.value.length === 0) return paragraph(paper, '    ', 'the sample names none')
  return [
    ...line(paper, ['port', 'share', 'listens'], 'left out of tracking by notrack?'),
    ...ports.value.flatMap(({ protocol, port, share, listens, decision, why }) => {
      const heard = listens.known ? (listens.value ? 'yes' : 'no') : '?'
      const answer = decision === 'chosen' ? 'yes' : 'no'
      return line(paper, [`${port}/${protocol}`, percent(share.value), heard], `${answer}: ${why}`)
    }),
  ]
}

const WIDTHS = [12, 11, 9] as const
const MARGIN = 4 + WIDTHS[0] + WIDTHS[1] + WIDTHS[2]
/** Fewer columns than this beside the table and its last one stands below. */
const LEAST = 24

function line(paper: Paper, cells: readonly [string, string, string], last: string): readonly string[] {
  const first = `    ${cells.map((cell, at) => padded(paper, visible(cell), WIDTHS[at] ?? 0)).join('')}`
  if (paper.columns - MARGIN < LEAST) return [first.trimEnd(), ...paragraph(paper, '      ', last)]
  return paragraph(paper, { first, rest: ' '.repeat(MARGIN) }, last)
}

function padded(paper: Paper, cell: string, width: number): string {
  return cell + ' '.repeat(Math.max(width - paper.width(cell), 1))
}

/** As `--ports` takes them: `443/tcp`, `443/tcp@forward`. */
export function serviceNames(services: readonly LeftService[]): string {
  return services.map(({ protocol, port, forwarded }) => `${port}/${protocol}${forwarded ? '@forward' : ''}`).join(', ')
}
