import { counted } from '../../diagnosis/numbers.ts'
import { type Holdings, madeAt, newestFirst, type Position, positionOf } from '../../journal/holdings.ts'
import type { HostTransaction } from '../../journal/listing.ts'
import { keptUntil } from '../../journal/standing.ts'
import { type Paper, paragraph, type Tone } from '../format.ts'
import { faultLines } from './fault.ts'
import { groups } from './groups.ts'
import { momentText } from './moment.ts'
import { names } from './status.ts'

/** What hosts keep of ctfleet's, newest first on each; those that keep nothing, or were not asked, are named together. */
export function holdingsText(paper: Paper, all: readonly Holdings[]): readonly string[] {
  const empty = all.filter((one) => one.status === 'listed' && one.transactions.length === 0 && one.lock === null)
  return [
    ...all.filter((one) => !empty.includes(one)).flatMap((one) => hostLines(paper, one)),
    ...(empty.length === 0
      ? []
      : paragraph(paper, { first: '', rest: '    ' }, `Nothing of ctfleet's: ${names(empty)}`)),
  ]
}

function hostLines(paper: Paper, one: Holdings): readonly string[] {
  const title = (text: string) =>
    paragraph(paper, { first: '', rest: '  ' }, { tone: 'strong', text: one.host }, `: ${text}`)
  switch (one.status) {
    case 'unreachable':
    case 'failed':
      return [...title(one.status), ...faultLines(paper, '  ', one.fault)]
    case 'not-reached':
      return title(`${one.status}, ${one.why}`)
    case 'listed': {
      const lock = one.lock === null ? '' : `, locked by ${one.lock === '' ? 'nobody that it names' : one.lock}`
      return [
        ...title(`${counted(one.transactions.length, 'transaction', 'transactions')}${lock}`),
        ...newestFirst(one.transactions).flatMap((transaction) => transactionLines(paper, transaction)),
      ]
    }
  }
}

function transactionLines(paper: Paper, transaction: HostTransaction): readonly string[] {
  const { id, about } = transaction
  const position = positionOf(transaction)
  const { tone, said } = POSITIONS[position]
  const until = position === 'kept' ? keptUntil(transaction.records) : null
  const since = position === 'committed' && transaction.restarted ? ' (the host was restarted since)' : ''
  const at = madeAt(transaction)
  const when = at === 0 ? '' : `, begun ${momentText(at)}`
  const whose = about === null ? ', of nobody that it names' : `, ${about.strategy}, run ${about.run} by ${about.by}`
  return [
    ...paragraph(
      paper,
      { first: '  ', rest: '    ' },
      `${id} `,
      { tone, text: position },
      `: ${said}${until === null ? '' : ` at ${momentText(until)}`}${since}${when}${whose}`,
    ),
    ...groups(about?.changes ?? [], (title) => title).flatMap(([title, those]) =>
      paragraph(
        paper,
        { first: '    - ', rest: '      ' },
        those.length === 1 ? title : `${title} (${those.length} times)`,
      ),
    ),
  ]
}

const POSITIONS: Readonly<Record<Position, { readonly tone: Tone; readonly said: string }>> = {
  never: { tone: 'faint', said: 'it was closed before it began' },
  refused: { tone: 'faint', said: 'nothing was touched' },
  'rolled-back': { tone: 'faint', said: 'all is as before it' },
  'needs-hands': { tone: 'bad', said: 'it could not be taken back whole' },
  'under-way': { tone: 'warn', said: 'a process on the host is at it' },
  'cut-off': { tone: 'bad', said: 'nobody is at it any more, and it has not ended' },
  committed: { tone: 'good', said: 'confirmed and kept; whether it is in force: ctfleet verify' },
  kept: { tone: 'good', said: 'first aid, confirmed, and takes itself back' },
  gone: { tone: 'faint', said: 'first aid that a restart took away' },
}
