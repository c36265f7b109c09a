import type { Change } from '../../model/change.ts'
import type { IndicativePlan } from '../../model/indicative.ts'
import type { Plan } from '../../model/plan.ts'
import { type Paper, type Piece, paragraph, visible } from '../format.ts'
import { diffText } from './diff.ts'
import { causeOf, commonFault, faultLines, unreachableLines } from './fault.ts'
import { gateTexts, likenessOfGates } from './gates.ts'
import { groups } from './groups.ts'
import { indicativeLines } from './indicative.ts'
import { bullets, consideredLines, findingLines, firstAidLines, section } from './parts.ts'
import { findingsOf, fleetSummary, names, type Standing, severityPiece, statusPiece, worstFirst } from './status.ts'

/** The fleet worst first, then each host with what was found and what would change; equal changes are shown once. */
export function planText(paper: Paper, results: readonly Standing[]): readonly string[] {
  return [
    ...fleetSummary(paper, results),
    ...changeGroups(results).flatMap((group) => ['', ...groupLines(paper, group)]),
  ]
}

/** Worst first, those with the same change together. */
function changeGroups(results: readonly Standing[]): readonly (readonly Standing[])[] {
  return groups(worstFirst(results), sameChange).map(([, members]) => members)
}

/** One host, or several with the same change, in full. */
export function groupLines(paper: Paper, group: readonly Standing[]): readonly string[] {
  const [first] = group
  if (first === undefined) return []
  return [
    ...headLines(paper, group, first),
    ...whyLines(paper, group),
    ...bodyLines(paper, first, group),
    ...idLines(paper, group),
  ]
}

/** Every byte that runs on the hosts, as the approval's id covers it; lines are whole, however wide the paper. */
export function scriptText(paper: Paper, results: readonly Standing[]): readonly string[] {
  return results.flatMap((result) => {
    if (!('plan' in result) || result.plan === null || result.status === 'indicative') return []
    const { host, id, boundTo, script } = result.plan
    return [
      '',
      ...paragraph(paper, '', { tone: 'strong', text: `${host.name}: read at plan and again before the first change` }),
      ...boundTo.probe.split('\n').map(visible),
      '',
      ...paragraph(paper, '', { tone: 'strong', text: `${host.name}: the transaction of plan ${id}` }),
      ...script.split('\n').map(visible),
    ]
  })
}

/** Hosts for which a person would read the same text. What differs only in numbers that were found is the same change. */
function sameChange(result: Standing): string {
  if (result.status === 'healthy') return result.status
  if (result.status === 'indicative' && result.plan.changes.length > 0) {
    const { strategy, changes, notes } = result.plan
    return JSON.stringify([result.status, strategy, changes, notes.map(withoutNumbers)])
  }
  const plan = 'plan' in result && result.status !== 'indicative' ? result.plan : null
  if (plan === null && 'why' in result)
    return JSON.stringify([result.status, result.why, 'considered' in result && result.host])
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

function headLines(paper: Paper, group: readonly Standing[], first: Standing): readonly string[] {
  const title: Piece[] = [{ tone: 'strong', text: names(group) }, ': ', statusPiece(first.status)]
  const strategy =
    'plan' in first && first.plan !== null && first.plan.changes.length > 0 ? `, ${first.plan.strategy}` : ''
  return paragraph(paper, { first: '', rest: '  ' }, ...title, strategy)
}

function whyLines(paper: Paper, group: readonly Standing[]): readonly string[] {
  const indent = { first: '    ', rest: '      ' }
  const [first] = group
  if (group.length === 1 && first !== undefined) {
    return section(paper, 'Found', findingLines(paper, findingsOf(first)))
  }
  const found = group
    .flatMap((result) => findingsOf(result).map((finding) => ({ host: result.host, ...finding })))
    .filter(({ severity }) => first?.status !== 'healthy' || severity !== 'info')
  const lines = groups(found, ({ severity, title }) => `${severity} ${title}`).flatMap(([, [finding, ...more]]) =>
    finding === undefined
      ? []
      : paragraph(paper, indent, severityPiece(finding.severity), `: ${finding.title} (${names([finding, ...more])})`),
  )
  return section(paper, 'Found', lines)
}

function bodyLines(paper: Paper, result: Standing, group: readonly Standing[]): readonly string[] {
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
        ...consideredLines(paper, result.considered, null),
        ...firstAidLines(paper, result.host, result.considered),
        ...paragraph(
          paper,
          '  ',
          `Next: ctfleet explain --limit ${result.host} says what each would change; mend what stands in the way of one of them`,
        ),
      ]
    case 'indicative':
      return indicativeLines(paper, result.plan, notesOf(group))
    case 'already-right':
    case 'planned':
    case 'skipped':
    case 'declined':
    case 'applied':
      return planLines(paper, result.plan, group)
    case 'under-way':
      return result.plan === null ? [] : planLines(paper, result.plan, group)
    case 'refused':
      return [...faultLines(paper, '  ', result.fault), ...planLines(paper, result.plan, group)]
    case 'rolled-back':
    case 'needs-hands':
      return [
        ...(result.fault === null ? [] : faultLines(paper, '  ', result.fault)),
        ...(result.plan === null ? [] : planLines(paper, result.plan, group)),
      ]
  }
}

