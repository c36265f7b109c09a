import { describe, expect, test } from 'vitest'
import { type Approver, approve, approveAll, type Planned } from '../../src/cli/approve.ts'
import type { PlanAnswer as Answer } from '../../src/cli/ask.ts'
import type { HostResult } from '../../src/model/result.ts'
import type { Verdict } from '../../src/model/verdict.ts'
import { aChange, aPlan } from '../report/fleet.ts'

const AT = '2026-11-26T09:42:00.000Z'
const ALICE: Approver = { by: 'alice@bastion', now: () => new Date(AT) }

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

test('each question is heard of before it is put, with the hosts that it is about and the plan', async () => {
  const heard: string[] = []
  const ask = async (): Promise<Answer> => {
    heard.push('put')
    return 'quit'
  }
  const onAsked = (hosts: readonly string[], plan: string) => void heard.push(`${hosts.join(' ')} by ${plan}`)
  await approve(FLEET, { ask, accept: null, show: () => {}, onAsked }, ALICE)
  const [first] = FLEET
  expect(heard).toEqual([`a b c d by ${first?.plan.id}`, 'put'])
})

test('each host is heard of as it is decided, with its yes', async () => {
  const heard: string[] = []
  const answers: Answer[] = ['yes', 'no', 'rest']
  const ask = async (): Promise<Answer> => {
    heard.push('asked')
    return answers.shift() ?? 'quit'
  }
  const onDecided = ({ host, status }: HostResult, approval: { readonly how: string } | null) =>
    void heard.push(`${host} ${status} ${approval?.how}`)
  await approve(FLEET, { ask, accept: null, show: () => {}, onDecided }, ALICE)
  expect(heard).toEqual([
    'asked',
    'a planned asked',
    'asked',
    'b declined undefined',
    'asked',
    'c planned all',
    'd planned all',
  ])
})

test('where hosts that have a yes failed, the open question and all after it are not asked, and each says why', async () => {
  let stopped: string | null = null
  const answers: (Answer | 'interrupted')[] = ['yes', 'interrupted']
  const ask = async (): Promise<Answer | 'interrupted'> => {
    const answer = answers.shift()
    if (answer === undefined) throw new Error('nobody is to be asked in vain')
    // The question is withdrawn.
    if (answer === 'interrupted') stopped = 'a of the first wave failed'
    return answer
  }
  const decided = await approve(FLEET, { ask, accept: null, show: () => {}, stopped: () => stopped }, ALICE)
  expect(decided).toMatchObject({
    approved: [{ host: 'a' }],
    others: ['b', 'c', 'd'].map((host) => ({
      ...{ host, status: 'not-reached' },
      why: 'the run was stopped: a of the first wave failed; look into that, then plan again',
    })),
  })
})

test('the question names the host, the strategy and how much there is to do, all of it visible', async () => {
  const questions: string[] = []
  const ask = async (question: string): Promise<Answer> => {
    questions.push(question)
    return 'yes'
  }
  await approve(
    [{ host: 'web\x1b[2J', status: 'planned', plan: aPlan('web') }],
    { ask, accept: null, show: () => {} },
    ALICE,
  )
  expect(questions).toEqual(['web\\x1b[2J: tune, 2 changes. Go ahead?'])
})

describe('hosts with the same change', () => {
  const other = aPlan('other', { strategy: 'notrack', changes: [aChange({ title: 'something else' })] })
  const fleet: readonly Planned[] = [
    planned('a'),
    { host: 'b', status: 'planned', plan: other },
    planned('c'),
    planned('d'),
  ]
  const askedOf = async (answers: readonly Answer[]) => {
    const questions: string[] = []
    const offered: boolean[] = []
    const decisions = await approve(
      fleet,
      {
        ask: async (question, { same }) => {
          questions.push(question)
          offered.push(same)
          return answers[questions.length - 1] ?? 'interrupted'
        },
        accept: null,
        show: () => {},
      },
      ALICE,
    )
    if (decisions === 'interrupted') throw new Error('more was asked than was answered')
    return { questions, offered, ...decisions }
  }

  test('are asked about one after the other, and one answer is a yes to all of them, not to another change', async () => {
    const { questions, approved, others, approvals } = await askedOf(['same', 'no'])
    expect(questions).toEqual([
      'a: tune, 2 changes (g: the same on c and d). Go ahead?',
      'b: notrack, 1 change. Go ahead?',
    ])
    // In the order of the fleet, which the waves are made of.
    expect(approved.map(({ host }) => host)).toEqual(['a', 'c', 'd'])
    expect(others).toMatchObject([{ host: 'b', status: 'declined' }])
    expect(approvals.map(({ host, how }) => `${host} ${how}`)).toEqual([
      'a same-change',
      'c same-change',
      'd same-change',
    ])
  })

  test('a host that has no like after it is not offered that answer', async () => {
    const { offered } = await askedOf(['no', 'yes', 'skip', 'yes'])
    expect(offered).toEqual([true, true, false, false])
  })

  test('each yes is kept with its plan, who gave it, when and how', async () => {
    const { approvals } = await askedOf(['yes', 'no', 'skip', 'rest'])
    expect(approvals).toEqual([
      { host: 'a', plan: aPlan('a').id, by: 'alice@bastion', at: AT, how: 'asked' },
      { host: 'b', plan: other.id, by: 'alice@bastion', at: AT, how: 'all' },
    ])
  })
})

