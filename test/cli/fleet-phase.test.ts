import { expect, test } from 'vitest'
import { runPhase } from '../../src/cli/fleet-phase.ts'
import type { HostResult } from '../../src/model/result.ts'
import type { Telling } from '../../src/run/story.ts'
import { aFault } from '../report/fleet.ts'
import { desk } from '../support/desk.ts'

const hosts = ['web-1', 'web-2', 'web-3'].map((name) => ({ name, groups: ['web'] }))
type Story = (host: { readonly name: string }, telling: Telling) => Promise<HostResult>
const phase = (story: Story) => ({ title: 'Applying', hosts, parallel: 2, story, onLeaving: ['ctfleet resume 1'] })

test('whoever was still connecting when it was stopped was not reached, and is not called unreachable', async () => {
  const { terminal, said, stop } = desk()
  const cancelled = aFault({ code: 'cancelled', message: 'cancelled from here' })
  const results = await runPhase(
    phase(async ({ name }): Promise<HostResult> => {
      if (name === 'web-2') stop()
      return { host: name, status: 'unreachable', fault: name === 'web-2' ? cancelled : aFault() }
    }),
    terminal,
  )
  expect(results.map(({ status }) => status)).toEqual(['unreachable', 'not-reached', 'not-reached'])
  expect(said.at(-1)).toMatch(/^Applying: .*, 1 unreachable, 2 not-reached$/)
})

test('who leaves is told who is at work, and what to type also when the phase is over', async () => {
  const { terminal, advice } = desk()
  const during: (readonly string[])[] = []
  await runPhase(
    phase(async ({ name }, { onStage }): Promise<HostResult> => {
      onStage('changing')
      during.push(advice())
      return { host: name, status: 'unreachable', fault: aFault() }
    }),
    terminal,
  )
  expect(during[0]).toEqual(['At work: web-1.', 'ctfleet resume 1'])
  expect(advice()).toEqual(['ctfleet resume 1'])
})

test('signals are heard before anything is drawn', async () => {
  const { terminal } = desk()
  const order: string[] = []
  await runPhase(
    phase(async ({ name }): Promise<HostResult> => ({ host: name, status: 'unreachable', fault: aFault() })),
    {
      ...terminal,
      isLive: true,
      stand: () => void order.push('drawn'),
      interruption: { ...terminal.interruption, adviseOnLeaving: () => void order.push('heard') },
    },
  )
  expect(order.slice(0, 2)).toEqual(['heard', 'drawn'])
})

test('a bug is told with its stack, and costs only the host that met it', async () => {
  const { terminal, said } = desk()
  const results = await runPhase(
    phase(async ({ name }): Promise<HostResult> => {
      if (name === 'web-1') throw new TypeError('no such thing')
      return { host: name, status: 'not-reached', why: 'x' }
    }),
    terminal,
  )
  expect(results[0]).toMatchObject({ status: 'failed', fault: { code: 'bug' } })
  expect(said.join('\n')).toMatch(/bug at web-1: TypeError: no such thing\n +at /)
})
