import { type Holdings, type Position, positionOf } from '../../journal/holdings.ts'
import type { HostTransaction } from '../../journal/listing.ts'
import { keptUntil } from '../../journal/standing.ts'
import type { Plan } from '../../model/plan.ts'
import type { Approval, ApprovalWay, Run, RunSummary } from '../../model/run.ts'
import { type Paper, paragraph } from '../format.ts'
import { faultLines } from './fault.ts'
import { groups } from './groups.ts'
import { isoMomentText, secondText } from './moment.ts'
import { names, statusCounts } from './status.ts'

/** Who asked for a run, when, and what became of it later. */
export function runHeadText(paper: Paper, run: Run, later: readonly RunSummary[]): readonly string[] {
  const { id, command, startedAt, endedAt, by, inventory, of } = run
  const ended = endedAt === null ? 'not ended' : `ended ${isoMomentText(endedAt)}`
  return [
    ...paragraph(
      paper,
      { first: '', rest: '  ' },
      { tone: 'strong', text: `Run ${id}` },
      `: ${command}${of === null ? '' : ` of ${of}`} by ${by}, ${inventory}, begun ${isoMomentText(startedAt)}, ${ended}`,
    ),
    ...(endedAt === null ? paragraph(paper, '  ', `If no ctfleet is at it any more: ctfleet resume ${id}`) : []),
    ...approvalLines(paper, run.approvals ?? []),
    ...later.flatMap((each) =>
      paragraph(
        paper,
        { first: '  ', rest: '    ' },
        `Later: ${each.command} ${each.id} by ${each.by}, ${isoMomentText(each.startedAt)}: `,
        ...statusCounts(each.hosts),
      ),
    ),
  ]
}

/** Whose yes the hosts had, and how it was given; those of one yes together. */
function approvalLines(paper: Paper, approvals: readonly Approval[]): readonly string[] {
  return groups(approvals, ({ by, how, note }) => JSON.stringify([by, how, note])).flatMap(([, those]) => {
    const [first] = those
    if (first === undefined) return []
    const { by, how, at, note } = first
    const last = those.at(-1)?.at ?? at
    const until = secondOf(last) === secondOf(at) ? '' : ` to ${secondOf(last)}`
    const time = `${at.slice(0, 10)} ${secondOf(at)}${until} UTC`
    const where = note === undefined ? '' : ` (${note})`
    return paragraph(
      paper,
      { first: '  ', rest: '    ' },
      `Approved by ${by} ${WAYS[how]}, ${time}${where}: ${names(those)}`,
    )
  })
}

/** How a yes was given, as it stands behind `approved by NAME`. */
export const WAYS: Readonly<Record<ApprovalWay, string>> = {
  asked: 'host by host',
  'same-change': 'with a yes to all hosts of the same change',
  all: 'with a yes to all that followed',
  'yes-option': 'by --yes, without being asked',
  file: 'by --approve-file',
  program: 'by a program',
}

/** `09:42:07` of a moment in RFC 3339. */
function secondOf(moment: string): string {
  return moment.slice(11, 19)
}

/** What the host itself says of a transaction now, line by line, by its own clock. */
export function journalText(
  paper: Paper,
  { holdings, transaction, plan }: { holdings: Holdings; transaction: string; plan: Plan | null },
): readonly string[] {
  const title = (text: string) =>
    paragraph(paper, '', { tone: 'strong', text: `Journal of ${transaction}` }, `, ${text}`)
  switch (holdings.status) {
    case 'unreachable':
    case 'failed':
      return [...title(holdings.status), ...faultLines(paper, '  ', holdings.fault)]
    case 'not-reached':
      return title(holdings.why)
    case 'listed': {
      const own = holdings.transactions.find(({ id }) => id === transaction)
      if (own === undefined) return title('which the host keeps no more: it was taken back, or cleaned')
      return [...title('as the host has it now, by its clock in UTC'), ...recordLines(paper, own, plan)]
    }
  }
}

function recordLines(paper: Paper, transaction: HostTransaction, plan: Plan | null): readonly string[] {
  const { never, carried, restarted, records } = transaction
  if (never) return paragraph(paper, '  ', 'It was closed before it began.')
  return [
    ...records.flatMap(({ at, word, change, detail }) => {
      const title = change === null ? '' : ` ${change}. ${plan?.changes[change - 1]?.title ?? ''}`
      // A digest of a state says nothing to a person.
      const isDigest = word === 'intend' || word === 'done'
      const said = detail.replace(/^until (\d{1,12})$/, (_, until: string) => `until ${secondText(Number(until))}`)
      const more = said === '' || isDigest ? '' : `${title === '' ? ' ' : ': '}${said}`
      return paragraph(
        paper,
        { first: `  ${secondText(at).replace(' UTC', '')}  `, rest: '      ' },
        `${word}${title}${more}`,
      )
    }),
    ...(carried ? paragraph(paper, '  ', atWorkText(positionOf(transaction), keptUntil(records))) : []),
    ...(restarted ? paragraph(paper, '  ', 'The host was restarted since.') : []),
  ]
}

function atWorkText(position: Position, until: number | null): string {
  return position === 'kept' && until !== null
    ? `A process on the host waits to take it back at ${secondText(until)}.`
    : 'A process on the host is at it.'
}
