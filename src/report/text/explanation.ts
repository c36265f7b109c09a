import { bytes, counted, grouped, percent } from '../../diagnosis/numbers.ts'
import type { Explanation, LeftService, StrategyExplained, TableSize } from '../../model/explanation.ts'
import { known, mapReading, type Reading } from '../../model/reading.ts'
import type { ExplainResult } from '../../model/result.ts'
import { type Paper, paragraph } from '../format.ts'
import { effectRows, isForetold } from './effect.ts'
import { byCause, commonFault, faultLines, unreachableLines } from './fault.ts'
import { groups } from './groups.ts'
import { findingLines, firstAidLines, section } from './parts.ts'
import { portLines, serviceNames } from './port-table.ts'
import { type Row, rows } from './rows.ts'
import { names } from './status.ts'

/** Each host with what was found, what each strategy says and would change, and why one of them would be chosen. */
export function explanationText(paper: Paper, results: readonly ExplainResult[]): readonly string[] {
  const read = results.filter(({ status }) => status === 'explained')
  const fallen = results.filter(({ status }) => status !== 'explained')
  return [
    ...summaryLines(paper, results),
    ...[...read.map((result) => [result]), ...byCause(fallen)].flatMap((group) => ['', ...hostLines(paper, group)]),
  ]
}

function summaryLines(paper: Paper, results: readonly ExplainResult[]): readonly string[] {
  const counts = groups(results, outcomeOf).map(([outcome, members]) => `${grouped(members.length)} ${outcome}`)
  const title = { tone: 'strong', text: counted(results.length, 'host', 'hosts') } as const
  return paragraph(paper, '', title, `: ${counts.join(', ')}`)
}

function outcomeOf(result: ExplainResult): string {
  if (result.status !== 'explained') return result.status
  const { choice, health, locked } = result.explanation
  if (locked !== null) return 'locked'
  return choice.strategy ?? (health === 'healthy' ? 'healthy' : 'without a strategy')
}

function hostLines(paper: Paper, group: readonly ExplainResult[]): readonly string[] {
  const [result] = group
  if (result === undefined) return []
  const name = { tone: 'strong', text: names(group) } as const
  const fallen = (status: string) => paragraph(paper, '', name, ': ', { tone: 'bad', text: status })
  switch (result.status) {
    case 'explained': {
      const { locked, choice } = result.explanation
      const { strategy, why } = choice
      const would = { tone: 'strong', text: strategy ?? 'nothing' } as const
      return [
        ...paragraph(paper, { first: '', rest: '  ' }, name, ': ', would, ' would be chosen'),
        ...(locked === null ? paragraph(paper, { first: '  ', rest: '  ' }, why) : faultLines(paper, '  ', locked)),
        ...(result.notRoot === undefined ? [] : faultLines(paper, '  ', result.notRoot)),
        ...explainedLines(paper, result.explanation),
        ...firstAid(paper, result.host, result.explanation),
      ]
    }
    case 'not-reached':
      return [
        ...paragraph(paper, '', name, ': ', { tone: 'warn', text: result.status }),
        ...paragraph(paper, '  ', result.why),
      ]
    case 'unreachable':
      return [...fallen(result.status), ...unreachableLines(paper, '  ', commonFault(group) ?? result.fault)]
    case 'failed':
      return [...fallen(result.status), ...faultLines(paper, '  ', commonFault(group) ?? result.fault)]
  }
}

function explainedLines(paper: Paper, explanation: Explanation): readonly string[] {
  const { findings, table, strategies, choice, ports, standing, root } = explanation
  return [
    ...(root.known && root.value ? [] : paragraph(paper, '  ', { tone: 'warn', text: WITHOUT_ROOT })),
    ...section(paper, 'Found', findingLines(paper, findings)),
    ...section(paper, 'Table', rows(paper, [...tableRows(table), ...standingRows(standing)])),
    ...strategies.flatMap((each) => strategyLines(paper, each, choice.strategy, table)),
    ...section(paper, 'Ports', portLines(paper, ports)),
  ]
}

function firstAid(paper: Paper, host: string, { choice, health, locked, strategies }: Explanation): readonly string[] {
  if (choice.strategy !== null || health === 'healthy' || locked !== null) return []
  return firstAidLines(
    paper,
    host,
    strategies.map(({ verdict }) => verdict),
  )
}

const WITHOUT_ROOT = 'Read without root, so that much of this is not known: plan and apply need root.'

function strategyLines(
  paper: Paper,
  { title, verdict, effect }: StrategyExplained,
  chosen: string | null,
  { entrySize }: TableSize,
): readonly string[] {
  const fits = verdict.verdict === 'eligible'
  const isChosen = verdict.strategy === chosen
  const tone = fits ? 'good' : verdict.verdict === 'unsure' ? 'warn' : 'bad'
  const reasons = verdict.reasons.join('; ') || 'nothing stands in its way'
  return [
    ...paragraph(
      paper,
      { first: '  ', rest: '    ' },
      { tone: 'strong', text: verdict.strategy },
      ', ',
      { tone, text: verdict.verdict },
      isChosen ? ', chosen' : '',
    ),
    ...rows(paper, [
      // The chosen one's reason stands at the top, with its title in it.
      ...(isChosen ? [] : ([[fits ? 'not chosen' : 'because', reasons]] satisfies readonly Row[])),
      [fits ? 'what it does' : 'what it would do', title],
    ]),
    ...(fits || !isForetold(effect) ? [] : paragraph(paper, '    ', 'If it fitted:')),
    ...rows(paper, effectRows(effect, { entrySize, vars: verdict.vars, fits })),
  ]
}

function standingRows(standing: readonly LeftService[]): readonly Row[] {
  return standing.length === 0 ? [] : [['left out already', `${serviceNames(standing)}, by rules of ctfleet`]]
}

function tableRows({ entries, max, buckets, entrySize, bytes: taken }: TableSize): readonly Row[] {
  return [
    ['entries', full(entries, max)],
    ['buckets', mapReading(buckets, grouped)],
    [
      'size of an entry',
      entrySize.measured
        ? bytes(entrySize.bytes)
        : [`${bytes(entrySize.bytes)}, `, { tone: 'warn', text: 'assumed: ' }, entrySize.why],
    ],
    ['memory', mapReading(taken, (all) => `${bytes(all)}, buckets included`)],
  ]
}

function full(entries: Reading<number>, max: Reading<number>): Reading<string> {
  if (!entries.known || !max.known) return mapReading(entries, grouped)
  return known(`${grouped(entries.value)} of ${grouped(max.value)}, ${percent(entries.value / Math.max(max.value, 1))}`)
}