describe('another strategy', () => {
  const anew: Planned = { host: 'a', status: 'planned', plan: aPlan('a', { id: 'e'.repeat(64), strategy: 'notrack' }) }
  const decided = async (answers: readonly Answer[], became: Planned | null | 'interrupted') => {
    const questions: string[] = []
    const shown: string[] = []
    const decisions = await approve(
      [planned('a'), planned('b')],
      {
        ask: async (question) => {
          questions.push(question)
          return answers[questions.length - 1] ?? 'interrupted'
        },
        accept: null,
        show: ({ plan }) => shown.push(plan.strategy),
        another: async () => became,
      },
      ALICE,
    )
    return decisions === 'interrupted' ? decisions : { ...decisions, questions, shown }
  }

  test('is shown and asked about, and its plan is the one that has the yes; other hosts keep theirs', async () => {
    const { approved, approvals, questions, shown } = Object(await decided(['another', 'yes', 'no'], anew))
    expect(approved).toEqual([anew])
    expect(approvals).toMatchObject([{ host: 'a', plan: anew.plan.id }])
    expect(shown).toEqual(['notrack'])
    expect(questions.slice(1)).toEqual(['a: notrack, 2 changes. Go ahead?', 'b: tune, 2 changes. Go ahead?'])
  })

  test('that comes to no plan leaves the host as it was, and it is asked about again', async () => {
    const { approved } = Object(await decided(['another', 'yes', 'no'], null))
    expect(approved).toEqual([planned('a')])
  })

  test('is offered only where another one fits', async () => {
    const verdict = (strategy: string, verdict: Verdict['verdict']) => ({ strategy, verdict, reasons: [], vars: {} })
    const offered = async (...considered: readonly Verdict[]) => {
      const one: Planned = { host: 'a', status: 'planned', plan: aPlan('a', { considered }) }
      const heard: boolean[] = []
      const ask = async (_: string, offers: { readonly another: boolean }): Promise<Answer> => {
        heard.push(offers.another)
        return 'quit'
      }
      await approve([one], { ask, accept: null, show: () => {}, another: async () => null }, ALICE)
      return heard
    }
    expect(await offered(verdict('tune', 'eligible'), verdict('notrack', 'ineligible'))).toEqual([false])
    expect(await offered(verdict('tune', 'eligible'), verdict('notrack', 'eligible'))).toEqual([true])
  })

  test('Ctrl-C while it is planned approves nothing', async () => {
    expect(await decided(['another'], 'interrupted')).toBe('interrupted')
  })
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
    const approval = await approve(
      fleet,
      {
        ask: async () => answer,
        accept:
          accepts === null
            ? null
            : async (question, why) => {
                questions.push(`${why.join()} ${question}`)
                return accepts[questions.length - 1] ?? 'interrupted'
              },
        show: () => {},
      },
      ALICE,
    )
    if (approval === 'interrupted') return approval
    return { approved: approval.approved.map(({ host }) => host), others: approval.others, questions }
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
    const { approved, others } = approveAll(fleet, false, ALICE)
    expect(approved.map(({ host }) => host)).toEqual(['a'])
    expect(others.map(({ host, status }) => `${host} ${status}`)).toEqual(['b skipped', 'c skipped'])
    expect(others[0]).toMatchObject({
      why: `sessions may break when it is taken back (${LOSS}). To apply it all the same: --accept-session-loss`,
    })
    expect(approveAll(fleet, true, ALICE)).toMatchObject({ approved: fleet, others: [] })
  })
})

function planned(host: string): Planned {
  return { host, status: 'planned', plan: aPlan(host) }
}

async function outcomeOf(answers: readonly (Answer | 'interrupted')[]) {
  let asked = 0
  const shown: string[] = []
  const approval = await approve(
    FLEET,
    {
      ask: async () => answers[asked++] ?? 'interrupted',
      accept: null,
      show: ({ host }) => shown.push(host),
    },
    ALICE,
  )
  if (approval === 'interrupted') return approval
  return {
    approved: approval.approved.map(({ host }) => host),
    others: approval.others.map(({ host, status }) => `${host} ${status}`),
    asked,
    shown,
  }
}
