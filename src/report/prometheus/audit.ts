import type { AuditClass, AuditedHost, AuditReview } from '../../model/audit-review.ts'
import { SEVERITIES } from '../../model/finding.ts'
import { type Family, LONGEST_LABEL, prometheusText } from './text.ts'

/** Hosts that have samples of their own, worst first; all are counted. */
const MOST_HOSTS = 1000
/** Rules that have: ours, and that many of a site's own. */
const MOST_RULES = 200

/** An audit in numbers: hosts by the worst that counts against them, and findings by rule, by severity and by host. */
export function auditPrometheus(review: AuditReview): string {
  return prometheusText([...ofAudit(review), ...ofRules(review), ...ofHosts(review)])
}

/** Those of no host too, so that a series ends at 0 and does not vanish. */
const CLASSES: Readonly<Record<AuditClass, true>> = {
  critical: true,
  warning: true,
  unreachable: true,
  failed: true,
  'not-reached': true,
  info: true,
  clean: true,
}

function ofAudit({ made, counts, hosts, policy }: AuditReview): readonly Family[] {
  const counting = [...hosts.flatMap(({ findings }) => findings), ...policy].filter(({ waived }) => waived === null)
  const waived = hosts.flatMap(({ findings }) => findings).filter((finding) => finding.waived !== null)
  return [
    gauge('ctfleet_audit_timestamp_seconds', 'When the audit was made.', [
      { labels: {}, value: Date.parse(made.at) / 1000 },
    ]),
    gauge(
      'ctfleet_audit_hosts',
      'Hosts by the worst that counts against them, or by why they could not be asked.',
      Object.keys(CLASSES).map((status) => ({
        labels: { status },
        value: counts.find((count) => count.class === status)?.hosts ?? 0,
      })),
    ),
    gauge(
      'ctfleet_audit_findings',
      'Findings that count, those against the policy among them.',
      SEVERITIES.map((severity) => ({
        labels: { severity },
        value: counting.filter((finding) => finding.severity === severity).length,
      })),
    ),
    gauge('ctfleet_audit_findings_waived', 'Findings that do not count for now, by the policy.', [
      { labels: {}, value: waived.length },
    ]),
  ]
}

function ofRules({ rules, hosts }: AuditReview): readonly Family[] {
  const asked = rules.filter(({ id, off }) => !off && id.length <= LONGEST_LABEL).slice(0, MOST_RULES)
  const found = new Map<string, number>()
  for (const { findings } of hosts)
    for (const rule of new Set(findings.flatMap(({ rule, waived }) => (waived === null ? [rule] : []))))
      found.set(rule, (found.get(rule) ?? 0) + 1)
  return [
    gauge(
      'ctfleet_audit_rule_hosts',
      'Hosts against which a rule counts.',
      asked.map(({ id }) => ({ labels: { rule: id }, value: found.get(id) ?? 0 })),
    ),
  ]
}

function ofHosts({ hosts }: AuditReview): readonly Family[] {
  // Two names that are alike only once they are cut would be one series with two values.
  const shown = hosts.filter(({ host }) => host.length <= LONGEST_LABEL).slice(0, MOST_HOSTS)
  return [
    gauge(
      'ctfleet_audit_host_findings',
      'Findings that count against a host; none where it could not be asked.',
      shown.flatMap((host) => (host.trouble === null ? ofHost(host) : [])),
    ),
    gauge(
      'ctfleet_audit_host_asked',
      'Whether a host could be asked: 1, or 0.',
      shown.map(({ host, trouble }) => ({ labels: { host }, value: trouble === null ? 1 : 0 })),
    ),
    gauge(
      'ctfleet_audit_hosts_left_out',
      `Hosts without samples of their own: past ${MOST_HOSTS}, or with names of no end.`,
      [{ labels: {}, value: hosts.length - shown.length }],
    ),
  ]
}

function ofHost({ host, findings }: AuditedHost): Family['samples'] {
  return SEVERITIES.map((severity) => ({
    labels: { host, severity },
    value: findings.filter((finding) => finding.waived === null && finding.severity === severity).length,
  }))
}

function gauge(name: string, help: string, samples: Family['samples']): Family {
  return { name, help, type: 'gauge', samples }
}
