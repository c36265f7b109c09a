import type { AuditFinding, Severity } from '../model/audit.ts'
import { SEVERITIES } from '../model/finding.ts'
import type { Found, Look, Untold } from './audit-rule.ts'
import { AUDIT_RULES, OTHER_RULES, RULE_IDS } from './catalog.ts'
import type { Policy } from './policy.ts'
import { judgeOwn } from './site-rule.ts'

/** Every rule of ours and of the site, on one host: its findings, worst first, and once each what could not be told. */
export function auditOf(look: Look, policy: Policy): readonly AuditFinding[] {
  const said = [
    ...AUDIT_RULES.map((rule) => ({ ...rule, said: isOff(policy, rule.id) ? [] : rule.judge(look) })),
    ...policy.own.map((rule) => ({ ...rule, said: judgeOwn(rule, look.facts) })),
  ]
  const found = said.flatMap(({ id, severity, said: all }) =>
    all.flatMap((each) => ('untold' in each ? [] : [findingOf(policy, { id, severity }, each)])),
  )
  const untold = said.flatMap(({ said: all }) =>
    all.flatMap((each): readonly Untold[] => ('untold' in each ? [each] : [])),
  )
  return worstFirst([...found, ...cannotTell(policy, [...diagnosed(look), ...untold])])
}

/** A finding of a rule that is no catalogue's entry with a judge: of a group, or of the policy. */
export function otherFinding(policy: Policy, id: OtherRule, found: Found): AuditFinding | null {
  const rule = OTHER_RULES.find((each) => each.id === id)
  return rule === undefined || isOff(policy, id) ? null : findingOf(policy, rule, found)
}

export type OtherRule = (typeof OTHER_RULES)[number]['id']

/** Findings of the same severity stay together as the catalogue has them; the site's own come last. */
export function worstFirst(findings: readonly AuditFinding[]): readonly AuditFinding[] {
  const rankOf = ({ rule }: AuditFinding) => (RULE_IDS.includes(rule) ? RULE_IDS.indexOf(rule) : RULE_IDS.length)
  return findings.toSorted(
    (a, b) => SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity) || rankOf(a) - rankOf(b),
  )
}

/** A rule's severity, where the policy has not another. */
export function severityIn({ rules }: Policy, id: string, severity: Severity): Severity {
  const wanted = rules.get(id)
  return wanted === undefined || wanted === 'off' ? severity : wanted
}

export function isOff({ rules }: Policy, id: string): boolean {
  return rules.get(id) === 'off'
}

/** In the policy's severity where that has one. */
export function findingOf(
  policy: Policy,
  { id, severity }: { readonly id: string; readonly severity: Severity },
  found: Omit<Found, 'remedy'> & { readonly remedy: string | null },
): AuditFinding {
  return {
    rule: id,
    severity: severityIn(policy, id, found.severity ?? severity),
    title: found.title,
    evidence: found.evidence,
    threshold: found.threshold,
    remedy: found.remedy,
    waived: null,
  }
}

const CANNOT_TELL = 'cannot tell '

/** What diagnosis could not tell, in the words of a rule. */
function diagnosed({ findings }: Look): readonly Untold[] {
  return findings.flatMap(({ rule, title, evidence }) => {
    if (rule !== 'cannot-tell') return []
    const [why = ''] = evidence
    const end = `: ${why}`
    const untold = title.endsWith(end) ? title.slice(0, -end.length) : title
    return [{ untold: untold.startsWith(CANNOT_TELL) ? untold.slice(CANNOT_TELL.length) : untold, why }]
  })
}

/** One cause, told once with all that hangs on it. */
function cannotTell(policy: Policy, untold: readonly Untold[]): readonly AuditFinding[] {
  const byCause = new Map<string, Set<string>>()
  for (const each of untold) byCause.set(each.why, (byCause.get(each.why) ?? new Set()).add(each.untold))
  return [...byCause].flatMap(([why, all]) => {
    const found = { title: `${CANNOT_TELL}${[...all].join(', ')}`, evidence: [why], threshold: null, remedy: READ }
    return otherFinding(policy, 'cannot-tell', found) ?? []
  })
}

const READ = 'ctfleet facts --limit HOST'
