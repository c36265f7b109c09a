import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { AuditFinding, Severity } from '../../model/audit.ts'
import type {
  AuditedHost,
  AuditReview,
  AuditTrouble,
  RuleFound,
  RuleTold,
  WaivedTold,
} from '../../model/audit-review.ts'
import type { Mood } from '../../model/review.ts'
import { type Html, html, NOTHING } from './html.ts'
import { type Fact, pageText } from './page.ts'
import { table } from './table.ts'
import { bulleted, folding, hostNames, moment, nextStep, tinted } from './words.ts'

/** An audit as one page: what was found and what to type, then every host, and what was asked. */
export function auditHtml(review: AuditReview): string {
  const { headline, counts, rules, found, policy, waived, troubles, hosts } = review
  return pageText({
    title: 'ctfleet audit',
    headline,
    tally: counts.map(({ class: word, ...count }) => ({ word, ...count })),
    facts: factsOf(review),
    parts: [
      {
        id: 'silent',
        title: 'Who could not be asked',
        more: counted(troubles.length, 'cause', 'causes'),
        content: troubles.map(troubleHtml),
      },
      {
        id: 'found',
        title: 'What was found',
        more: counted(found.length, 'rule', 'rules'),
        content: found.map(ruleHtml),
      },
      { id: 'policy', title: 'The policy', content: policy.map(policyHtml) },
      { id: 'waived', title: 'Waived', content: waived.length === 0 ? [] : [waivedHtml(waived)] },
      {
        id: 'hosts',
        title: review.made.since.length === 0 ? 'Every host' : 'Hosts with something new',
        more: grouped(hosts.length),
        content: hosts.length === 0 ? [] : [hostsHtml(hosts)],
      },
      { id: 'rules', title: 'What was asked', more: grouped(rules.length), content: [rulesHtml(rules)] },
    ],
    footer: 'An audit changes nothing on a host.',
  })
}

function factsOf({ made, leftOut: { leftOut, unsure } }: AuditReview): readonly Fact[] {
  const { at, inventory, policy, failOn, facts, since } = made
  const taken = facts?.takenAt ?? null
  const when = taken === null ? html`of a time that it does not say` : html`taken ${moment(taken)}`
  return [
    { name: 'Made', value: moment(at) },
    ...(inventory === null ? [] : [{ name: 'Inventory', value: html`<code>${inventory}</code>` }]),
    { name: 'Policy', value: policy === null ? html`none: rules as they come` : html`<code>${policy}</code>` },
    { name: 'Fails from', value: html`${failOn} on` },
    ...(facts === null ? [] : [{ name: 'Indicative', value: html`judged from <code>${facts.file}</code>, ${when}` }]),
    ...(leftOut.length === 0
      ? []
      : [{ name: 'Left out by --where', value: html`${counted(leftOut.length, 'host', 'hosts')}` }]),
    ...(since.length === 0 ? [] : [{ name: 'Only what is new or worse', value: bulleted(since), wide: true } as const]),
    ...unsure.map(
      ({ host, why }): Fact => ({ name: '--where cannot tell', value: html`<code>${host}</code>: ${why}`, wide: true }),
    ),
  ]
}

/** Groups of one rule before the others are folded. */
const MOST_ALIKE = 12

function ruleHtml({ rule, summary, severity, mood, alike, thresholds, remedies }: RuleFound): Html {
  const hosts = alike.reduce((count, each) => count + each.hosts.length, 0)
  return html`<section class="card ${mood}">
<h3>${tinted(mood, severity)} ${summary}</h3>
<p class="faint"><code>${rule}</code> on ${counted(hosts, 'host', 'hosts')}${thresholds.length === 0 ? '' : `; counts from ${thresholds.join('; ')}`}</p>
${folding(alike.map(alikeHtml), MOST_ALIKE)}${remedies.map(nextStep)}</section>
`
}

function alikeHtml({ hosts, title, evidence }: RuleFound['alike'][number]): Html {
  return html`<div class="whole">
<p><strong>${title}</strong></p>
${hostNames(hosts)}${bulleted(evidence)}</div>
`
}

function policyHtml({ severity, title, evidence, remedy }: AuditFinding): Html {
  const mood = MOODS[severity]
  return html`<section class="card ${mood}">
<h3>${tinted(mood, severity)} ${title}</h3>
${bulleted(evidence)}${remedy === null ? NOTHING : nextStep(remedy)}</section>
`
}

const MOODS: Readonly<Record<Severity, Mood>> = { critical: 'bad', warning: 'warn', info: 'faint' }

function troubleHtml({ hosts, status, mood, message, next }: AuditTrouble): Html {
  return html`<section class="card ${mood}">
<h3>${tinted(mood, status)} <span class="faint">${counted(hosts.length, 'host', 'hosts')}</span></h3>
${hostNames(hosts)}<p>${message}</p>
${next === null ? NOTHING : nextStep(next)}</section>
`
}

function waivedHtml(waived: readonly WaivedTold[]): Html {
  return table({
    caption: 'They do not count through the day named',
    heads: ['Rule', 'Hosts', 'Until', 'Reason'],
    rows: waived.map(({ rule, hosts, until, reason }) => [
      html`<code>${rule}</code>`,
      hostNames(hosts),
      html`${until}`,
      html`${reason}`,
    ]),
  })
}

function hostsHtml(hosts: readonly AuditedHost[]): Html {
  return table({
    caption: 'Worst first',
    heads: ['Host', 'Status', 'What there is'],
    rows: hosts.map((host) => [html`<code>${host.host}</code>`, tinted(host.mood, host.class), againstHtml(host)]),
  })
}

function againstHtml({ findings, trouble }: AuditedHost): Html {
  if (trouble !== null) return html`${trouble.message}`
  const told = findings.map(
    ({ rule, severity, waived }) =>
      html`<li>${tinted(waived === null ? MOODS[severity] : 'faint', rule)}${waived === null ? '' : ' (waived)'}</li>`,
  )
  return told.length === 0 ? html`nothing` : html`<ul class="hosts">${told}</ul>`
}

function rulesHtml(rules: readonly RuleTold[]): Html {
  const rows = rules.map(({ id, summary, severity, off }) => [
    html`<code>${id}</code>`,
    off ? html`off, by the policy` : tinted(MOODS[severity], severity),
    html`${summary}`,
  ])
  const told = table({
    caption: 'Rules, and how bad it is unless a finding says so',
    heads: ['Rule', 'Severity', 'What it looks for'],
    rows,
  })
  return html`<details><summary>${counted(rules.length, 'rule', 'rules')}</summary>\n${told}</details>\n`
}