function notesOf(group: readonly Standing[]): readonly string[] {
  return ofAll(group, (plan) => [...plan.notes, ...('rollbackNotes' in plan ? plan.rollbackNotes : [])])
}

function lossOf(group: readonly Standing[]): readonly string[] {
  return ofAll(group, (plan) => ('sessionLoss' in plan ? (plan.sessionLoss ?? []) : []))
}

function gatesOf(group: readonly Standing[]): readonly string[] {
  return ofAll(group, (plan) => ('gates' in plan ? gateTexts(plan) : []))
}

/** What all have, then what has numbers of each host's own. */
function ofAll(group: readonly Standing[], textsOf: (plan: Plan | IndicativePlan) => readonly string[]) {
  const all = group.flatMap((result) => {
    if (!('plan' in result) || result.plan === null) return []
    return [{ host: result.host, texts: textsOf(result.plan) }]
  })
  const everywhere = (text: string) => all.every(({ texts }) => texts.includes(text))
  const [first] = all
  const own = all.flatMap(({ host, texts }) =>
    texts.filter((text) => !everywhere(text)).map((text) => ({ host, text })),
  )
  return [
    ...(first?.texts.filter(everywhere) ?? []),
    ...groups(own, ({ text }) => text).map(([text, those]) => `${those.map(({ host }) => host).join(', ')}: ${text}`),
  ]
}

function planLines(paper: Paper, plan: Plan, group: readonly Standing[]): readonly string[] {
  return [
    ...consideredLines(paper, plan.considered, plan.strategy),
    ...(plan.changes.length === 0 ? paragraph(paper, '  ', 'Nothing to change: all is as the strategy wants it.') : []),
    ...section(
      paper,
      'Changes',
      plan.changes.flatMap((change, at) => changeLines(paper, change, at + 1)),
    ),
    ...section(paper, 'Already right', bullets(paper, plan.kept)),
    ...(plan.changes.length === 0
      ? []
      : [
          ...section(paper, 'To know before you say yes', bullets(paper, notesOf(group))),
          ...section(paper, 'May break when it is taken back, and has to be accepted', bullets(paper, lossOf(group))),
          ...section(paper, 'Checked before it is kept', bullets(paper, gatesOf(group))),
        ]),
  ]
}

/** What is approved, by its id: each host's own, since the bytes that run there are its own. */
function idLines(paper: Paper, group: readonly Standing[]): readonly string[] {
  const ids = group.flatMap((result) => {
    if (!('plan' in result) || result.status === 'indicative') return []
    if (result.plan === null || result.plan.changes.length === 0) return []
    const id = result.plan.id.slice(0, 12)
    return [group.length === 1 ? id : `${result.host} ${id}`]
  })
  if (ids.length === 0) return []
  const text = `${ids.length === 1 ? 'plan' : 'plans'} ${ids.join(', ')}`
  return paragraph(paper, { first: '  ', rest: '    ' }, { tone: 'faint', text })
}

function changeLines(paper: Paper, { title, phase, shown, notes }: Change, number: number): readonly string[] {
  const when = phase === 'persist' ? [{ tone: 'faint', text: ' (kept over a reboot)' } as const] : []
  return [
    ...paragraph(paper, { first: `    ${number}. `, rest: '       ' }, title, ...when),
    ...diffText(paper, '       ', shown),
    ...notes.flatMap((note) =>
      paragraph(paper, { first: '       ! ', rest: '         ' }, { tone: 'warn', text: note }),
    ),
  ]
}
