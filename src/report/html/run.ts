import { counted, duration, grouped } from '../../diagnosis/numbers.ts'
import type { ApprovalTold, Found, HostTold, LaterRun, RunReview, Trouble } from '../../model/review.ts'
import { type Html, html, NOTHING } from './html.ts'
import { type Fact, pageText } from './page.ts'
import { pressureChart } from './pressure.ts'
import { table } from './table.ts'
import { type Anchors, bulleted, folding, hostName, hostNames, moment, nextStep, status, tinted } from './words.ts'
import { workHtml } from './work.ts'

/** More groups than these are folded, so that the page can be looked over. */
const MOST_OPEN = 12
/** Somebody has to go through these. */
const MOST_CAUSES = 50

/** A run as one page for an incident review. */
export function runHtml(review: RunReview): string {
  const { run, headline, counts, works, troubles, found, pressure, approvals, hosts } = review
  const anchors: Anchors = new Map(
    works.flatMap((work, at) => work.hosts.map(({ host }) => [host, workId(at)] as const)),
  )
  return pageText({
    title: `ctfleet ${run.command} ${run.id}`,
    headline,
    tally: counts.map(({ status: word, ...count }) => ({ word, ...count })),
    facts: factsOf(review),
    parts: [
      {
        id: 'left',
        title: 'What is left to do',
        more: counted(troubles.length, 'cause', 'causes'),
        content: folding(
          troubles.map((trouble) => troubleHtml(trouble, anchors)),
          MOST_CAUSES,
        ),
      },
      {
        id: 'found',
        title: 'What was wrong',
        more: counted(found.length, 'finding', 'findings'),
        content: [
          ...(pressure.length === 0 ? [] : [pressureChart(pressure, anchors)]),
          ...folding(
            found.map((each) => foundHtml(each, anchors)),
            MOST_OPEN,
          ),
        ],
      },
      {
        id: 'done',
        title: run.command === 'rollback' ? 'What was to be taken back' : 'What was to be done',
        more: counted(works.length, 'kind of change', 'kinds of change'),
        content: works.map((work, at) => workHtml(work, { id: workId(at), isOpen: works.length <= MOST_OPEN })),
      },
      { id: 'checked', title: 'What was tested after the change', content: gates(hosts, anchors) },
      { id: 'approved', title: 'Approvals', content: approvals.length === 0 ? [] : [approvalsHtml(approvals)] },
      {
        id: 'hosts',
        title: 'Every host',
        more: grouped(hosts.length),
        content: hosts.length === 0 ? [] : [hostsHtml(hosts, anchors)],
      },
    ],
    footer: 'From the record that ctfleet keeps.',
  })
}

function workId(at: number): string {
  return `change-${at + 1}`
}

function factsOf({ run, later }: RunReview): readonly Fact[] {
  const { by, inventory, startedAt, endedAt, of } = run
  const lasted = endedAt === null ? Number.NaN : (Date.parse(endedAt) - Date.parse(startedAt)) / 1000
  const ended =
    endedAt === null
      ? tinted('warn', 'not ended')
      : html`${moment(endedAt)}${lasted >= 0 ? `, after ${duration(lasted)}` : ''}`
  return [
    { name: 'Asked for by', value: html`${by}` },
    { name: 'Inventory', value: html`<code>${inventory}</code>` },
    { name: 'Begun', value: moment(startedAt) },
    { name: 'Ended', value: ended },
    ...(of === null
      ? []
      : [{ name: run.command === 'resume' ? 'Closes' : 'Takes back', value: html`run <code>${of}</code>` }]),
    ...later.map((each): Fact => ({ name: 'Later', value: laterHtml(each), wide: true })),
  ]
}

function laterHtml({ id, command, by, startedAt, ended }: LaterRun): Html {
  return html`${command} <code>${id}</code> by ${by}, ${moment(startedAt)}: ${ended}`
}

function troubleHtml(trouble: Trouble, anchors: Anchors): Html {
  const { hosts, message, next, mood } = trouble
  return html`<section class="card ${mood}">
<h3>${status(trouble)} <span class="faint">${counted(hosts.length, 'host', 'hosts')}</span></h3>
${hostNames(hosts, anchors)}<p>${message}</p>
${next === null ? NOTHING : nextStep(next)}</section>
`
}

function foundHtml({ severity, mood, title, evidence, hosts }: Found, anchors: Anchors): Html {
  return html`<section class="card ${mood}">
<h3>${tinted(mood, severity)} ${title}</h3>
${hostNames(hosts, anchors)}${bulleted(evidence)}</section>
`
}

/** Those that did not hold are what a review is about; of the others there may be a thousand. */
function gates(hosts: readonly HostTold[], anchors: Anchors): readonly Html[] {
  const all = hosts.flatMap(({ host, checked }) => checked.map((outcome) => ({ host, ...outcome })))
  if (all.length === 0) return []
  const rows = (some: typeof all) =>
    some.map(({ host, gate, held, message }) => [
      hostName(host, anchors),
      html`${gate}`,
      held ? tinted('good', 'yes') : tinted('bad', 'no'),
      html`${message}`,
    ])
  const heads = ['Host', 'Gate', 'Held', 'What was seen']
  const broken = all.filter(({ held }) => !held)
  const held = all.filter(({ held }) => held)
  const caption = `${counted(held.length, 'gate', 'gates')} held`
  const told = table({ caption, heads, rows: rows(held) })
  return [
    html`<p>Asked over a new connection, before a change is kept: ${grouped(held.length)} of ${counted(all.length, 'gate', 'gates')} held.</p>\n`,
    table({ caption: `${counted(broken.length, 'gate', 'gates')} did not hold`, heads, rows: rows(broken) }),
    held.length <= MOST_OPEN ? told : html`<details><summary>${caption}</summary>\n${told}</details>\n`,
  ]
}

function approvalsHtml(approvals: readonly ApprovalTold[]): Html {
  return table({
    caption: 'Who said what, to which hosts',
    heads: ['Answer', 'By', 'When', 'Hosts', 'How, or why'],
    rows: approvals.map(({ answer, by, at, hosts, remark }) => [
      html`${answer}`,
      html`${by}`,
      at === null ? html`not on record` : moment(at),
      hostNames(hosts),
      html`${remark ?? ''}`,
    ]),
  })
}

function hostsHtml(hosts: readonly HostTold[], anchors: Anchors): Html {
  return table({
    caption: 'Worst first; a name leads to what was to be changed there',
    heads: ['Host', 'Status', 'How it ended'],
    rows: hosts.map((host) => [hostName(host.host, anchors), status(host), html`${host.ended}`]),
  })
}
