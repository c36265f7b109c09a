import { expect, test } from 'vitest'
import { approve, type Planned } from '../../src/cli/approve.ts'
import type { Answer } from '../../src/cli/ask.ts'
import { aPlan } from '../report/fleet.ts'

const FLEET: readonly Planned[] = ['a', 'b', 'c', 'd'].map((host) => ({ host, status: 'planned', plan: aPlan(host) }))

test('yes, no and skip are each remembered', async () => {
  expect(await outcomeOf(['yes', 'no', 'skip', 'yes'])).toEqual({
    approved: ['a', 'd'],
    others: ['b declined', 'c skipped'],
    asked: 4,
    shown: [],
  })
})

test('yes to all the rest asks no more', async () => {
  expect(await outcomeOf(['no', 'rest'])).toEqual({
    approved: ['b', 'c', 'd'],
    others: ['a declined'],
    asked: 2,
    shown: [],
  })
})

test('quit skips the rest, and keeps what has a yes', async () => {
  expect(await outcomeOf(['yes', 'quit'])).toEqual({
    approved: ['a'],
    others: ['b skipped', 'c skipped', 'd skipped'],
    asked: 2,
    shown: [],
  })
})

test('showing a host in full asks again', async () => {
  expect(await outcomeOf(['show', 'show', 'yes', 'quit'])).toMatchObject({
    approved: ['a'],
    asked: 4,
    shown: ['a', 'a'],
  })
})

test('Ctrl-C at a question approves nothing, not even what had a yes', async () => {
  expect(await outcomeOf(['yes', 'interrupted'])).toBe('interrupted')
})

test('the question names the host, the strategy and how much there is to do, all of it visible', async () => {
  const questions: string[] = []
  const ask = async (question: string): Promise<Answer> => {
    questions.push(question)
    return 'yes'
  }
  await approve([{ host: 'web\x1b[2J', status: 'planned', plan: aPlan('web') }], { ask, show: () => {} })
  expect(questions).toEqual(['web\\x1b[2J: tune, 2 changes. Go ahead?'])
})

async function outcomeOf(answers: readonly (Answer | 'interrupted')[]) {
  let asked = 0
  const shown: string[] = []
  const approval = await approve(FLEET, {
    ask: async () => answers[asked++] ?? 'interrupted',
    show: ({ host }) => shown.push(host),
  })
  if (approval === 'interrupted') return approval
  return {
    approved: approval.approved.map(({ host }) => host.name),
    others: approval.others.map(({ host, status }) => `${host} ${status}`),
    asked,
    shown,
  }
}
