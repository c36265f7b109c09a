import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { changesSince, findingsHad, onlyChanged } from '../../src/audit/since.ts'
import { auditCommand } from '../../src/cli/commands/audit.ts'
import { newEvents } from '../../src/cli/events.ts'
import type { AuditResult, Severity } from '../../src/model/audit.ts'
import type { FleetEvent } from '../../src/model/event.ts'
import type { Facts } from '../../src/model/facts.ts'
import type { FactsResult } from '../../src/model/result.ts'
import { AUDIT_REPORTS } from '../../src/report/catalog.ts'
import { factsJson } from '../../src/report/json/facts.ts'
import { noticeOf } from '../../src/serve/notice.ts'
import { recordedAnswers } from '../facts/answers.ts'
import { aFault } from '../report/fleet.ts'
import { aFinding, anAudit, audited, reportOf } from '../store/audit-on-record.ts'
import { desk } from '../support/desk.ts'
import { objections } from '../support/json-schema.ts'

/** What facts, audit and --events write fits what is published of it. */

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-documents-'))
afterAll(() => rmSync(folder, { recursive: true }))

type Loose = { [key: string]: unknown }
const schema = (name: string): Loose => JSON.parse(readFileSync(`schemas/${name}`, 'utf8'))

const SYSTEMS = recordedAnswers().map(
  // The cases hold what the parsers gave, as JSON.
  ({ system, facts }): FactsResult => ({ host: system, status: 'read', facts: facts as Facts }),
)
const OTHERS: readonly FactsResult[] = [
  { host: 'dead-1', status: 'unreachable', fault: aFault() },
  { host: 'late-1', status: 'not-reached', why: 'the run was stopped before its turn' },
]
const made = { takenAt: '2026-11-26T10:00:00.000Z', tool: 'ctfleet 0.1.0', groupsOf: () => ['all', 'web'] }
const facts = () => JSON.parse(JSON.stringify(factsJson([...SYSTEMS, ...OTHERS], made)))

test('facts of every system that there is a recording of', () => {
  expect(SYSTEMS.length).toBeGreaterThan(5)
  expect(objections(schema('facts.json'), facts())).toEqual([])
  const wrong = facts()
  delete wrong.hosts[0].facts.conntrack
  expect(objections(schema('facts.json'), wrong)).not.toEqual([])
})

test('an audit of them all, with a policy that has something against itself', async () => {
  const recorded = join(folder, 'facts.json')
  const policy = join(folder, 'policy.yaml')
  writeFileSync(recorded, JSON.stringify(facts()))
  writeFileSync(
    policy,
    "waivers:\n  - { rule: long-timeouts, hosts: 'all', reason: known, until: '2026-01-01' }\nown:\n  - { id: mine, when: 'true', title: ours }\n",
  )
  const { terminal, printed } = desk()
  const nothing = { inventory: undefined, inventoryOption: undefined, limit: undefined, forks: undefined }
  await auditCommand({ ...nothing, policy, failOn: 'info', facts: recorded, format: 'json' }, terminal)
  const document = JSON.parse(printed.join(''))
  expect(document.hosts.map(({ status }: Loose) => status)).toEqual(expect.arrayContaining(['audited', 'unreachable']))
  expect(document.policyFindings).toHaveLength(1)
  expect(objections(schema('audit.json'), document)).toEqual([])
  document.hosts[0].findings[0].severity = 'bad'
  expect(objections(schema('audit.json'), document)[0]).toMatch(/^\/hosts\/0\/findings\/0\/severity: /)
})

