import { expect, test } from 'vitest'
import { leftLines } from '../../src/cli/what-is-left.ts'
import type { HostResult } from '../../src/model/result.ts'
import { STOPPED } from '../../src/run/fleet.ts'
import { aPlan } from '../report/fleet.ts'

const APPLY = { command: 'apply', of: null } as const
const ROLLBACK = { command: 'rollback', of: '20261126-0942-7f3a' } as const
const applied: HostResult = { host: 'web-1', status: 'applied', plan: aPlan('web-1'), transaction: '3fe12545e6' }
const back: HostResult = { ...applied, status: 'rolled-back', fault: null }
const stopped: HostResult = { host: 'web-2', status: 'not-reached', why: STOPPED }
const skipped: HostResult = { host: 'web-3', status: 'skipped', plan: aPlan('web-3') }
const declined: HostResult = { host: 'web-4', status: 'declined', plan: aPlan('web-4') }

test('an apply that did a part says how to go on with the rest, which a no is not', () => {
  expect(leftLines(APPLY, [applied, stopped, skipped, declined])).toEqual([
    'To go on with web-2 and web-3: the same command with --limit web-2,web-3',
  ])
})

test('it says nothing where nothing was changed, and leaves to their results those who have to be looked at first', () => {
  expect(leftLines(APPLY, [stopped, skipped])).toEqual([])
  const spent: HostResult = { ...stopped, why: 'the run was stopped: web-1 failed; look into that, then plan again' }
  expect(leftLines(APPLY, [applied, spent, { ...skipped, why: 'sessions may break' }])).toEqual([])
})

test('a rollback names every host that stays changed, also after a no', () => {
  expect(leftLines(ROLLBACK, [back, stopped, skipped, declined])).toEqual([
    'Still changed: web-2, web-3 and web-4. To take that back too: ctfleet rollback 20261126-0942-7f3a',
  ])
  expect(leftLines(ROLLBACK, [back])).toEqual([])
})
