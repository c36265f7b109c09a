import { expect, test } from 'vitest'
import { planAnew } from '../../src/cli/another-strategy.ts'
import type { Planned } from '../../src/cli/approve.ts'
import type { HostResult } from '../../src/model/result.ts'
import type { Verdict } from '../../src/model/verdict.ts'
import { aFault, aPlan } from '../report/fleet.ts'
import { desk } from '../support/desk.ts'

const verdict = (strategy: string, verdict: Verdict['verdict'], reasons: readonly string[] = []): Verdict => ({
  strategy,
  verdict,
  reasons,
  vars: {},
})
const CONSIDERED = [
  verdict('unload', 'ineligible', ['a rule needs it']),
  verdict('notrack', 'eligible'),
  verdict('tune', 'eligible', ['notrack comes first\x1b[2J']),
  verdict('mine', 'unsure'),
]
const PLANNED: Planned = {
  host: 'web-1',
  status: 'planned',
  plan: aPlan('web-1', { strategy: 'notrack', considered: CONSIDERED }),
}
const ANEW: Planned = { host: 'web-1', status: 'planned', plan: aPlan('web-1', { strategy: 'tune' }) }

test('the strategies that fit are to choose from, but for the one that it has; with that one it is planned anew', async () => {
  const { result, questions, planned } = await chosen('tune', ANEW)
  expect(result).toEqual(ANEW)
  expect(planned).toEqual(['tune'])
  expect(questions).toEqual([
    ['web-1: which strategy in the place of notrack?', [{ name: 'tune: notrack comes first\\x1b[2J', value: 'tune' }]],
  ])
})

test('none of them after all: nothing is planned', async () => {
  const { result, planned } = await chosen(null, ANEW)
  expect({ result, planned }).toEqual({ result: null, planned: [] })
})

test.each<[string, HostResult | null, RegExp]>([
  [
    'there is no plan',
    { host: 'web-1', status: 'unreachable', fault: aFault({ code: 'auth' }) },
    /is unreachable auth\./,
  ],
  [
    'it is as that strategy wants it',
    { host: 'web-1', status: 'already-right', plan: aPlan('web-1') },
    /is already-right/,
  ],
  ['it is meant no more', null, /left out by --where/],
])('where %s with it, that is said, and the plan stays', async (_, became, said) => {
  const told = await chosen('tune', became)
  expect(told.result).toBeNull()
  expect(told.said).toMatch(said)
  expect(told.said).toContain('Its plan stays as it was.')
})

async function chosen(strategy: string | null, became: HostResult | null) {
  const { terminal, said } = desk()
  const questions: unknown[] = []
  const planned: string[] = []
  const result = await planAnew(
    PLANNED,
    {
      askWhich: async (question, ones) => {
        questions.push([question, ones])
        return strategy
      },
      another: async (_, wanted) => {
        planned.push(wanted)
        return became
      },
    },
    terminal,
  )
  return { result, questions, planned, said: said.join(' ').replaceAll(/\s+/g, ' ') }
}
