import { fc, test as law } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { allowanceFor, countsAs, newBudget } from '../../src/run/budget.ts'
import { aFault, aPlan } from '../report/fleet.ts'

describe('how many may fail', () => {
  test('unless said otherwise none of the first wave, then a tenth, but one in any case', () => {
    expect(allowanceFor(null, 6, 2)).toEqual({ canary: 0, all: 1 })
    expect(allowanceFor(null, 50, 4)).toEqual({ canary: 0, all: 5 })
    expect(allowanceFor(null, 200, 1)).toEqual({ canary: 20, all: 20 })
  })
  test('what the operator says holds for all waves; a percentage is never rounded up', () => {
    expect(allowanceFor({ hosts: 0 }, 6, 2)).toEqual({ canary: 0, all: 0 })
    expect(allowanceFor({ hosts: 3 }, 6, 2)).toEqual({ canary: 3, all: 3 })
    expect(allowanceFor({ percent: 25 }, 7, 2)).toEqual({ canary: 1, all: 1 })
    expect(allowanceFor({ percent: 100 }, 7, 2)).toEqual({ canary: 7, all: 7 })
  })
})

law.prop([
  fc.nat({ max: 20 }),
  fc.uniqueArray(fc.stringMatching(/^[a-z]{1,5}$/), { maxLength: 30 }),
  fc.nat({ max: 5 }),
])('it is spent from the failure on that is one too many, and stays so', (all, hosts, before) => {
  const budget = newBudget(() => ({ canary: all, all }), hosts.slice(0, before))
  for (const [at, host] of hosts.slice(before).entries()) {
    budget.fail(host, false)
    budget.fail(host, false)
    const failed = Math.min(before, hosts.length) + at + 1
    expect(budget.spent([]) !== null).toBe(failed > all)
    expect(budget.bears(1)).toBe(failed + 1 <= all)
    expect(budget.spent(['late-1', 'late-2']) !== null).toBe(failed + 2 > all)
  }
})

test('the sentence names who failed, and what was allowed', () => {
  const budget = newBudget(() => ({ canary: 0, all: 2 }), ['a', 'b'])
  expect(budget.spent([])).toBeNull()
  budget.fail('c', false)
  expect(budget.spent([])).toBe('3 hosts failed (a, b and c), and no more than 2 may')
  budget.fail('d', true)
  expect(budget.spent([])).toBe('d of the first wave failed')
})

test('what each end means for the hosts after it', () => {
  const plan = aPlan('a')
  const fault = aFault()
  const applied = { host: 'a', status: 'applied', plan, transaction: 'x' } as const
  const rolledBack = { host: 'a', status: 'rolled-back', plan, transaction: 'x', fault } as const
  expect(countsAs(applied)).toBe('well')
  expect(countsAs({ ...applied, fault })).toBe('failed')
  expect(countsAs(rolledBack)).toBe('failed')
  expect(countsAs({ ...rolledBack, fault: null })).toBe('well')
  expect(countsAs({ host: 'a', status: 'unreachable', fault })).toBe('unreachable')
  expect(countsAs({ host: 'a', status: 'not-reached', why: 'stopped' })).toBe('not-begun')
})
