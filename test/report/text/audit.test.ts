import { describe, expect, test } from 'vitest'
import type { AuditFinding, AuditReport, AuditResult } from '../../../src/model/audit.ts'
import { unknown } from '../../../src/model/reading.ts'
import { auditJson } from '../../../src/report/json/audit.ts'
import { jsonText } from '../../../src/report/json/text.ts'
import { auditText, remedyText } from '../../../src/report/text/audit.ts'
import { aFault } from '../fleet.ts'
import { plain } from '../paper.ts'

const NOT_TOLD = unknown('not asked')
const TRAITS = { max: NOT_TOLD, buckets: NOT_TOLD, timeouts: NOT_TOLD, managers: NOT_TOLD }
const RULES: AuditReport['rules'] = [
  { id: 'near-full', summary: 'a table that is nearly full', severity: 'warning', off: false },
  { id: 'long-timeouts', summary: 'timeouts that hold entries for days', severity: 'info', off: false },
  { id: 'tracking-unneeded', summary: 'tracking that nothing needs', severity: 'info', off: true },
]

function finding(changes: Partial<AuditFinding> = {}): AuditFinding {
  return {
    rule: 'long-timeouts',
    severity: 'info',
    title: 'tcp_timeout_established is 5 d',
    evidence: ['half of the entries run out within 1 min'],
    threshold: 'more than 1 d',
    remedy: 'ctfleet plan --limit HOST',
    waived: null,
    ...changes,
  }
}

const audited = (host: string, ...findings: readonly AuditFinding[]): AuditResult => ({
  host,
  status: 'audited',
  findings,
  traits: TRAITS,
})
const report = (results: readonly AuditResult[], policy: readonly AuditFinding[] = []): AuditReport => ({
  results,
  policy,
  rules: RULES,
})
const text = (of: AuditReport, inventory: string | null = null, columns = 80) =>
  auditText(plain(columns), of, inventory).join('\n')

const FULL = finding({
  rule: 'near-full',
  severity: 'critical',
  title: 'table 96 % full',
  evidence: ['usage: 96 %'],
  threshold: '75 % of max',
})

test('a fleet: worst first, hosts that are alike once, and what to type for all of them', () => {
  const fleet = report([
    audited('web-3'),
    audited('web-2', finding()),
    audited('web-1', FULL, finding()),
    audited('db-1', finding({ waived: { reason: 'the pool needs it', until: '2027-06-30' } })),
    { host: 'db-2', status: 'unreachable', fault: aFault({ code: 'refused', message: 'refused', next: 'start sshd' }) },
  ])
  expect(text(fleet)).toBe(
    `5 hosts: 1 critical, 1 unreachable, 1 info, 2 clean
  critical       web-1
  unreachable    db-2
  info           web-2
  clean          web-3, db-1
Not asked, by the policy: tracking-unneeded

critical near-full: a table that is nearly full
  web-1: table 96 % full
    usage: 96 %
  counts from: 75 % of max
  Next: ctfleet plan --limit web-1

info long-timeouts: timeouts that hold entries for days
  web-2, web-1: tcp_timeout_established is 5 d
    half of the entries run out within 1 min
  counts from: more than 1 d
  Next: ctfleet plan --limit web-2,web-1

Waived: 1 finding
  long-timeouts on db-1, until 2027-06-30: the pool needs it

db-2: unreachable
  refused
  Next: start sshd`,
  )
})

test('why hosts could not be read as root is told once for all of them', () => {
  const notRoot = aFault({ code: 'no-privilege', message: 'sudo wants a password', next: 'ctfleet audit -K' })
  const blind = (host: string): AuditResult => ({ host, status: 'audited', findings: [], traits: TRAITS, notRoot })
  expect(text(report([blind('web-1'), blind('web-2')]))).toContain(
    '\nweb-1, web-2: without root\n  sudo wants a password\n  Next: ctfleet audit -K',
  )
})

test('what there is against the policy stands by itself', () => {
  const over = finding({
    rule: 'waiver-over',
    severity: 'warning',
    title: 'the waiver of a is over',
    remedy: 'write another day',
  })
  expect(text(report([audited('web-1')], [over]))).toContain(
    '\nThe policy\n  warning: the waiver of a is over\n    half of the entries run out within 1 min\n  Next: write another day',
  )
})

describe('what to type', () => {
  const hosts = (count: number) => Array.from({ length: count }, (_, at) => ({ host: `web-${at}` }))

  test('names the inventory that was named, each host once, and every odd name as one word', () => {
    expect(
      remedyText('ctfleet plan --limit HOST', [{ host: 'a' }, { host: 'b' }, { host: 'a' }], 'my hosts.yaml'),
    ).toBe("ctfleet plan -i 'my hosts.yaml' --limit a,b")
    expect(remedyText('ctfleet plan --limit HOST', [{ host: '$(x)\0' }], null)).toBe("ctfleet plan --limit '$(x)'")
    expect(remedyText('on HOST as root: reboot', [{ host: 'a' }, { host: 'b' }], 'x')).toBe(
      'on a and b as root: reboot',
    )
  })

  test('is for twenty hosts at most, and says how many others there are', () => {
    const typed = remedyText('ctfleet plan --limit HOST', hosts(500), null)
    expect(typed).toMatch(/--limit web-0,.*,web-19 \(and so for the 480 others\)$/)
  })

  test('says whom it is for, where there are several', () => {
    const some = finding({ remedy: 'wait' })
    const others = finding({ remedy: 'reboot' })
    expect(text(report([audited('a', some), audited('b', others)]))).toContain('  Next: a: wait\n  Next: b: reboot')
  })
})

describe('what comes from a hostile host', () => {
  const evil = `x\u001b]0;pwned\u0007\u202e\r\n\u0000${'y'.repeat(10_000)}`
  const hostile = report(
    [audited('web-1', finding({ title: evil, evidence: [evil], remedy: `rm ${evil} --limit HOST` }))],
    [finding({ title: evil })],
  )

  test('is visible on screen, and no wider than it', () => {
    for (const line of auditText(plain(80), hostile, evil)) {
      expect(line).not.toMatch(/[\p{Cc}\u202e]/u)
      expect(line.length).toBeLessThanOrEqual(80)
    }
  })

  test('is the same text in JSON, with nothing that a terminal would obey', () => {
    const made = { at: '2026-11-26T10:00:00Z', policy: null, failOn: 'warning', source: null } as const
    const printed = jsonText(auditJson(hostile, made, null))
    expect(printed).not.toMatch(/(?!\n)[\p{Cc}\u202e]/u)
    expect(JSON.parse(printed).hosts[0].findings[0]).toMatchObject({ title: evil, evidence: [evil] })
  })
})

test('JSON counts what counts, and names the host in what to type', () => {
  const made = { at: '2026-11-26T10:00:00Z', policy: 'policy.yaml', failOn: 'warning', source: null } as const
  const waived = finding({ waived: { reason: 'r', until: '2027-01-01' } })
  const gone: AuditResult = { host: 'b', status: 'not-reached', why: 'the run was stopped' }
  const document = auditJson(report([audited('a b', FULL, waived), gone], [finding()]), made, null)
  expect(document).toMatchObject({
    version: 1,
    counts: { hosts: 2, audited: 1, critical: 1, warning: 0, info: 1, waived: 1 },
    hosts: [
      { host: 'a b', status: 'audited', findings: [{ remedy: "ctfleet plan --limit 'a b'" }, {}], fault: null },
      { host: 'b', status: 'not-reached', findings: [], traits: null, why: 'the run was stopped' },
    ],
  })
})
