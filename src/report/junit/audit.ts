import { type AuditFinding, countsFrom } from '../../model/audit.ts'
import type { AuditedHost, AuditReview, RuleTold } from '../../model/audit-review.ts'
import { type Element, element, linesOf, properties, xmlText } from './xml.ts'

/**
 * An audit as JUnit's XML: a test suite for each rule that was asked, and in it a case for each host that was asked. `failure`: what
 * was found makes the audit fail; `skipped`: it is waived. What is less bad than that is in the case's output. Hosts that could not
 * be asked are an `error` each, in a suite of their own; what there is against the policy is in another. So failures and errors are
 * exactly what makes the exit code other than 0.
 */
export function auditJunit(review: AuditReview): string {
  const { made, rules, hosts, policy, headline } = review
  const isFailing = countsFrom(made.failOn)
  const asked = hosts.filter(({ trouble }) => trouble === null)
  const isSince = made.since.length > 0
  const suites: readonly Suite[] = [
    ...(isSince ? [COMPARED] : []),
    { name: 'asked', cases: hosts.map(reached) },
    ...rules
      .filter(({ id, off }) => !off && !ABOUT_POLICY.has(id))
      .map((rule) => ({ name: rule.id, cases: asked.map((host) => held(rule, host, isFailing)) })),
    { name: 'policy', cases: policy.map((finding) => ofPolicy(finding, isFailing)) },
  ].filter(({ cases }) => cases.length > 0)
  const all = suites.flatMap(({ cases }) => cases)
  return xmlText(
    element('testsuites', { name: isSince ? 'ctfleet audit --since-last' : 'ctfleet audit', ...totals(all) }, [
      ...suites.map((suite, at) => suiteElement(suite, made, at === 0 ? [headline, ...made.since] : [])),
    ]),
  )
}

/** They are asked of the policy, and of no host. */
const ABOUT_POLICY: ReadonlySet<string> = new Set(['waiver-over', 'waiver-idle'])

/** Where nothing changed there would be no test at all, which readers take for a failure. */
const COMPARED: Suite = {
  name: 'since-last',
  cases: [
    { name: 'compared with the last audit', classname: 'ctfleet.audit.since-last', outcome: 'passed', content: [] },
  ],
}

type Suite = { readonly name: string; readonly cases: readonly Case[] }

type Case = {
  readonly name: string
  readonly classname: string
  readonly outcome: 'passed' | 'failed' | 'error' | 'skipped'
  readonly content: readonly Element[]
}

function reached({ host, trouble, ...told }: AuditedHost): Case {
  const place = { name: host, classname: 'ctfleet.audit.asked' }
  if (trouble === null) return { ...place, outcome: 'passed', content: [] }
  const { code, message, next } = trouble
  const body = linesOf([message, ...(next === null ? [] : [`Next: ${next}`])])
  return {
    ...place,
    outcome: 'error',
    content: [element('error', { message: `${told.class}: ${message}`, type: code }, body)],
  }
}

/** Readers take one verdict of a case: the worst finding's, with the words of all. */
function held(rule: RuleTold, { host, findings }: AuditedHost, isFailing: (finding: AuditFinding) => boolean): Case {
  const place = { name: host, classname: `ctfleet.audit.${rule.id}` }
  const found = findings.filter((finding) => finding.rule === rule.id)
  const failing = found.filter(isFailing)
  const [first] = failing
  const others = found.filter((finding) => !failing.includes(finding) && finding.waived === null)
  const output =
    others.length === 0 ? [] : [element('system-out', {}, linesOf(others.flatMap((each) => findingLines(each))))]
  if (first !== undefined) {
    const body = linesOf(failing.flatMap((each) => findingLines(each)))
    const verdict = element('failure', { message: `${first.severity}: ${first.title}`, type: rule.id }, body)
    return { ...place, outcome: 'failed', content: [verdict, ...output] }
  }
  const waived = found.flatMap((each) => (each.waived === null ? [] : [{ title: each.title, ...each.waived }]))
  if (waived.length > 0 && others.length === 0) {
    const body = linesOf(waived.map(({ title, reason, until }) => `waived until ${until}: ${reason} (${title})`))
    return { ...place, outcome: 'skipped', content: [element('skipped', {}, body)] }
  }
  return { ...place, outcome: 'passed', content: output }
}

function ofPolicy(finding: AuditFinding, isFailing: (finding: AuditFinding) => boolean): Case {
  const { rule, severity, title } = finding
  const body = linesOf(findingLines(finding))
  const isBad = isFailing(finding)
  return {
    name: title,
    classname: `ctfleet.audit.${rule}`,
    outcome: isBad ? 'failed' : 'passed',
    content: [
      isBad
        ? element('failure', { message: `${severity}: ${title}`, type: rule }, body)
        : element('system-out', {}, body),
    ],
  }
}

function findingLines({ severity, title, evidence, threshold, remedy }: AuditFinding): readonly string[] {
  return [
    `${severity}: ${title}`,
    ...evidence,
    ...(threshold === null ? [] : [`counts from: ${threshold}`]),
    ...(remedy === null ? [] : [`Next: ${remedy}`]),
  ]
}

function totals(cases: readonly Case[]) {
  const count = (outcome: Case['outcome']) => cases.filter((each) => each.outcome === outcome).length
  return { tests: cases.length, failures: count('failed'), errors: count('error') }
}

function suiteElement({ name, cases }: Suite, made: AuditReview['made'], told: readonly string[]): Element {
  const skipped = cases.filter(({ outcome }) => outcome === 'skipped').length
  // Local time without a zone is what the schemas ask for; ours is UTC.
  const attributes = { name: `ctfleet audit: ${name}`, ...totals(cases), skipped, timestamp: made.at.slice(0, 19) }
  return element('testsuite', attributes, [
    properties([
      ['fail-on', made.failOn],
      ...(made.inventory === null ? [] : ([['inventory', made.inventory]] as const)),
      ...(made.policy === null ? [] : ([['policy', made.policy]] as const)),
      ...(made.facts === null ? [] : ([['facts', made.facts.file]] as const)),
    ]),
    ...cases.map((each) => element('testcase', { name: each.name, classname: each.classname }, each.content)),
    ...(told.length === 0 ? [] : [element('system-out', {}, linesOf(told))]),
  ])
}
