import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { Finding } from '../../model/finding.ts'
import type { Verdict } from '../../model/verdict.ts'
import { becauseOf, firstAidOf } from '../../playbook/sentence.ts'
import { type Paper, paragraph } from '../format.ts'
import { severityPiece } from './status.ts'

/** Pieces that several reports have in common. */

/** A title and what stands below it; nothing where nothing does. */
export function section(paper: Paper, title: string, lines: readonly string[]): readonly string[] {
  return lines.length === 0 ? [] : [...paragraph(paper, '  ', title), ...lines]
}

/** How much of long things is shown; what is to be approved is whole in `full`. */
export type Detail = 'short' | 'full'

/** The first ones, and how many more there are; all of them in full, or where a line that says so would be no shorter. */
export function atMost<T>(
  items: readonly T[],
  { most, detail }: { readonly most: number; readonly detail: Detail },
  more: (count: number) => readonly T[],
): readonly T[] {
  if (detail === 'full' || items.length <= most + 1) return items
  return [...items.slice(0, most), ...more(items.length - most)]
}

/** What stands in the place of what is left out; `planText` says below where to have it. */
export function leftOutText(count: number, one: string, many: string): string {
  return `… ${counted(count, one, many)} …`
}

export function bullets(paper: Paper, texts: readonly string[]): readonly string[] {
  return texts.flatMap((text) => paragraph(paper, { first: '    - ', rest: '      ' }, text))
}

/** Each finding with the numbers it rests on. */
export function findingLines(paper: Paper, findings: readonly Finding[], detail: Detail = 'full'): readonly string[] {
  return findings.flatMap(({ severity, title, evidence }) => {
    // What cannot be told has its cause in the title.
    const lines = evidence.filter((line) => !title.endsWith(line))
    return [
      ...paragraph(paper, { first: '    ', rest: '      ' }, severityPiece(severity), `: ${title}`),
      ...atMost(lines, { most: MOST_EVIDENCE, detail }, (count) => [
        leftOutText(count, 'more line', 'more lines'),
      ]).flatMap((line) => paragraph(paper, { first: '      ', rest: '        ' }, line)),
    ]
  })
}

const MOST_EVIDENCE = 3
const MOST_REASONS = 4

/** What every strategy said, the chosen one first. */
export function consideredLines(
  paper: Paper,
  considered: readonly Verdict[],
  { chosen, detail = 'full' }: { readonly chosen: string | null; readonly detail?: Detail },
): readonly string[] {
  const others = considered.filter(({ strategy }) => strategy !== chosen)
  const choice = considered.find(({ strategy }) => strategy === chosen)
  return [
    ...(choice === undefined ? [] : section(paper, `Strategy ${choice.strategy}`, choiceLines(paper, choice))),
    ...section(
      paper,
      chosen === null ? 'Strategies' : 'Not chosen',
      others.flatMap(({ strategy, verdict, reasons }) =>
        paragraph(
          paper,
          { first: '    ', rest: '      ' },
          { tone: 'strong', text: strategy },
          `, ${verdict}: ${reasonsText(reasons, detail)}`,
        ),
      ),
    ),
  ]
}

function reasonsText(reasons: readonly string[], detail: Detail): string {
  const shown = atMost(reasons, { most: MOST_REASONS, detail }, (count) => [
    leftOutText(count, 'more reason', 'more reasons'),
  ])
  return shown.join('; ') || 'another comes first'
}

function choiceLines(paper: Paper, { reasons, vars }: Verdict): readonly string[] {
  const numbers = Object.entries(vars).flatMap(([name, value]) =>
    typeof value === 'number' ? [`${name} ${grouped(value)}`] : [],
  )
  return [
    ...reasons.flatMap((reason) => paragraph(paper, { first: '    ', rest: '      ' }, reason)),
    ...(numbers.length === 0
      ? []
      : paragraph(paper, { first: '    ', rest: '      ' }, { tone: 'faint', text: numbers.join(', ') })),
    ...Object.keys(vars).flatMap((name) => {
      const because = becauseOf(vars, name)
      const text = `${name}: ${because}`
      return because === null ? [] : paragraph(paper, { first: '    ', rest: '      ' }, { tone: 'faint', text })
    }),
  ]
}

/** Where nothing was chosen: a strategy that fits all the same, else what can be typed on the host itself. */
export function firstAidLines(paper: Paper, host: string, considered: readonly Verdict[]): readonly string[] {
  const fitting = considered.find(({ verdict }) => verdict === 'eligible')
  const aid =
    fitting === undefined
      ? considered.flatMap(({ vars }) => firstAidOf(vars) ?? [])
      : [`${fitting.strategy} fits, if you want it: ctfleet plan --limit ${host} --strategy ${fitting.strategy}`]
  return section(paper, 'First aid', bullets(paper, aid))
}
