import { counted, grouped } from '../../diagnosis/numbers.ts'
import type { AuditedHost, AuditReview, AuditTrouble, RuleFound, WaivedTold } from '../../model/audit-review.ts'
import { code, moment, names, part, prose, table } from './markdown.ts'

/** Groups of one rule whose hosts have the same against them; those with numbers are each host's own. */
const MOST_ALIKE = 20
/** Hosts in the table at the end, worst first. */
const MOST_HOSTS = 100

/** An audit for a ticket or a channel: what was found, rule by rule, what to type, and each host under the worst of it. */
export function auditMarkdown(review: AuditReview): string {
  const { made, found, policy, waived, troubles, hosts } = review
  return [
    ...head(review),
    ...part('What was found', found.flatMap(ruleLines)),
    ...part(
      'The policy',
      policy.flatMap(({ severity, title, evidence, remedy }) => [
        `- **${severity}**: ${prose(title)}`,
        ...evidence.map((line) => `  - ${prose(line)}`),
        ...(remedy === null ? [] : [`  - **Next:** ${prose(remedy)}`]),
      ]),
    ),
    ...part('Could not be asked', troubles.flatMap(troubleLines)),
    ...part('Waived', waived.map(waivedLine)),
    ...part(made.since.length === 0 ? 'Every host' : 'Hosts with something new', hostLines(hosts)),
  ]
    .join('\n')
    .trimEnd()
    .concat('\n')
}

function head({ made, headline, rules, leftOut }: AuditReview): readonly string[] {
  const { at, inventory, policy, failOn, facts, since } = made
  const off = rules.filter((rule) => rule.off).map(({ id }) => code(id))
  const on = [
    ...(inventory === null ? [] : [`on ${code(inventory)}`]),
    ...(policy === null ? [] : [`by ${code(policy)}`]),
  ]
  const taken = facts?.takenAt ?? null
  return [
    '# ctfleet audit',
    '',
    `**${prose(headline)}**`,
    '',
    `Made ${[moment(at), ...on].join(', ')}; it fails from **${failOn}** on.`,
    ...(facts === null
      ? []
      : [
          '',
          `Indicative: judged from ${code(facts.file)}, ${taken === null ? 'of a time that it does not say' : `taken ${moment(taken)}`}.`,
        ]),
    ...(since.length === 0 ? [] : ['', 'Only what is new or worse:', '', ...since.map((line) => `- ${prose(line)}`)]),
    ...(off.length === 0 ? [] : ['', `Not asked, by the policy: ${off.join(', ')}.`]),
    ...(leftOut.leftOut.length === 0
      ? []
      : ['', `${counted(leftOut.leftOut.length, 'host', 'hosts')} left out by \`--where\`.`]),
    ...leftOut.unsure
      .slice(0, MOST_ALIKE)
      .flatMap(({ host, why }) => ['', `\`--where\` cannot be told of ${code(host)}: ${prose(why)}`]),
    '',
  ]
}

function ruleLines({ rule, summary, severity, alike, thresholds, remedies }: RuleFound): readonly string[] {
  const shown = alike.slice(0, MOST_ALIKE)
  const more = alike.slice(MOST_ALIKE).reduce((count, { hosts }) => count + hosts.length, 0)
  return [
    `### ${severity}: ${prose(summary)}`,
    '',
    ...shown.flatMap(({ hosts, title, evidence }) => [
      `- ${names(hosts)}: ${prose(title)}`,
      ...evidence.map((line) => `  - ${prose(line)}`),
    ]),
    ...(more === 0 ? [] : [`- and ${counted(more, 'host', 'hosts')} more, each with numbers of its own`]),
    '',
    `Rule ${code(rule)}${thresholds.length === 0 ? '' : `; counts from: ${thresholds.map(prose).join('; ')}`}`,
    ...remedies.flatMap((remedy) => ['', `**Next:** ${prose(remedy)}`]),
    '',
  ]
}

function troubleLines({ hosts, status, message, next }: AuditTrouble): readonly string[] {
  return [
    `- **${status}**: ${names(hosts)}: ${prose(message)}`,
    ...(next === null ? [] : [`  **Next:** ${prose(next)}`]),
  ]
}

function waivedLine({ rule, hosts, reason, until }: WaivedTold): string {
  return `- ${code(rule)} on ${names(hosts)}, until ${prose(until)}: ${prose(reason)}`
}

function hostLines(hosts: readonly AuditedHost[]): readonly string[] {
  const rows = hosts.slice(0, MOST_HOSTS).map(({ host, findings, ...told }) => {
    const counting = findings.filter(({ waived }) => waived === null)
    return [code(host), told.class, counting.map(({ rule }) => code(rule)).join(', ')]
  })
  const more = hosts.length - rows.length
  return [
    ...table(['host', 'status', 'what counts against it'], rows),
    ...(more > 0
      ? [`And ${counted(more, 'host', 'hosts')} more; all ${grouped(hosts.length)} are in the other formats.`]
      : []),
  ]
}
