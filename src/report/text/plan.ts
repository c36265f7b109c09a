import type { Change } from '../../model/change.ts'
import type { Plan } from '../../model/plan.ts'
import { type Paper, type Piece, paragraph, visible } from '../format.ts'
import { diffText } from './diff.ts'
import { causeOf, commonFault, faultLines, unreachableLines } from './fault.ts'
import { likenessOfGates } from './gates.ts'
import { groups } from './groups.ts'
import { indicativeLines } from './indicative.ts'
import { gatesOf, lossOf, notesOf, type Shown } from './of-all.ts'
import {
  atMost,
  bullets,
  consideredLines,
  type Detail,
  findingLines,
  firstAidLines,
  leftOutText,
  section,
} from './parts.ts'
import { type AnyResult, findingsOf, fleetSummary, names, severityPiece, statusPiece, worstFirst } from './status.ts'

/** The fleet worst first, then each host with what was found and what would change; equal changes are shown once. */
export function planText(paper: Paper, results: readonly AnyResult[], detail: Detail = 'short'): readonly string[] {
  const hosts = changeGroups(results).flatMap((group) => ['', ...groupLines(paper, group, detail)])
  const isShortened = detail === 'short' && LEFT_OUT.test(hosts.join(' ').replaceAll(/ +/g, ' '))
  return [
    ...fleetSummary(paper, results),
    ...hosts,
    ...(isShortened ? ['', ...paragraph(paper, '', { tone: 'faint', text: HOW_TO_HAVE_ALL })] : []),
  ]
}

/** As `leftOutText` writes it. */
const LEFT_OUT = /… [\d\u202f]+ more/
const HOW_TO_HAVE_ALL = 'Where it says "…" there is more: plan --full and show --full print it, and f at the question.'

/** Worst first, those with the same change together. */
export function changeGroups(results: readonly AnyResult[]): readonly (readonly AnyResult[])[] {
  return groups(worstFirst(results), sameChange).map(([, members]) => members)
}

/** One host, or several with the same change. */
export function groupLines(paper: Paper, group: readonly AnyResult[], detail: Detail): readonly string[] {
  const [first] = group
  if (first === undefined) return []
  return [
    ...headLines(paper, group, first),
    ...whyLines(paper, group, detail),
    ...bodyLines(paper, first, { group, detail }),
    ...idLines(paper, group, detail),
  ]
}

/** Every byte that runs on the hosts, as the approval's id covers it; lines are whole, however wide the paper. */
export function scriptText(paper: Paper, results: readonly AnyResult[]): readonly string[] {
  return results.flatMap((result) => {
    if (!('plan' in result) || result.plan === null || result.status === 'indicative') return []
    const { host, id, boundTo, script } = result.plan
    return [
      '',
      ...paragraph(paper, '', { tone: 'strong', text: `${host.name}: read at plan and again before the first change` }),
      ...boundTo.probe.split('\n').map(visible),
      '',
      ...paragraph(paper, '', { tone: 'strong', text: `${host.name}: the transaction of plan ${id}, with its undo` }),
      ...script.split('\n').map(visible),
    ]
  })
}

/** Hosts for which a person would read the same text. What differs only in numbers that were found is the same change. */
function sameChange(result: AnyResult): string {
  if (result.status === 'healthy') return result.status
  if (result.status === 'indicative' && result.plan.changes.length > 0) {
    const { strategy, changes, notes } = result.plan
    return JSON.stringify([result.status, strategy, changes, notes.map(withoutNumbers)])
  }
  const plan = 'plan' in result && result.status !== 'indicative' ? result.plan : null
  if (plan === null && 'why' in result) {
    const considered = 'considered' in result ? result.considered : []
    const verdicts = considered.map(({ strategy, verdict, reasons }) => [
      strategy,
      verdict,
      reasons.map(withoutNumbers),
    ])
    return JSON.stringify([result.status, result.why, verdicts, 'fault' in result ? result.fault : null])
  }
  if (plan === null || plan.changes.length === 0) return causeOf(result)
  const { strategy, changes, notes } = plan
  const shown = changes.map(({ title, phase, shown, notes }) => [title, phase, shown, notes])
  const fault = 'fault' in result ? result.fault : null
  return JSON.stringify([result.status, strategy, shown, notes.map(withoutNumbers), likenessOfGates(plan), fault])
}

/** Sizes and times that were measured differ from host to host, and the change is the same. */
function withoutNumbers(note: string): string {
  return note.replaceAll(/\d+(?:[\s.]\d+)*(?:\s(?:(?:[KMG]i)?B|[smhd]\b))?/g, '#')
}

function headLines(paper: Paper, group: readonly AnyResult[], first: AnyResult): readonly string[] {
  const title: Piece[] = [{ tone: 'strong', text: names(group) }, ': ', statusPiece(first.status)]
  const strategy =
    'plan' in first && first.plan !== null && first.plan.changes.length > 0 ? `, ${first.plan.strategy}` : ''
  return paragraph(paper, { first: '', rest: '  ' }, ...title, strategy)
}

