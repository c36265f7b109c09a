import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { RULE_IDS } from '../../src/audit/catalog.ts'
import { DEFAULT_POLICY } from '../../src/audit/policy.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'
import { complaintsOf, findingsIn, foundBy, policyOf } from './auditing.ts'

const NO_MORE = factsWith({ conntrack: { count: known(170_000), usage: known(0.65) } })

test('an empty policy is none', () => {
  expect(policyOf('{}\n')).toEqual({ ...DEFAULT_POLICY, file: 'policy.yaml' })
})

test('the example is sound, and its rules hold nothing against a healthy host', () => {
  const policy = policyOf(readFileSync('policy.example.yaml', 'utf8'))
  expect(policy.own.length).toBeGreaterThan(0)
  expect(policy.waivers.length).toBeGreaterThan(0)
  expect(findingsIn(HEALTHY, policy).filter(({ severity }) => severity !== 'info')).toEqual([])
})

test('thresholds are the site’s', () => {
  expect(foundBy('near-full', NO_MORE)).toEqual([])
  const strict = policyOf('thresholds: { near-full: 60, long-timeout: 7d, entries-per-bucket: 2, logged-within: 2h }\n')
  expect(foundBy('near-full', NO_MORE, strict)).toMatchObject([{ threshold: '60 % of max; critical from 95 %' }])
  expect(foundBy('long-timeouts', NO_MORE, strict)).toEqual([])
  expect(foundBy('hash-too-small', NO_MORE, strict)).toHaveLength(1)
  expect(strict.thresholds.logAgeSeconds).toBe(7200)
})

test('a rule is off, or weighs what the site says, whatever it found', () => {
  const policy = policyOf('rules:\n  tracking-unneeded: off\n  long-timeouts: critical\n')
  expect(findingsIn(HEALTHY, policy).map(({ rule, severity }) => [rule, severity])).toEqual([
    ['long-timeouts', 'critical'],
  ])
})

describe('rules of the site’s own', () => {
  const policy = policyOf(`own:
  - id: site-kernel
    when: system.kernel.major < 7
    severity: info
    title: { cel: '"kernel " + facts.system.kernel.release + " of " + system.os.id' }
    remedy: 'ansible-playbook upgrade.yml --limit HOST'
  - id: site-memory
    when: memory.available < 1073741824.0
    title: too little memory
`)

  test('say their sentence with what the host told', () => {
    expect(foundBy('site-kernel', HEALTHY, policy)).toEqual([
      {
        rule: 'site-kernel',
        severity: 'info',
        title: 'kernel 6.1.0-28-amd64 of debian',
        evidence: ['system.kernel.major < 7'],
        threshold: null,
        remedy: 'ansible-playbook upgrade.yml --limit HOST',
        waived: null,
      },
    ])
    expect(foundBy('site-memory', HEALTHY, policy)).toEqual([])
  })

  test('are not taken for fulfilled where the host does not tell', () => {
    const blind = factsWith({ memory: { available: unknown('/proc/meminfo is empty') } })
    expect(foundBy('site-memory', blind, policy)).toEqual([])
    expect(foundBy('cannot-tell', blind, policy).map(({ title }) => title)).toContainEqual(
      expect.stringContaining('whether site-memory holds'),
    )
  })
})

describe('every mistake is told at once, where it is, with what was meant', () => {
  const cases: readonly [text: string, ...complaints: readonly string[]][] = [
    ['ruels: {}\n', 'policy.yaml:1:1 ruels: unknown key "ruels"\n  did you mean "rules"?'],
    [
      'rules:\n  near-ful: info\n',
      'policy.yaml:2:13 rules.near-ful: ctfleet has no rule "near-ful"\n  did you mean "near-full"?',
    ],
    [
      'rules: { near-full: wraning }\n',
      'policy.yaml:1:21 rules.near-full: expected one of "critical", "warning", "info", found "wraning"\n  did you mean "warning"?',
    ],
    ['thresholds: { logged-within: 24 }\n', 'policy.yaml:1:30 thresholds.logged-within: expected text, found 24'],
    [
      'thresholds: { logged-within: soon }\n',
      'policy.yaml:1:30 thresholds.logged-within: expected a time with its unit: 30m, 24h, 7d',
    ],
    [
      'waivers:\n  - { rule: near-full, hosts: db, reason: new table in March, until: 2027-02-30 }\n',
      'policy.yaml:2:70 waivers[0].until: there is no such day',
    ],
    [
      'thresholds: { near-full: !!binary NzU= }\n',
      'policy.yaml:1:35 thresholds.near-full: has the tag "!!binary", which means nothing here\n  write the plain value, without a tag',
    ],
    [
      'waivers:\n  - { rule: site-a, hosts: db, reason: r, until: 2027-02-01 }\nown:\n  - { id: site-b, when: "true", title: t }\n',
      'policy.yaml:2:13 waivers[0].rule: there is no rule "site-a"\n  did you mean "site-b"?',
    ],
    [
      'own:\n  - id: near-full\n    when: conntrack.usge > 1.0\n    title: t\n',
      'policy.yaml:2:9 own[0].id: "near-full" is a rule already\n  give it another name',
      'policy.yaml:3:21 own[0].when: there is no usge in conntrack\n  conntrack.usge > 1.0\n            ^\n  did you mean "usage"?',
    ],
    [
      'own:\n  - { id: site-a, when: system.cpus, title: t }\n',
      'policy.yaml:2:25 own[0].when: must be true or false, but gives a number\n  system.cpus\n  ^\n  compare it with something, as in facts.conntrack.max > 65536',
    ],
  ]
  test.each(cases)('%s', (text, ...complaints) => {
    expect(complaintsOf(text)).toEqual(complaints)
  })
})

test('the policy of the documentation is one', () => {
  const [, text = ''] = /```yaml\n([\s\S]*?)```/.exec(readFileSync('docs/audit.md', 'utf8')) ?? []
  expect(policyOf(text)).toMatchObject({ thresholds: { usage: 0.8 }, own: [{ id: 'site-max' }], waivers: [{}] })
})

test('every rule is documented by its name', () => {
  const page = readFileSync('docs/audit.md', 'utf8')
  for (const id of RULE_IDS) expect(page).toContain(`| \`${id}\` |`)
})
