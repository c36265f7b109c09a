import { describe, expect, test } from 'vitest'
import type { HostResult } from '../../../src/model/result.ts'
import { resultText } from '../../../src/report/text/result.ts'
import { runsText } from '../../../src/report/text/runs.ts'
import { aChange, aFault, aPlan, aRun, ENDED_FLEET } from '../fleet.ts'
import { plain } from '../paper.ts'
import { summaryOf } from '../run-summary.ts'

describe('how the hosts of an apply ended', () => {
  test.each([80, 200])('on %i columns', async (columns) => {
    const text = resultText(plain(columns), ENDED_FLEET).join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/result-${columns}.txt`)
  })
})

describe('runs', () => {
  const runs = [
    aRun({
      id: '20261126-1003-02b1',
      command: 'rollback',
      of: '20261126-0942-7f3a',
      endedAt: null,
      results: [{ host: 'web-1', status: 'under-way', plan: aPlan('web-1'), transaction: '3fe12545e6' }],
    }),
    aRun(),
  ].map(summaryOf)
  test.each([80, 200])('on %i columns', async (columns) => {
    const text = runsText(
      plain(columns),
      runs,
      '/root/.local/state/ctfleet',
      new Map([['20261126-0942-7f3a', 2]]),
    ).join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/runs-${columns}.txt`)
  })
})

test('without a run, the list says how one comes about', () => {
  expect(runsText(plain(120), [], '/root/.local/state/ctfleet', new Map())).toEqual([
    'No runs in /root/.local/state/ctfleet. A run is recorded by ctfleet apply and ctfleet rollback.',
    'Applied by somebody else (root, sudo), or from elsewhere: ctfleet rollback --from-hosts INVENTORY',
  ])
})

test('a host that a transaction has for itself says once who has it', () => {
  const fault = aFault({ code: 'locked', message: 'it is locked', next: 'ctfleet resume 7f3a' })
  const blocked = { host: 'a', status: 'blocked', findings: [], considered: [], why: fault.message, fault } as const
  expect(resultText(plain(100), [blocked]).slice(0, 3)).toEqual([
    expect.stringMatching(/^a +blocked +locked$/),
    '    it is locked',
    '    Next: ctfleet resume 7f3a',
  ])
})

test('a rollback does not claim that entries which were deleted are there again', () => {
  const plan = aPlan('web-1', { changes: [aChange({ kind: 'flush-entries', volatile: true })] })
  const back = { host: 'web-1', status: 'rolled-back', plan, transaction: '3fe12545e6', fault: null } as const
  const said = (result: HostResult) => resultText(plain(120), [result])[0]
  expect(said(back)).toMatch(/as it was before transaction 3fe12545e6, but for the entries that it deleted$/)
  expect(said({ ...back, plan: null })).toMatch(/as it was before transaction 3fe12545e6$/)
  expect(said({ ...back, plan: null, deletedEntries: true })).toMatch(/, but for the entries that it deleted$/)
  expect(said({ ...back, deletedEntries: false })).toMatch(/as it was before transaction 3fe12545e6$/)
  const fault = aFault({ code: 'not-confirmed' })
  expect(resultText(plain(120), [{ ...back, fault }])[0]).toMatch(
    /not-confirmed; as it was before transaction 3fe12545e6, but for the entries that it deleted$/,
  )
})

test('a fault that is called as its status is named once', () => {
  const fault = aFault({ code: 'unreachable' })
  expect(resultText(plain(80), [{ host: 'dead-1', status: 'unreachable', fault }])[0]).toBe('dead-1  unreachable')
})

test('one that is well no more stands before those that are, and says what to type', () => {
  const applied = (host: string) => ({ host, status: 'applied', plan: aPlan(host), transaction: '3fe12545e6' }) as const
  const fault = aFault({ message: 'it was applied, but is well no more', next: 'ctfleet rollback 1 --limit web-2' })
  const text = resultText(plain(100), [applied('web-1'), { ...applied('web-2'), fault }])
  expect(text.slice(0, 4)).toEqual([
    expect.stringMatching(/^web-2 +applied /),
    '    it was applied, but is well no more',
    '    Next: ctfleet rollback 1 --limit web-2',
    expect.stringMatching(/^web-1 +applied /),
  ])
})
