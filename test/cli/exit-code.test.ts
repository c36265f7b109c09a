import { describe, expect, test } from 'vitest'
import {
  type ExitCode,
  exitCodeOf,
  exitCodeOfCleaning,
  exitCodeOfExplaining,
  exitCodeOfReading,
  exitCodeOfVerifying,
  exitCodeWhenInterrupted,
} from '../../src/cli/exit-code.ts'
import type { HostResult, HostStatus } from '../../src/model/result.ts'
import { EXPLAINED, FORETOLD_FLEET } from '../report/explained.ts'
import { aFault, aPlan } from '../report/fleet.ts'
import { CLEANED, VERIFIED } from '../report/left-on-hosts.ts'

const judged = { findings: [], considered: [] }
const plan = aPlan('a')
const fault = aFault()
const transaction = '3fe12545e6'

/** One host of each status; the table below is the contract of the exit codes. */
const RESULTS: { readonly [S in HostStatus]: HostResult & { readonly status: S } } = {
  healthy: { host: 'a', status: 'healthy', ...judged },
  'same-machine': { host: 'a', status: 'same-machine', why: 'is the same machine as b' },
  planned: { host: 'a', status: 'planned', plan },
  'under-way': { host: 'a', status: 'under-way', plan, transaction },
  'already-right': { host: 'a', status: 'already-right', plan },
  applied: { host: 'a', status: 'applied', plan, transaction },
  declined: { host: 'a', status: 'declined', plan },
  skipped: { host: 'a', status: 'skipped', plan },
  blocked: { host: 'a', status: 'blocked', why: 'it does not fit', ...judged },
  'no-strategy': { host: 'a', status: 'no-strategy', why: 'none fits', ...judged },
  refused: { host: 'a', status: 'refused', plan, fault },
  'rolled-back': { host: 'a', status: 'rolled-back', plan, transaction, fault },
  unreachable: { host: 'a', status: 'unreachable', fault },
  failed: { host: 'a', status: 'failed', fault },
  'not-reached': { host: 'a', status: 'not-reached', why: 'stopped' },
  'needs-hands': { host: 'a', status: 'needs-hands', plan, transaction, fault },
}

const CODES: Readonly<Record<HostStatus, number>> = {
  healthy: 0,
  'same-machine': 0,
  planned: 0,
  'already-right': 0,
  applied: 0,
  declined: 0,
  skipped: 0,
  blocked: 1,
  'no-strategy': 1,
  refused: 1,
  'rolled-back': 1,
  unreachable: 1,
  failed: 1,
  'not-reached': 1,
  'under-way': 3,
  'needs-hands': 3,
}

test.each(Object.entries(CODES))('a host that is %s makes it %i', (status, code) => {
  expect(exitCodeOf([RESULTS.healthy, RESULTS[status as HostStatus]])).toBe(code)
})

test('a rollback that was asked for and went well is no failure', () => {
  expect(exitCodeOf([{ ...RESULTS['rolled-back'], fault: null }])).toBe(0)
})

test('a change that is well no more makes it 1', () => {
  expect(exitCodeOf([{ ...RESULTS.applied, fault }])).toBe(1)
})

describe('where several hold', () => {
  test.each<readonly [string, readonly HostResult[], number]>([
    ['hands before a failure', [RESULTS.failed, RESULTS['needs-hands']], 3],
    ['a failure before pending changes', [RESULTS.planned, RESULTS.unreachable], 1],
    ['pending changes before nothing', [RESULTS.healthy, RESULTS.planned], 4],
    ['no host at all', [], 0],
  ])('%s', (_name, results, code) => {
    expect(exitCodeOf(results, true)).toBe(code)
  })
})

test('a bug of ours is told by 70, unless a host needs hands', () => {
  const bug: HostResult = { host: 'b', status: 'failed', fault: aFault({ code: 'bug' }) }
  expect(exitCodeOf([bug, RESULTS.failed])).toBe(70)
  expect(exitCodeOf([bug, RESULTS['needs-hands']])).toBe(3)
})

test('a host that needs hands makes it 3, also by a bug of ours or where a person broke off', () => {
  expect(exitCodeOf([{ ...RESULTS['needs-hands'], fault: aFault({ code: 'bug' }) }])).toBe(3)
  expect([0, 1, 3, 4].map((code) => exitCodeWhenInterrupted(code as ExitCode))).toEqual([130, 130, 3, 130])
})

test('reading fails where a host could not be read', () => {
  expect(exitCodeOfReading([{ status: 'read' }])).toBe(0)
  expect(exitCodeOfReading([{ status: 'read' }, { status: 'unreachable', fault }])).toBe(1)
  expect(exitCodeOfReading([{ status: 'failed', fault: aFault({ code: 'bug' }) }])).toBe(70)
})

test('explaining ends as planning would: a host in trouble that nothing fits is a failure, a healthy one is none', () => {
  const explained = (health: typeof EXPLAINED.health, strategy: string | null) =>
    exitCodeOfExplaining([
      { host: 'a', status: 'explained', explanation: { ...EXPLAINED, health, choice: { strategy, why: '' } } },
    ])
  expect(explained('unwell', 'tune')).toBe(0)
  expect(explained('healthy', null)).toBe(0)
  expect(explained('unwell', null)).toBe(1)
  expect(explained('cannot-tell', null)).toBe(1)
  expect(exitCodeOfExplaining([{ host: 'a', status: 'unreachable', fault }])).toBe(1)
})

test('an indicative plan counts as pending only where it would change something, and only when asked', () => {
  const only = (host: string) => FORETOLD_FLEET.filter((result) => result.host === host)
  expect(exitCodeOf(only('web-1'))).toBe(0)
  expect(exitCodeOf(only('web-1'), true)).toBe(4)
  expect(exitCodeOf(only('web-2'), true)).toBe(0)
})

test('of cleaning and verifying, only what is clean, left by a person, or seen in force is as wanted', () => {
  const codes = <R extends { readonly host: string }>(results: readonly R[], codeOf: (of: readonly R[]) => number) =>
    Object.fromEntries(results.map((result) => [result.host, codeOf([result])]))
  expect(codes(CLEANED, exitCodeOfCleaning)).toEqual({
    'web-1': 0,
    'web-2': 0,
    'web-3': 1,
    'db-3': 1,
    'web-5': 1,
    'web-6': 0,
  })
  expect(codes(VERIFIED, exitCodeOfVerifying)).toEqual({
    'web-1': 0,
    'web-2': 1,
    'web-3': 1,
    'web-4': 1,
    'db-3': 1,
    'web-5': 1,
  })
})
