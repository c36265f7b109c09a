import { counted, duration, grouped, percent } from '../../diagnosis/numbers.ts'
import type { ApprovalTold, Found, HostTold, Look, Pressure, RunReview, Trouble, Work } from '../../model/review.ts'
import { changeLines, code, MOST_NAMES, moment, names, part, prose, table } from './markdown.ts'

/** Notes of one work: those with numbers are each host's own. */
const MOST_NOTES = 10
/** Hosts in the table at the end, worst first. */
const MOST_HOSTS = 100

/** A run for an incident's channel or ticket: who and when, what was wrong, what is left to do, each change once, how each host ended. */
export function runMarkdown(review: RunReview): string {
  const { troubles, found, pressure, works, approvals, hosts, run } = review
  return [
    ...head(review),
    ...part('Left to do', troubles.flatMap(troubleLines)),
    ...part('What was wrong', [...pressureLines(pressure), ...found.flatMap(foundLines)]),
    ...part(run.command === 'rollback' ? 'What was to be taken back' : 'What was to be done', works.flatMap(workLines)),
    ...part('What was tested', gateLines(hosts)),
    ...part('Approvals', approvalLines(approvals)),
    ...part('Every host', hostLines(hosts)),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

function head({ run, headline, later }: RunReview): readonly string[] {
  const { id, command, by, inventory, startedAt, endedAt, of } = run
  const seconds = endedAt === null ? Number.NaN : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  const lasted = seconds >= 0 ? `, ${duration(seconds)} long` : ''
  return [
    `# ctfleet ${command} ${prose(id)}`,
    '',
    `**${prose(headline)}**`,
    '',
    `By ${code(by)}, on ${code(inventory)}, begun ${moment(startedAt)}${lasted}${endedAt === null ? ', **not ended**' : ''}.`,
    ...(of === null ? [] : ['', `It ${command === 'resume' ? 'closes' : 'takes back'} run ${code(of)}.`]),
    ...later.flatMap((each) => [
      '',
      `Later: ${each.command} ${code(each.id)} by ${code(each.by)}, ${moment(each.startedAt)}: ${prose(each.ended)}.`,
    ]),
    '',
  ]
}

function troubleLines({ hosts, status, message, next }: Trouble): readonly string[] {
  return [
    `- **${status}**: ${names(hosts)}: ${prose(message)}`,
    ...(next === null ? [] : [`  **Next:** ${prose(next)}`]),
  ]
}

function pressureLines(pressure: readonly Pressure[]): readonly string[] {
  const rows = pressure
    .slice(0, MOST_NAMES)
    .map(({ host, before, after }) => [
      code(host),
      ...[before, after].flatMap((look) => [fillText(look), dropsText(look)]),
    ])
  const more = pressure.length - rows.length
  return [
    ...table(['host', 'table before', 'drops before', 'table after', 'drops after'], rows),
    ...(more > 0 ? [`And ${counted(more, 'host', 'hosts')} more under pressure.`, ''] : []),
  ]
}

function fillText({ table }: Look): string {
  if (!table.known) return 'not known'
  const { entries, max } = table.value
  return `${max > 0 ? `${percent(entries / max)} of ` : ''}${counted(max, 'entry', 'entries')}`
}

function dropsText({ drops }: Look): string {
  return drops.known ? `${grouped(Math.round(drops.value * 10) / 10)}/s` : 'not known'
}

function foundLines({ severity, title, evidence, hosts }: Found): readonly string[] {
  return [`- **${severity}**: ${prose(title)} (${names(hosts)})`, ...evidence.map((line) => `  - ${prose(line)}`)]
}

function workLines({ strategy, ended, hosts, changes, notes }: Work): readonly string[] {
  const named = hosts.map(({ host }) => host)
  return [
    `### ${prose(strategy)} on ${counted(hosts.length, 'host', 'hosts')}: ${ended}`,
    '',
    names(named),
    '',
    ...changes.flatMap((change, at) => changeLines(change, at)),
    ...notes.slice(0, MOST_NOTES).map((note) => `- ${prose(note)}`),
    ...(notes.length > MOST_NOTES
      ? [`- and ${grouped(notes.length - MOST_NOTES)} more, each with numbers of its own`]
      : []),
    ...(notes.length === 0 ? [] : ['']),
  ]
}

/** Gates that did not hold, with what was seen; of those that held how many. */
function gateLines(hosts: readonly HostTold[]): readonly string[] {
  const all = hosts.flatMap(({ host, checked }) => checked.map((outcome) => ({ host, ...outcome })))
  if (all.length === 0) return []
  const broken = all.filter(({ held }) => !held)
  const held = all.length - broken.length
  return [
    `${counted(all.length, 'gate', 'gates')} asked over new connections: ${grouped(held)} held, ${grouped(broken.length)} did not.`,
    '',
    ...broken.map(({ host, gate, message }) => `- ${code(host)}, **${gate}**: ${prose(message)}`),
  ]
}

function approvalLines(approvals: readonly ApprovalTold[]): readonly string[] {
  const rows = approvals.map(({ answer, by, at, hosts, remark }) => [
    answer,
    code(by),
    at === null ? 'not on record' : moment(at),
    names(hosts),
    prose(remark ?? ''),
  ])
  return table(['answer', 'by', 'when', 'hosts', 'how, or why'], rows)
}

function hostLines(hosts: readonly HostTold[]): readonly string[] {
  const rows = hosts.slice(0, MOST_HOSTS).map(({ host, status, ended }) => [code(host), status, prose(ended)])
  const more = hosts.length - rows.length
  return [
    ...table(['host', 'status', 'how it ended'], rows),
    ...(more > 0 ? [`And ${counted(more, 'host', 'hosts')} more; all are in the other formats.`] : []),
  ]
}