test('a notice with something in each of its lists, and the first one', () => {
  const at = (host: string, rule: string, severity: Severity) => audited(host, aFinding(rule, severity))
  const then = [at('worse', 'a', 'info'), at('better', 'a', 'critical'), at('gone', 'a', 'info'), audited('lost'), DEAD]
  const now = [at('worse', 'a', 'critical'), at('better', 'a', 'info'), audited('gone'), at('new', 'b', 'warning')]
  const back = audited(DEAD.host)
  const lost: AuditResult = { host: 'lost', status: 'not-reached', why: 'the audit was stopped before its turn' }
  const [before, after] = [reportOf(...then), reportOf(...now, back, lost)]
  const audit = anAudit({ report: after, due: { schedule: 'night', at: made.takenAt } })
  const document = JSON.parse(JSON.stringify(noticeOf(audit, 'an-id', changesSince(before, after))))
  expect(Object.values(document.counts)).toEqual([1, 1, 1, 1, 1, 1])
  expect(objections(schema('notice.json'), document)).toEqual([])
  expect(objections(schema('notice.json'), noticeOf(audit, null, changesSince(reportOf(), after)))).toEqual([])
  delete document.worse[0].was
  expect(objections(schema('notice.json'), document)).not.toEqual([])
})

test('an audit with --since-last: what changed, beside it', () => {
  const then = reportOf(audited('web-1', aFinding('a')), audited('web-2', aFinding('b')))
  const whole = reportOf(audited('web-1', aFinding('a', 'critical')), audited('web-2'), audited('web-3', aFinding('c')))
  const changes = changesSince(then, whole)
  const document = JSON.parse(
    AUDIT_REPORTS.json.write({
      report: onlyChanged(whole, changes),
      since: {
        audit: { id: 'an-id', startedAt: made.takenAt, by: 'alice@bastion' },
        changes,
        had: findingsHad(then, whole),
        whole,
      },
      made: { at: made.takenAt, policy: null, failOn: 'info', source: null },
      typed: null,
      inventory: null,
      others: null,
      originOf: () => null,
      tool: { version: '1' },
    }),
  )
  expect(objections(schema('audit.json'), document)).toEqual([])
  expect(Object.keys(document.since)).toEqual(['audit', 'new', 'worse', 'better', 'gone', 'lost', 'back', 'left'])
  delete document.since.worse[0].before
  expect(objections(schema('audit.json'), document)).not.toEqual([])
})

const DEAD: AuditResult = { host: 'dead-1', status: 'unreachable', fault: aFault() }

const EVENTS: readonly FleetEvent[] = [
  { event: 'phase-began', phase: 'planning', hosts: 2 },
  { event: 'stage', phase: 'planning', host: 'web-1', stage: 'connecting' },
  { event: 'host-ended', phase: 'planning', host: 'web-1', status: 'planned', code: null, why: null },
  { event: 'host-ended', phase: 'planning', host: 'db-1', status: 'unreachable', code: 'dns', why: 'no such host' },
  { event: 'phase-ended', phase: 'planning', counts: { planned: 1, unreachable: 1 } },
  { event: 'run-began', run: '20261126-0942-7f3a', command: 'apply' },
  { event: 'approval', host: 'web-1', plan: 'ab'.repeat(32), by: 'alice@bastion', how: 'file', note: 'a.txt:1' },
  { event: 'approval-asked', hosts: ['web-1', 'web-2'], plan: 'ab'.repeat(32) },
  { event: 'wave', phase: 'applying', number: 1, of: null, hosts: 1 },
  { event: 'remark', phase: 'applying', text: 'wave 1 of 2: 1 host', bad: false },
  { event: 'gate', host: 'web-1', gate: 'drops', held: false, why: '12 packets a second are dropped' },
  {
    event: 'result',
    host: 'web-1',
    status: 'applied',
    plan: 'ab'.repeat(32),
    transaction: '0b52',
    code: null,
    why: null,
  },
  { event: 'run-ended', run: '20261126-0942-7f3a', command: 'apply' },
]

test('events, as they are written', async () => {
  const file = join(folder, 'events.jsonl')
  const events = newEvents(() => undefined)
  await events.open(file)
  for (const event of EVENTS) events.tell(event)
  await events.close()
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  expect(lines).toHaveLength(EVENTS.length)
  for (const line of lines) expect(objections(schema('event.json'), JSON.parse(line))).toEqual([])
  expect(
    objections(schema('event.json'), { event: 'stage', phase: 'planning', host: 'web-1', stage: 'sleeping' }),
  ).not.toEqual([])
})
