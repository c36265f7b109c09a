import type { AuditFinding, AuditResult, AuditTraits } from '../../src/model/audit.ts'
import { unknown } from '../../src/model/reading.ts'
import type { AuditToTell } from '../../src/report/catalog/audit-review.ts'
import { aFault } from './fleet.ts'

const NOT_TOLD = unknown('not asked')
const TRAITS: AuditTraits = { max: NOT_TOLD, buckets: NOT_TOLD, timeouts: NOT_TOLD, managers: NOT_TOLD }

export function aFinding(changes: Partial<AuditFinding> = {}): AuditFinding {
  return {
    rule: 'near-full',
    severity: 'critical',
    title: 'table 96 % full (251 658 of 262 144 entries)',
    evidence: ['usage: 96 %, and 75 % is too much', '81 % of the entries are TIME_WAIT to port 443'],
    threshold: '75 % of max; critical from 95 %',
    remedy: 'ctfleet plan --limit HOST',
    waived: null,
    ...changes,
  }
}

const NOT_PERSISTENT = aFinding({
  rule: 'not-persistent',
  severity: 'warning',
  title: '1 setting would not survive a reboot: max',
  evidence: ['max is 1 000 000, which no file sets'],
  threshold: null,
  remedy:
    "on HOST as root: printf '%s\\n' 'net.netfilter.nf_conntrack_max = 1000000' >> /etc/sysctl.d/90-conntrack.conf",
})

const LONG = aFinding({
  rule: 'long-timeouts',
  severity: 'info',
  title: 'tcp_timeout_established is 5 d',
  evidence: ['half of the entries run out within 1 min'],
  threshold: 'more than 1 d',
})

export const RULES: AuditToTell['report']['rules'] = [
  { id: 'dropping-now', summary: 'packets that are dropped for want of room', severity: 'critical', off: false },
  { id: 'near-full', summary: 'a table that is nearly full', severity: 'warning', off: false },
  { id: 'not-persistent', summary: 'settings that will not survive a reboot', severity: 'warning', off: false },
  { id: 'long-timeouts', summary: 'timeouts that hold entries for days', severity: 'info', off: false },
  { id: 'tracking-unneeded', summary: 'tracking that nothing needs', severity: 'info', off: true },
  { id: 'waiver-over', summary: 'a waiver whose day is past', severity: 'warning', off: false },
]

export function audited(host: string, ...findings: readonly AuditFinding[]): AuditResult {
  return { host, status: 'audited', findings, traits: TRAITS }
}

const RESULTS: readonly AuditResult[] = [
  audited('web-1', aFinding(), NOT_PERSISTENT, LONG),
  audited('web-2', NOT_PERSISTENT),
  audited('web-3', LONG),
  audited('web-4', LONG),
  audited('web-5'),
  audited('db-1', { ...LONG, waived: { reason: 'pooled connections stay silent (NET-412)', until: '2027-06-30' } }),
  {
    ...audited('old-1'),
    status: 'audited',
    findings: [],
    traits: TRAITS,
    notRoot: aFault({ code: 'no-privilege', message: 'sudo wants a password', next: 'ctfleet audit -K' }),
  },
  {
    host: 'db-2',
    status: 'unreachable',
    fault: aFault({ code: 'refused', message: 'port 22 refused', next: 'start sshd' }),
  },
  { host: 'db-3', status: 'not-reached', why: 'the audit was stopped before its turn' },
]

/** An audit in which all that can be told of one was found. */
export function anAudit(changes: Partial<AuditToTell['report']> = {}, more: Partial<AuditToTell> = {}): AuditToTell {
  const report = {
    results: RESULTS,
    policy: [
      aFinding({
        rule: 'waiver-over',
        severity: 'warning',
        title: 'the waiver of near-full for web is over since 2026-11-01',
        evidence: ['policy.yaml:14:5: until the new hosts are here'],
        threshold: 'today is 2026-11-26',
        remedy: 'mend what it was for, or write another day at policy.yaml:14:5',
      }),
    ],
    rules: RULES,
    ...changes,
  }
  return {
    report,
    made: { at: '2026-11-26T10:00:00.000Z', policy: 'policy.yaml', failOn: 'warning', source: null },
    typed: null,
    inventory: 'inventory.yaml',
    others: null,
    originOf: (host) => (host.startsWith('web-') ? `inventory.yaml:${4 + Number(host.slice(4))}:5` : null),
    tool: { version: '1.2.3' },
    ...more,
  }
}

/** An audit in which everything that anybody could send is `evil`. */
export function evilAudit(evil: string): AuditToTell {
  const finding = aFinding({ title: evil, evidence: [evil], threshold: evil, remedy: `${evil} --limit HOST` })
  const fault = aFault({ message: evil, next: evil })
  return anAudit(
    {
      results: [
        audited(evil, finding, { ...finding, rule: 'long-timeouts', waived: { reason: evil, until: evil } }),
        { ...audited(`${evil}2`), status: 'audited', findings: [], traits: TRAITS, notRoot: fault },
        { host: `${evil}3`, status: 'unreachable', fault },
        { host: `${evil}4`, status: 'not-reached', why: evil },
      ],
      policy: [finding],
      rules: [...RULES, { id: 'own', summary: evil, severity: 'info', off: true }],
    },
    {
      made: {
        at: '2026-11-26T10:00:00.000Z',
        policy: evil,
        failOn: 'warning',
        source: { facts: evil, takenAt: null, tool: evil },
      },
      typed: evil,
      inventory: evil,
      others: { leftOut: [evil], unsure: [{ host: evil, why: evil }] },
      originOf: () => `${evil}:3:5`,
    },
  )
}

/** As many hosts, each with numbers of its own. */
export function largeAudit(hosts: number): AuditToTell {
  const results = Array.from({ length: hosts }, (_, at): AuditResult => {
    const name = `web-${at + 1}.example.org`
    const found = [
      ...(at % 4 === 0 ? [aFinding({ title: `table ${80 + (at % 20)} % full` })] : []),
      ...(at % 3 === 0 ? [NOT_PERSISTENT] : []),
      LONG,
    ]
    return at % 50 === 49
      ? { host: name, status: 'unreachable', fault: aFault({ message: `${name}: no answer on port 22` }) }
      : audited(name, ...found)
  })
  return anAudit({ results, policy: [] })
}
