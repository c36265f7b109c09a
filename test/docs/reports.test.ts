import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { reviewOf } from '../../src/report/catalog/review.ts'
import { AUDIT_REPORTS, REPORTS } from '../../src/report/catalog.ts'
import { runPrometheus } from '../../src/report/prometheus/run.ts'
import { anAudit } from '../report/an-audit.ts'
import { aRun } from '../report/fleet.ts'
import { INCIDENT } from '../report/incident.ts'

/** What docs/reports.md says. */
const docs = readFileSync('docs/reports.md', 'utf8')

test('every format is named, with the ending that chooses it, and of what it is', () => {
  const rows = [...docs.matchAll(/^\| `(\w+)` \| `(\.\w+)` \| (\w+) \|/gm)].map(([, name, ending, of]) => [
    name,
    ending,
    of,
  ])
  const formats = { ...REPORTS, ...AUDIT_REPORTS }
  const isOfRuns = (name: string) => Object.hasOwn(REPORTS, name)
  const made = Object.entries(formats).map(([name, { ending }]) => [name, ending, isOfRuns(name) ? 'both' : 'audit'])
  expect(rows).toEqual(made)
})

test('every metric is named, and no other', () => {
  const made = [
    ...[INCIDENT, aRun()].map((run) => runPrometheus(reviewOf(run, []))),
    AUDIT_REPORTS.prometheus.write(anAudit()),
  ]
  const names = new Set([...made.join('').matchAll(/^# TYPE (\w+)/gm)].map(([, name]) => name))
  expect(new Set([...docs.matchAll(/`(ctfleet_\w+)`/g)].map(([, name]) => name))).toEqual(names)
})

test.each([
  ['markdown', AUDIT_REPORTS.markdown],
  ['xml', AUDIT_REPORTS.junit],
  ['json', AUDIT_REPORTS.sarif],
  ['prometheus', AUDIT_REPORTS.prometheus],
] as const)('the example in %s is what ctfleet writes', (language, { write }) => {
  const [, example = ''] =
    new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms').exec(docs.slice(docs.indexOf('## HTML'))) ?? []
  const written = new Set(write(anAudit()).split('\n').map(bare))
  const lines = example.split('\n').map(bare)
  expect(lines.length).toBeGreaterThan(2)
  expect(lines.filter((line) => ![...written].some((each) => each.startsWith(line)))).toEqual([])
})

function bare(line: string): string {
  return line.trim().replaceAll('\u202f', ' ')
}

describe('how a host counts in JUnit', () => {
  const rows = docs.slice(docs.indexOf('## JUnit'), docs.indexOf('Of both, failures'))
  const told = new Map(reviewOf(INCIDENT, []).hosts.map(({ status, outcome, host }) => [`${status} ${host}`, outcome]))
  test.each([...told])('%s: %s', (name, outcome) => {
    const word = { passed: 'passed', skipped: '`skipped`', failed: '`failure`', error: '`error`' }[outcome]
    const row = rows.split('\n').find((line) => line.startsWith(`| ${word} |`))
    expect(row).toContain(`\`${name.split(' ')[0]}\``)
  })
})
