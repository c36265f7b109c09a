import schema from '@microsoft/jest-sarif/lib/schemas/sarif-2.1.0-rtm.5.json' with { type: 'json' }
import { expect, test } from 'vitest'
import { AUDIT_REPORTS } from '../../../src/report/catalog.ts'
import { visible } from '../../../src/report/format.ts'
import { objections } from '../../support/json-schema.ts'
import { aFinding, anAudit, audited, evilAudit, largeAudit } from '../an-audit.ts'
import { HOSTILE } from '../hostile.ts'

/** The official schema is of draft 4; it has no keyword that draft 7 reads otherwise, but for the name of `$id`. */
const { id: _id, $schema: _draft, ...SARIF } = schema

const sarif = (audit: Parameters<typeof AUDIT_REPORTS.sarif.write>[0]) => JSON.parse(AUDIT_REPORTS.sarif.write(audit))
const [run] = sarif(anAudit()).runs

test('it is SARIF 2.1.0, also of a large fleet, of nobody, and whatever anybody sent', () => {
  const all = [
    anAudit(),
    anAudit({ results: [], policy: [] }),
    largeAudit(200),
    ...HOSTILE.map((evil) => evilAudit(evil)),
  ]
  for (const audit of all) expect(objections(SARIF, sarif(audit))).toEqual([])
  expect(objections(SARIF, { ...sarif(anAudit()), runs: [{ ...run, results: [{}] }] })).not.toEqual([])
})

test('a rule has its help, how bad it is, and whether it was asked', () => {
  expect(run.tool.driver).toMatchObject({ name: 'ctfleet', version: '1.2.3' })
  expect(run.tool.driver.rules[1]).toEqual({
    id: 'near-full',
    shortDescription: { text: 'a table that is nearly full' },
    help: {
      text: 'ctfleet audit looks for a table that is nearly full. It counts from: 75 % of max; critical from 95 %. Next: ctfleet plan --limit web-1',
    },
    defaultConfiguration: { enabled: true, level: 'warning' },
  })
  expect(
    run.tool.driver.rules.filter(
      (rule: { defaultConfiguration: { enabled: boolean } }) => !rule.defaultConfiguration.enabled,
    ),
  ).toMatchObject([{ id: 'tracking-unneeded' }])
})

test('a finding has its level, its host, and where the inventory has that', () => {
  const [first] = run.results
  expect(first).toMatchObject({
    ruleId: 'near-full',
    ruleIndex: 1,
    level: 'error',
    message: { text: expect.stringMatching(/^web-1: table 96 % full .*Next: ctfleet plan --limit web-1$/) },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: 'inventory.yaml', index: 0 },
          region: { startLine: 5, startColumn: 5 },
        },
        logicalLocations: [{ name: 'web-1', kind: 'resource' }],
      },
    ],
    suppressions: [],
  })
  expect(run.artifacts[0]).toEqual({ location: { uri: 'inventory.yaml' }, roles: ['referencedOnCommandLine'] })
})

test('a waiver is a suppression, what there is against the policy lies in it, and who was silent is told', () => {
  const waived = run.results.filter(({ suppressions }: { suppressions: unknown[] }) => suppressions.length > 0)
  expect(waived).toMatchObject([
    {
      ruleId: 'long-timeouts',
      level: 'note',
      suppressions: [
        {
          kind: 'external',
          status: 'accepted',
          justification: 'pooled connections stay silent (NET-412) (until 2027-06-30)',
        },
      ],
    },
  ])
  expect(run.results.at(-1)).toMatchObject({
    ruleId: 'waiver-over',
    locations: [{ physicalLocation: { artifactLocation: { uri: 'policy.yaml' } } }],
  })
  expect(run.invocations).toMatchObject([
    {
      executionSuccessful: false,
      endTimeUtc: '2026-11-26T10:00:00.000Z',
      toolExecutionNotifications: [
        {
          level: 'error',
          descriptor: { id: 'refused' },
          message: { text: expect.stringContaining('db-2: port 22 refused') },
        },
        { level: 'error', descriptor: { id: 'not-reached' } },
      ],
    },
  ])
})

test('a finding keeps its fingerprint though its numbers change, and no two share one', () => {
  const prints = (title: string) => {
    const results = [
      audited('a', aFinding({ title }), aFinding({ title: `${title}!` })),
      audited('b', aFinding({ title })),
    ]
    const { runs } = sarif(anAudit({ results }))
    return runs[0].results.map((each: { partialFingerprints: object }) => Object.values(each.partialFingerprints)[0])
  }
  expect(prints('table 96 % full')).toEqual(prints('table 97 % full'))
  expect(new Set(prints('x')).size).toBe(4)
})

test.each(HOSTILE)('of %j no link is left alive, and what is visible of it is told', (evil) => {
  const { runs } = sarif(evilAudit(evil))
  const { text } = runs[0].results[0].message
  expect(text).not.toMatch(/(?<!\\)\]\(/)
  expect(text.replaceAll(/\\([[\]\\])/g, '$1')).toContain(visible(evil).replaceAll(/\\([[\]\\])/g, '$1'))
})
