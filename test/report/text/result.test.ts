import { describe, expect, test } from 'vitest'
import { resultText } from '../../../src/report/text/result.ts'
import { runsText } from '../../../src/report/text/runs.ts'
import { aFault, aPlan, aRun, ENDED_FLEET } from '../fleet.ts'
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
    const text = runsText(plain(columns), runs).join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/runs-${columns}.txt`)
  })
})

test('without a run, the list says how one comes about', () => {
  expect(runsText(plain(80), [])).toEqual(['No runs yet. A run is recorded by ctfleet apply and ctfleet rollback.'])
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
