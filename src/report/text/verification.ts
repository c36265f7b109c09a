import { counted } from '../../diagnosis/numbers.ts'
import type { VerifiedChange, VerifyResult } from '../../model/verification.ts'
import { type Paper, paragraph, type Tone } from '../format.ts'
import { diffText } from './diff.ts'
import { endingsText } from './endings.ts'
import { faultLines } from './fault.ts'

/** One line a host, those first where something is not in force, with what is there in its place. */
export function verificationText(paper: Paper, results: readonly VerifyResult[]): readonly string[] {
  return endingsText(paper, results, {
    statuses: STATUSES,
    summary,
    more: (result) => {
      if ('fault' in result) return faultLines(paper, '    ', result.fault)
      if (!('changes' in result)) return []
      const { changes, remark } = result
      return [
        ...(remark === null ? [] : paragraph(paper, '    ', remark)),
        ...changes.flatMap((change) => changeLines(paper, change)),
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
      return result.fault.code
    case 'not-reached':
      return result.why
  }
}

/** Of those that can be told; entries come and go by themselves. */
function inForceText(changes: readonly VerifiedChange[]): string {
  const steady = changes.filter(({ inForce }) => inForce !== null)
  const inForce = steady.filter((change) => change.inForce?.known === true && change.inForce.value)
  return `${inForce.length} of ${counted(steady.length, 'change', 'changes')} in force`
}

function restartText({ transaction, restarted }: Extract<VerifyResult, { readonly transaction: string }>): string {
  const since = restarted.known ? (restarted.value ? 'restarted since' : 'not restarted since') : 'restart not known'
  return `${since}, transaction ${transaction}`
}

function changeLines(paper: Paper, { title, inForce, shown }: VerifiedChange): readonly string[] {
  const indent = { first: '    - ', rest: '      ' }
  if (inForce === null || (inForce.known && inForce.value)) return []
  if (!inForce.known)
    return paragraph(paper, indent, title, ': ', { tone: 'warn', text: 'not known' }, `, ${inForce.why}`)
  return [
    ...paragraph(paper, indent, title, ': ', { tone: 'bad', text: 'not in force' }, '; what would put it so:'),
    ...diffText(paper, '      ', { before: shown.now, after: shown.applied }),
  ]
}
