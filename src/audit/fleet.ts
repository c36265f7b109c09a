import type { AuditFinding, AuditReport, AuditResult } from '../model/audit.ts'
import { AUDIT_RULES, OTHER_RULES } from './catalog.ts'
import { isOff, otherFinding, severityIn, worstFirst } from './judge.ts'
import { type Member, outOfLine } from './out-of-line.ts'
import type { Policy, Waiver } from './policy.ts'

/** What is known of the fleet besides what hosts told. */
export type FleetKnown = {
  readonly groupsOf: (host: string) => readonly string[]
  /** The hosts that a waiver's pattern names, asked about or not; or why it names none. */
  readonly covered: (waiver: Waiver) => ReadonlySet<string> | { readonly nobody: string }
  /** In UTC: `2026-11-26`. */
  readonly today: string
}

/** What can be said only with all hosts at hand, and what of all of it is waived. */
export function auditFleet(results: readonly AuditResult[], policy: Policy, known: FleetKnown): AuditReport {
  const members = results.flatMap((result): readonly Member[] =>
    result.status === 'audited'
      ? [{ host: result.host, groups: known.groupsOf(result.host), traits: result.traits }]
      : [],
  )
  const odd = outOfLine(members, policy.thresholds.fewestInGroup)
  const waivers = policy.waivers.map((waiver) => ({ waiver, covered: known.covered(waiver) }))
  const inForce = waivers.flatMap(({ waiver, covered }) =>
    'nobody' in covered || waiver.until < known.today ? [] : [{ waiver, covered }],
  )
  const waived = (host: string, finding: AuditFinding): AuditFinding => {
    const found = inForce.find(({ waiver, covered }) => waiver.rule === finding.rule && covered.has(host))
    return found === undefined
      ? finding
      : { ...finding, waived: { reason: found.waiver.reason, until: found.waiver.until } }
  }
  return {
    results: results.map((result) => {
      if (result.status !== 'audited') return result
      const found = odd.get(result.host)
      const finding = found === undefined ? null : otherFinding(policy, 'out-of-line', found)
      const all = finding === null ? result.findings : worstFirst([...result.findings, finding])
      return { ...result, findings: all.map((each) => waived(result.host, each)) }
    }),
    policy: waivers.flatMap(({ waiver, covered }) => waiverFindings(policy, waiver, { covered, today: known.today })),
    rules: [...AUDIT_RULES, ...OTHER_RULES, ...policy.own.map(ownSummary)].map(({ id, summary, severity }) => ({
      id,
      summary,
      severity: severityIn(policy, id, severity),
      off: isOff(policy, id),
    })),
  }
}

function ownSummary({ id, severity }: Policy['own'][number]) {
  return { id, severity, summary: "a rule of the site's own" }
}

function waiverFindings(
  policy: Policy,
  { rule, hosts, reason, until, at }: Waiver,
  { covered, today }: { readonly covered: ReturnType<FleetKnown['covered']>; readonly today: string },
): readonly AuditFinding[] {
  const evidence = [`${at}: ${reason}`]
  if (until < today) {
    const found = {
      title: `the waiver of ${rule} for ${hosts} is over since ${until}`,
      evidence,
      threshold: `today is ${today}`,
      remedy: `mend what it was for, or write another day at ${at}`,
    }
    return listed(otherFinding(policy, 'waiver-over', found))
  }
  if (!('nobody' in covered)) return []
  const found = {
    title: `the waiver of ${rule} for ${hosts} is for no host here`,
    evidence: [...evidence, covered.nobody],
    threshold: null,
    remedy: `correct or remove it at ${at}`,
  }
  return listed(otherFinding(policy, 'waiver-idle', found))
}

function listed(finding: AuditFinding | null): readonly AuditFinding[] {
  return finding === null ? [] : [finding]
}
