import { counted } from '../../diagnosis/numbers.ts'
import { type Paper, type Piece, paragraph, type Tone, visible } from '../format.ts'
import { groups } from './groups.ts'

type Ended = { readonly host: string; readonly status: string }

type Words<R extends Ended> = {
  /** Every status there is, worst first. */
  readonly statuses: Readonly<Record<R['status'], Tone>>
  readonly summary: (result: R) => string
  /** Lines below a host's own. */
  readonly more: (result: R) => readonly string[]
}

/** One line a host, worst first, with what is to be said of it below; then the count of each status. */
export function endingsText<R extends Ended>(paper: Paper, results: readonly R[], words: Words<R>): readonly string[] {
  const { statuses, summary, more } = words
  const order = Object.keys(statuses)
  const toneOf = (status: R['status']) => statuses[status]
  const worst = results.toSorted((a, b) => order.indexOf(a.status) - order.indexOf(b.status))
  const column = Math.min(30, Math.max(0, ...results.map(({ host }) => paper.width(visible(host)))))
  const all = groups(worst, ({ status }) => status)
  // The comma belongs to its word: alone it would begin a line where that one is full.
  const counts = all.flatMap(([status, members], at): readonly Piece[] => [
    ' ',
    { tone: toneOf(status), text: `${members.length} ${status}${at < all.length - 1 ? ',' : ''}` },
  ])
  return [
    ...worst.flatMap((result) => {
      const name = visible(result.host)
      const gap = ' '.repeat(Math.max(column - paper.width(name), 0) + 2)
      const status = paper.ink(toneOf(result.status), result.status) + ' '.repeat(15 - result.status.length)
      const first = paper.ink('strong', name) + gap + status
      return [...paragraph(paper, { first, rest: '    ' }, summary(result)), ...more(result)]
    }),
    ...paragraph(paper, '', { tone: 'strong', text: `${counted(results.length, 'host', 'hosts')}:` }, ...counts),
  ]
}
