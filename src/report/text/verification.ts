import { counted } from '../../diagnosis/numbers.ts'
import type { VerifiedChange, VerifyResult } from '../../model/verification.ts'
import { type Paper, paragraph, type Tone } from '../format.ts'
import { diffText } from './diff.ts'
import { endingsText } from './endings.ts'
import { codeText, faultLines } from './fault.ts'

/** One line a host, those first where something is not in force, with what is there in its place. */
export function verificationText(paper: Paper, results: readonly VerifyResult[]): readonly string[] {
  return endingsText(paper, results, {
    statuses: STATUSES,
    summary,
    more: (result) => {
      if ('fault' in result) return faultLines(paper, '    ', result.fault)
      if (!('changes' in result)) return []
      const { changes, remark } = result
      // Where the host itself says why nothing of it is there, each rule that is not would say nothing more.
      const isTold = remark !== null && !changes.some(({ inForce }) => inForce?.known === true && inForce.value)
      return [
        ...(remark === null ? [] : paragraph(paper, '    ', remark)),
        ...(isTold ? [] : changes.flatMap((change) => changeLines(paper, change))),
        ...nextLines(paper, result),
      ]
    },
  })
}

const STATUSES: Readonly<Record<VerifyResult['status'], Tone>> = {
  'not-in-force': 'bad',
  'not-restarted': 'bad',
  unsure: 'warn',
  failed: 'bad',
  unreachable: 'bad',
  'not-reached': 'warn',
  'in-force': 'good',
}

function summary(result: VerifyResult): string {
  switch (result.status) {
    case 'in-force':
    case 'not-in-force':
    case 'unsure':
      return `${inForceText(result.changes)}, ${restartText(result)}`
    case 'not-restarted':
      return result.restarted.known
        ? 'it was not restarted since, so nothing is proved'
        : `whether it was restarted since is not known: ${result.restarted.why}`
    case 'unreachable':
    case 'failed':
      return codeText(result)
    case 'not-reached':
      return result.why
  }
}

/** Of those that can be told; entries come and go by themselves. */
function inForceText(changes: readonly VerifiedChange[]): string {
  const steady = changes.filter(({ inForce }) => inForce !== null)
  const inForce = steady.filter((change) => change.inForce?.known === true && change.inForce.value)
  const others = changes.length - steady.length
  const more =
    others === 0 ? '' : ` (${others} more ${others === 1 ? 'leaves' : 'leave'} nothing to read: deleted entries)`
  return `${inForce.length} of ${counted(steady.length, 'change', 'changes')} in force${more}`
}

function restartText({ transaction, restarted }: Looked): string {
  const since = restarted.known ? (restarted.value ? 'restarted since' : 'not restarted since') : 'restart not known'
  return `${since}, transaction ${transaction}`
}

/** What to type where something is not in force, and why that may be as the plan foretold. */
function nextLines(paper: Paper, { host, status, remark, restarted }: Looked): readonly string[] {
  if (status !== 'not-in-force') return []
  const why =
    remark === null && restarted.known && restarted.value
      ? paragraph(paper, '    ', 'Where its plan said "until the next reboot", the restart is why.')
      : []
  const next = `ctfleet plan --limit ${host} says what it needs now, ctfleet apply --limit ${host} does it. To clear the record: ctfleet rollback RUN (ctfleet runs has its id)`
  return [
    ...why,
    ...paragraph(paper, { first: '    ', rest: '          ' }, { tone: 'strong', text: 'Next:' }, ` ${next}`),
  ]
}

type Looked = Extract<VerifyResult, { readonly transaction: string }>

/** Lines of one change that are worth the room, where a host may have dozens of rules. */
const MOST_LINES = 4

function shortened(lines: readonly string[]): readonly string[] {
  const more = lines.length - MOST_LINES
  return more < 2 ? lines : [...lines.slice(0, MOST_LINES), `      … ${more} more lines`]
}

function changeLines(paper: Paper, { title, inForce, shown }: VerifiedChange): readonly string[] {
  const indent = { first: '    - ', rest: '      ' }
  if (inForce === null || (inForce.known && inForce.value)) return []
  if (!inForce.known)
    return paragraph(paper, indent, title, ': ', { tone: 'warn', text: 'not known' }, `, ${inForce.why}`)
  return [
    ...paragraph(paper, indent, title, ': ', { tone: 'bad', text: 'not in force' }, '; what would put it so:'),
    ...shortened(diffText(paper, '      ', { before: shown.now, after: shown.applied })),
  ]
}
