import { describe, expect, test } from 'vitest'
import { approve, approveAll, type Planned } from '../../src/cli/approve.ts'
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
  await approve([{ host: 'web\x1b[2J', status: 'planned', plan: aPlan('web') }], { ask, accept: null, show: () => {} })
  expect(questions).toEqual(['web\\x1b[2J: tune, 2 changes. Go ahead?'])
})

describe('sessions that taking it back may break', () => {
  const LOSS = 'tcp_loose is 0: sessions will not survive it'
  const fleet: readonly Planned[] = ['a', 'b', 'c'].map((host) => ({
    host,
    status: 'planned',
    plan: aPlan(host, host === 'a' ? {} : { sessionLoss: [LOSS] }),
  }))
  const asking = async (accepts: readonly (boolean | 'interrupted')[] | null, answer: Answer = 'rest') => {
    const questions: string[] = []
    const approval = await approve(fleet, {
      ask: async () => answer,
      accept:
        accepts === null
          ? null
          : async (question, why) => {
              questions.push(`${why.join()} ${question}`)
              return accepts[questions.length - 1] ?? 'interrupted'
            },
      show: () => {},
    })
    if (approval === 'interrupted') return approval
    return { approved: approval.approved.map(({ host }) => host.name), others: approval.others, questions }
  }

  test('are asked about for each host by itself, also after a yes to all the rest', async () => {
    const { approved, others, questions } = Object(await asking([false, true]))
    expect(approved).toEqual(['a', 'c'])
    expect(others).toMatchObject([{ host: 'b', status: 'declined', why: expect.stringContaining(LOSS) }])
    expect(questions).toEqual(
      ['b', 'c'].map((host) => `${LOSS} ${host}: sessions may break when it is taken back. Apply all the same?`),
    )
  })

  test('are no question for a host that is skipped, nor where it was accepted beforehand', async () => {
    expect(await asking([], 'quit')).toMatchObject({ approved: [], questions: [] })
    expect(await asking(null)).toMatchObject({ approved: ['a', 'b', 'c'], others: [] })
  })

  test('Ctrl-C at this question approves nothing either', async () => {
    expect(await asking([true, 'interrupted'])).toBe('interrupted')
  })

  test('are not covered by --yes: those hosts are skipped, with the reason and what to type', () => {
    const { approved, others } = approveAll(fleet, false)
    expect(approved.map(({ host }) => host.name)).toEqual(['a'])
    expect(others.map(({ host, status }) => `${host} ${status}`)).toEqual(['b skipped', 'c skipped'])
    expect(others[0]).toMatchObject({
      why: `sessions may break when it is taken back (${LOSS}). To apply it all the same: --accept-session-loss`,
    })
    expect(approveAll(fleet, true)).toEqual({ approved: fleet.map(({ plan }) => plan), others: [] })
  })
})

async function outcomeOf(answers: readonly (Answer | 'interrupted')[]) {
  let asked = 0
  const shown: string[] = []
  const approval = await approve(FLEET, {
    ask: async () => answers[asked++] ?? 'interrupted',
    accept: null,
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
