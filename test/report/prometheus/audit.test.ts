import { expect, test } from 'vitest'
import { AUDIT_REPORTS } from '../../../src/report/catalog.ts'
import { visible } from '../../../src/report/format.ts'
import { parseExposition, samplesIn } from '../../support/exposition.ts'
import { anAudit, audited, evilAudit, largeAudit, RULES } from '../an-audit.ts'
import { HOSTILE } from '../hostile.ts'

const metrics = AUDIT_REPORTS.prometheus.write

test('an audit in numbers, those of nobody among them', () => {
  const read = new Map(
    samplesIn(metrics(anAudit())).map(({ name, labels, value }) => [
      `${name}${Object.values(labels)
        .map((each) => ` ${each}`)
        .join('')}`,
      value,
    ]),
  )
  expect(read.get('ctfleet_audit_timestamp_seconds')).toBe(1_795_687_200)
  expect(
    ['critical', 'warning', 'info', 'clean', 'unreachable', 'failed', 'not-reached'].map((status) =>
      read.get(`ctfleet_audit_hosts ${status}`),
    ),
  ).toEqual([1, 1, 2, 3, 1, 0, 1])
  expect(['critical', 'warning', 'info'].map((severity) => read.get(`ctfleet_audit_findings ${severity}`))).toEqual([
    1, 3, 3,
  ])
  expect(read.get('ctfleet_audit_findings_waived')).toBe(1)
  expect(read.get('ctfleet_audit_rule_hosts dropping-now')).toBe(0)
  expect(read.get('ctfleet_audit_rule_hosts not-persistent')).toBe(2)
  expect(read.has('ctfleet_audit_rule_hosts tracking-unneeded')).toBe(false)
  expect(read.get('ctfleet_audit_host_findings web-1 warning')).toBe(1)
  expect(read.get('ctfleet_audit_host_findings db-1 info')).toBe(0)
  expect(read.has('ctfleet_audit_host_findings db-2 info')).toBe(false)
  expect([read.get('ctfleet_audit_host_asked web-1'), read.get('ctfleet_audit_host_asked db-2')]).toEqual([1, 0])
})

test('every metric says what it is', () => {
  for (const { help, type } of parseExposition(metrics(anAudit())).values())
    expect([help === null, type]).toEqual([false, 'gauge'])
})

test('a fleet and a policy without end make no series without end: the worst hosts have theirs, the others are counted', () => {
  const rules = Array.from(
    { length: 5000 },
    (_, at) => ({ id: `own-${at}`, summary: 's', severity: 'info', off: false }) as const,
  )
  const { report } = largeAudit(5000)
  const samples = samplesIn(metrics({ ...largeAudit(1), report: { ...report, rules: [...RULES, ...rules] } }))
  expect(samples.length).toBeLessThan(4300)
  expect(samples.find(({ name }) => name === 'ctfleet_audit_hosts_left_out')?.value).toBe(4000)
  const critical = samples.filter(
    ({ name, labels, value }) => name === 'ctfleet_audit_host_findings' && labels.severity === 'critical' && value > 0,
  )
  expect(critical).toHaveLength(1000)
})

test.each(HOSTILE)('whatever anybody sent (%j), it is of the format, and each series stands once', (evil) => {
  const samples = samplesIn(metrics(evilAudit(evil)))
  const hosts = samples.filter(({ name }) => name === 'ctfleet_audit_host_asked').map(({ labels }) => labels.host)
  expect(hosts.length + (samples.find(({ name }) => name === 'ctfleet_audit_hosts_left_out')?.value ?? 0)).toBe(4)
  if (evil.length < 120) expect(hosts).toContain(visible(evil))
})

test('names that are too long for a label are counted, not cut to be alike', () => {
  const long = 'x'.repeat(500)
  const samples = samplesIn(metrics(anAudit({ results: [audited(`${long}1`), audited(`${long}2`)] })))
  expect(samples.filter(({ name }) => name === 'ctfleet_audit_host_asked')).toEqual([])
  expect(samples.find(({ name }) => name === 'ctfleet_audit_hosts_left_out')?.value).toBe(2)
})
