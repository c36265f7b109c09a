import { describe, expect, test } from 'vitest'
import { auditFleet, type FleetKnown } from '../../src/audit/fleet.ts'
import { outOfLine } from '../../src/audit/out-of-line.ts'
import { DEFAULT_POLICY, type Policy } from '../../src/audit/policy.ts'
import type { AuditResult } from '../../src/model/audit.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'
import { audited, policyOf } from './auditing.ts'

const withMax = (host: string, max: number): AuditResult =>
  audited(factsWith({ conntrack: { max: known(max) } }), DEFAULT_POLICY, host)
const FLEET: FleetKnown = { groupsOf: () => ['all', 'web'], covered: () => new Set(), today: '2026-11-26' }

const oddIn = (results: readonly AuditResult[], more: Partial<FleetKnown> = {}, policy: Policy = DEFAULT_POLICY) =>
  auditFleet(results, policy, { ...FLEET, ...more }).results.flatMap((result) =>
    result.status === 'audited'
      ? result.findings.flatMap(({ rule, evidence }) =>
          rule === 'out-of-line' ? [[result.host, ...evidence] as const] : [],
        )
      : [],
  )

describe('out of line with its group', () => {
  const three = ['a', 'b', 'c'].map((host) => withMax(host, 262_144))
  const odd = withMax('d', 65_536)

  test('is whoever differs from more than half of it, with the numbers of both', () => {
    expect(oddIn([...three, odd])).toEqual([['d', 'max is 65\u202f536; 3 of 4 have 262\u202f144']])
  })

  test('nobody is in a group of three, nor where there is no majority, nor among all hosts', () => {
    expect(oddIn([...three.slice(1), odd])).toEqual([])
    expect(oddIn([...three.slice(1), odd, withMax('e', 65_536)])).toEqual([])
    expect(oddIn([...three, odd], { groupsOf: () => ['all', 'ungrouped'] })).toEqual([])
  })

  test('a policy may ask for larger groups, and turn it off', () => {
    expect(oddIn([...three, odd], {}, policyOf('thresholds: { group-of: 5 }\n'))).toEqual([])
    expect(oddIn([...three, odd], {}, policyOf('rules: { out-of-line: off }\n'))).toEqual([])
  })

  test('a host is held against the smallest of its groups, not against all of the site', () => {
    const site = ['e', 'f', 'g', 'h', 'i'].map((host) => withMax(host, 65_536))
    const groupsOf = (host: string) => (host < 'e' ? ['site', 'web'] : ['site'])
    expect(oddIn([...three, odd, ...site], { groupsOf }).map(([host]) => host)).toEqual(['d'])
  })

  test('five thousand hosts of one group are held against each other in a moment', () => {
    const timeouts = known(Object.fromEntries(Array.from({ length: 40 }, (_, at) => [`timeout_${at}`, at])))
    if (odd.status !== 'audited') throw new Error('it was to be audited')
    const many = Array.from({ length: 5000 }, (_, at) => ({
      host: `h${at}`,
      groups: ['web'],
      traits: { ...odd.traits, timeouts, max: known(at === 17 ? 1 : 2) },
    }))
    const before = performance.now()
    expect([...outOfLine(many, 4).keys()]).toEqual(['h17'])
    expect(performance.now() - before).toBeLessThan(2000)
  })

  test('a host that does not tell is neither odd nor counted', () => {
    const silent = audited(factsWith({ conntrack: { max: unknown('denied') } }), DEFAULT_POLICY, 'e')
    expect(oddIn([...three, odd, silent])).toEqual([['d', 'max is 65\u202f536; 3 of 4 have 262\u202f144']])
    const gone: AuditResult = { host: 'f', status: 'not-reached', why: 'stopped' }
    expect(oddIn([...three.slice(1), odd, gone])).toEqual([])
  })
})

describe('waivers', () => {
  const policy = (until: string) =>
    policyOf(`waivers:\n  - { rule: long-timeouts, hosts: a, reason: the proxy needs it, until: ${until} }\n`)
  const results = [withMax('a', 262_144), withMax('b', 262_144)]
  const report = (until: string, covered: ReturnType<FleetKnown['covered']> = new Set(['a'])) =>
    auditFleet(results, policy(until), { ...FLEET, covered: () => covered })
  const waived = (until: string) =>
    report(until).results.flatMap((result) =>
      result.status === 'audited'
        ? result.findings.filter((finding) => finding.waived !== null).map(({ rule }) => [result.host, rule])
        : [],
    )

  test('hold for their rule and their hosts through their last day', () => {
    expect(waived('2026-11-27')).toEqual([['a', 'long-timeouts']])
    expect(waived('2026-11-26')).toEqual([['a', 'long-timeouts']])
    expect(report('2026-11-26').policy).toEqual([])
  })

  test('that are over hide nothing, and are found themselves', () => {
    expect(waived('2026-11-25')).toEqual([])
    expect(report('2026-11-25').policy).toMatchObject([
      {
        rule: 'waiver-over',
        severity: 'warning',
        title: 'the waiver of long-timeouts for a is over since 2026-11-25',
        evidence: ['policy.yaml:2:5: the proxy needs it'],
      },
    ])
  })

  test('for nobody here are told, and hide nothing', () => {
    expect(report('2027-01-31', { nobody: 'no host or group matches "a"' }).policy).toMatchObject([
      {
        rule: 'waiver-idle',
        severity: 'info',
        evidence: ['policy.yaml:2:5: the proxy needs it', 'no host or group matches "a"'],
      },
    ])
  })
})