function whyLines(paper: Paper, group: readonly AnyResult[], detail: Detail): readonly string[] {
  const indent = { first: '    ', rest: '      ' }
  const [first] = group
  if (group.length === 1 && first !== undefined) {
    return section(paper, 'Found', findingLines(paper, findingsOf(first), detail))
  }
  const found = group.flatMap((result) => findingsOf(result).map((finding) => ({ host: result.host, ...finding })))
  const told = found.filter(
    ({ severity, rule }) => severity !== 'info' || first?.status === 'healthy' || rule === 'busy-port',
  )
  // Of one trouble each host has numbers of its own; those of the first few tell how bad it is.
  const lines = groups(told, ({ severity, rule }) => `${severity} ${rule}`).flatMap(([, alike]) =>
    atMost(
      groups(alike, ({ title }) => title).map(([title, those]) => ({ title, those })),
      { most: MOST_OWN, detail },
      (count) => [{ title: leftOutText(count, 'more such line', 'more such lines'), those: [] }],
    ).flatMap(({ title, those }) =>
      those[0] === undefined
        ? paragraph(paper, indent, title)
        : paragraph(paper, indent, severityPiece(those[0].severity), `: ${title} (${names(those)})`),
    ),
  )
  return section(paper, 'Found', lines)
}

const MOST_OWN = 4

function bodyLines(paper: Paper, result: AnyResult, shown: Shown): readonly string[] {
  const { group, detail } = shown
  switch (result.status) {
    case 'not-reached':
    case 'same-machine':
      return paragraph(paper, '  ', result.why)
    case 'unreachable':
      return unreachableLines(paper, '  ', commonFault(group) ?? result.fault)
    case 'failed':
      return faultLines(paper, '  ', commonFault(group) ?? result.fault)
    case 'healthy':
      return paragraph(paper, '  ', 'Nothing to do.')
    case 'no-strategy':
    case 'blocked':
      if ('fault' in result && result.fault !== undefined) return faultLines(paper, '  ', result.fault)
      return [
        ...paragraph(paper, '  ', result.why),
        ...consideredLines(paper, result.considered, { chosen: null, detail }),
        ...firstAidLines(paper, result.host, result.considered),
        ...paragraph(
          paper,
          '  ',
          `Next: ctfleet explain --limit ${result.host} says what each would change; mend what stands in the way of one of them`,
        ),
      ]
    case 'indicative':
      return indicativeLines(paper, result.plan, notesOf(shown))
    case 'already-right':
    case 'planned':
    case 'skipped':
    case 'declined':
    case 'applied':
      return planLines(paper, result.plan, shown)
    case 'under-way':
      return result.plan === null ? [] : planLines(paper, result.plan, shown)
    case 'refused':
      return [...faultLines(paper, '  ', result.fault), ...planLines(paper, result.plan, shown)]
    case 'rolled-back':
    case 'needs-hands':
      return [
        ...(result.fault === null ? [] : faultLines(paper, '  ', result.fault)),
        ...(result.plan === null ? [] : planLines(paper, result.plan, shown)),
      ]
  }
}

function planLines(paper: Paper, plan: Plan, shown: Shown): readonly string[] {
  const { detail } = shown
  return [
    ...consideredLines(paper, plan.considered, { chosen: plan.strategy, detail }),
    ...(plan.changes.length === 0 ? paragraph(paper, '  ', 'Nothing to change: all is as the strategy wants it.') : []),
    ...section(
      paper,
      'Changes',
      plan.changes.flatMap((change, at) => changeLines(paper, change, { number: at + 1, detail })),
    ),
    ...section(paper, 'Already right', bullets(paper, plan.kept)),
    ...(plan.changes.length === 0
      ? []
      : [
          ...section(paper, 'To know before you say yes', bullets(paper, notesOf(shown))),
          ...section(paper, 'May break when it is taken back, and has to be accepted', bullets(paper, lossOf(shown))),
          ...section(paper, 'Checked before it is kept', bullets(paper, gatesOf(shown))),
        ]),
  ]
}

/** What is approved, by its id: each host's own, since the bytes that run there are its own. */
function idLines(paper: Paper, group: readonly AnyResult[], detail: Detail): readonly string[] {
  const ids = group.flatMap((result) => {
    if (!('plan' in result) || result.status === 'indicative') return []
    if (result.plan === null || result.plan.changes.length === 0) return []
    const id = result.plan.id.slice(0, 12)
    return [group.length === 1 ? id : `${result.host} ${id}`]
  })
  if (ids.length === 0) return []
  const shown = atMost(ids, { most: MOST_NAMES, detail }, (count) => [leftOutText(count, 'more', 'more')])
  const text = `${ids.length === 1 ? 'plan' : 'plans'} ${shown.join(', ')}`
  return paragraph(paper, { first: '  ', rest: '    ' }, { tone: 'faint', text })
}

const MOST_DIFF_LINES = 40
const MOST_NAMES = 20

function changeLines(
  paper: Paper,
  { title, phase, shown, notes }: Change,
  { number, detail }: { readonly number: number; readonly detail: Detail },
): readonly string[] {
  const when = phase === 'persist' ? [{ tone: 'faint', text: ' (kept over a reboot)' } as const] : []
  return [
    ...paragraph(paper, { first: `    ${number}. `, rest: '       ' }, title, ...when),
    ...atMost(diffText(paper, '       ', shown), { most: MOST_DIFF_LINES, detail }, (count) =>
      paragraph(paper, '       ', leftOutText(count, 'more line', 'more lines')),
    ),
    ...notes.flatMap((note) =>
      paragraph(paper, { first: '       ! ', rest: '         ' }, { tone: 'warn', text: note }),
    ),
  ]
}
