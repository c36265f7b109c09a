import { expect, test } from 'vitest'
import type { HostStatus } from '../../src/model/result.ts'
import type { HostSummary, RunSummary } from '../../src/model/run.ts'
import { stillApplied, stillOpen } from '../../src/store/standing.ts'
import { aRun } from '../report/fleet.ts'
import { summaryOf } from '../report/run-summary.ts'

/** Where a change still stands, as far as the record tells. */

const ID = '20261126-0942-7f3a'
const NOW = new Date('2026-11-26T12:00:00Z')
const hosts = [
  ended('web-1', 'applied'),
  ended('web-2', 'applied', '2026-11-26T11:59:59.000Z'),
  ended('web-3', 'applied', '2026-11-26T12:00:01.000Z'),
  ended('db-1', 'under-way'),
  ended('db-2', 'needs-hands'),
  ended('db-3', 'rolled-back'),
  ended('db-4', 'planned'),
]

test('on hosts that were changed, until their time is over', () => {
  expect(names(stillApplied(ID, hosts, [], NOW))).toEqual(['web-1', 'web-3'])
})

test('perhaps on those that were cut off, or wait for a person', () => {
  expect(names(stillOpen(ID, hosts, []))).toEqual(['db-1', 'db-2'])
})

test.each(['rollback', 'resume'] as const)('no more where a %s of this run took it back', (command) => {
  const runs = [
    later(command, ID, [ended('web-1', 'rolled-back'), ended('db-1', 'rolled-back')]),
    later(command, ID, [ended('web-3', 'needs-hands'), ended('db-2', 'unreachable')]),
    later(command, 'another', [ended('web-3', 'rolled-back'), ended('db-2', 'rolled-back')]),
    later('apply', ID, [ended('web-3', 'rolled-back'), ended('db-2', 'rolled-back')]),
  ]
  expect(names(stillApplied(ID, hosts, runs, NOW))).toEqual(['web-3'])
  expect(names(stillOpen(ID, hosts, runs))).toEqual(['db-2'])
})

function ended(host: string, status: HostStatus, until: string | null = null): HostSummary {
  return { host, status, until, strategy: null, transaction: null, fault: null }
}

function later(command: RunSummary['command'], of: string, results: readonly HostSummary[]): RunSummary {
  return { ...summaryOf(aRun({ command, of })), hosts: results }
}

function names(some: readonly HostSummary[]): readonly string[] {
  return some.map(({ host }) => host)
}
