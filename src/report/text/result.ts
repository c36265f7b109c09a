import { counted } from '../../diagnosis/numbers.ts'
import type { GateOutcome } from '../../model/plan.ts'
import type { HostResult } from '../../model/result.ts'
import { type Paper, paragraph, visible } from '../format.ts'
import { byCause, codeText, commonFault, faultLines } from './fault.ts'
import { outcomesText } from './gates.ts'
import { statusColumn, statusCounts, worstFirst } from './status.ts'
import { workText } from './work.ts'

/**
 * One line a host, worst first, with cause and next step where something is left to do, once for all that have the same;
 * then the count of each status.
 */
export function resultText(paper: Paper, results: readonly HostResult[]): readonly string[] {
  const longest = Math.max(0, ...results.map(({ host }) => paper.width(visible(host))))
  return [
    ...byCause(worstFirst(results)).flatMap((group) => {
      const fault = commonFault(group)
      return [
        ...group.flatMap((result) => hostLine(paper, result, Math.min(longest, 30))),
        ...(fault === null ? [] : faultLines(paper, '    ', fault)),
      ]
    }),
    ...paragraph(
      paper,
      '',
      { tone: 'strong', text: counted(results.length, 'host', 'hosts') },
      ': ',
      ...statusCounts(results),
    ),
  ]
}

function hostLine(paper: Paper, result: HostResult, column: number): readonly string[] {
  const name = visible(result.host)
  const gap = ' '.repeat(Math.max(column - paper.width(name), 0) + 2)
  const first = paper.ink('strong', name) + gap + statusColumn(paper, result.status)
  return paragraph(paper, { first, rest: '    ' }, endedText(result))
}

/** What a person wants to know beside the status, on the same line. */
export function endedText(result: HostResult): string {
  switch (result.status) {
    case 'blocked':
      return result.fault?.code ?? result.why
    case 'not-reached':
    case 'no-strategy':
    case 'same-machine':
      return result.why
    case 'unreachable':
    case 'failed':
    case 'refused':
      return codeText(result)
    case 'healthy':
      return 'nothing to do'
    case 'already-right':
      return `${result.plan.strategy}, nothing to change`
    case 'planned':
      return workText(result.plan)
    case 'skipped':
    case 'declined':
      return result.why === undefined ? workText(result.plan) : `${workText(result.plan)}: ${result.why}`
    case 'under-way':
      return `was being changed when ctfleet ended, transaction ${result.transaction}`
    case 'applied':
      return `${workText(result.plan)}, transaction ${result.transaction}${untilText(result.until)}${checkedText(result.checked)}`
    case 'rolled-back':
      return result.fault === null
        ? `as it was before transaction ${result.transaction}${exceptText(result)}`
        : `${result.fault.code}; as it was before transaction ${result.transaction}${exceptText(result)}${checkedText(result.checked)}`
    case 'needs-hands':
      return `${result.fault.code}, transaction ${result.transaction}`
  }
}

/** Entries that a change deleted stay away when it is taken back. */
function exceptText({ plan, deletedEntries }: Extract<HostResult, { readonly status: 'rolled-back' }>): string {
  const planned = plan?.changes.some(({ kind }) => kind === 'flush-entries') === true
  return (deletedEntries ?? planned) ? ', but for the entries that it deleted' : ''
}

/** What came of the gates; nothing where none was asked. */
function checkedText(outcomes: readonly GateOutcome[] = []): string {
  return outcomes.length === 0 ? '' : `; ${outcomesText(outcomes)}`
}

function untilText(until: string | undefined): string {
  return until === undefined ? '' : `, takes itself back at ${until.slice(0, 16).replace('T', ' ')} UTC`
}
