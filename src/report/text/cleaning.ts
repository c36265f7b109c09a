import { counted } from '../../diagnosis/numbers.ts'
import type { CleanResult } from '../../model/cleaning.ts'
import type { Paper, Tone } from '../format.ts'
import { endingsText } from './endings.ts'
import { codeText, faultLines } from './fault.ts'

/** One line a host, those where something is left first; then the count of each status. */
export function cleaningText(paper: Paper, results: readonly CleanResult[]): readonly string[] {
  return endingsText(paper, results, {
    statuses: STATUSES,
    summary,
    more: (result) => {
      if ('fault' in result) return faultLines(paper, '    ', result.fault)
      return result.status === 'kept' ? result.kept.flatMap((fault) => faultLines(paper, '    ', fault)) : []
    },
  })
}

const STATUSES: Readonly<Record<CleanResult['status'], Tone>> = {
  kept: 'bad',
  failed: 'bad',
  unreachable: 'bad',
  'not-reached': 'warn',
  skipped: 'faint',
  declined: 'faint',
  clean: 'good',
}

function summary(result: CleanResult): string {
  switch (result.status) {
    case 'clean':
      return result.removed.length === 0
        ? 'nothing was there'
        : `${counted(result.removed.length, 'transaction', 'transactions')} removed`
    case 'kept':
      return `${result.removed.length} removed, ${result.kept.length} must stay for now`
    case 'skipped':
    case 'declined':
      return 'left as it is'
    case 'unreachable':
    case 'failed':
      return codeText(result)
    case 'not-reached':
      return result.why
  }
}
