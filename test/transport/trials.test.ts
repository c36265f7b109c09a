import { expect, test } from 'vitest'
import { newTrials, placeNameOf, type Trial } from '../../src/transport/trials.ts'

const OPS = { user: 'ops', password: 'secret' }

test('a password that was refused at a place is not tried there again', async () => {
  const trials = newTrials()
  begun(await trials.begin(OPS, 'a:22')).end('refused')
  expect(await trials.begin(OPS, 'a:22')).toEqual({ stopped: expect.stringContaining('tried once only') })
  begun(await trials.begin(OPS, 'b:22')).end('unsaid')
  begun(await trials.begin(OPS, 'b:22')).end('accepted')
})

test('no more than three hosts get a password that none has taken, however many ask at once', async () => {
  const trials = newTrials()
  const places = Array.from({ length: 100 }, (_, at) => `${at}:22`)
  const open: Trial[] = []
  let stopped = 0
  const all = places.map(async (place) => {
    const trial = await trials.begin(OPS, place)
    if ('stopped' in trial) stopped++
    else open.push(trial)
  })
  await turn()
  expect(open).toHaveLength(3)
  open[0]?.end('refused')
  open[1]?.end('unsaid')
  await turn()
  expect(open).toHaveLength(4)
  for (const trial of open) trial.end('refused')
  await Promise.all(all)
  expect({ tried: open.length, stopped }).toEqual({ tried: 4, stopped: 96 })
  // Another password, or another account, is none of its business.
  begun(await trials.begin({ ...OPS, password: 'another' }, '0:22')).end('accepted')
  begun(await trials.begin({ ...OPS, user: 'root' }, '0:22')).end('accepted')
})

test('a password that one host took goes to all others, and those who waited go at once', async () => {
  const trials = newTrials()
  const first = [0, 1, 2].map(async (at) => begun(await trials.begin(OPS, `${at}:22`)))
  const rest = Array.from({ length: 50 }, async (_, at) => begun(await trials.begin(OPS, `${at + 3}:22`)))
  const [taken] = await Promise.all(first)
  taken?.end('accepted')
  for (const trial of await Promise.all(rest)) trial.end('refused')
  begun(await trials.begin(OPS, '99:22')).end('accepted')
})

function begun(trial: Awaited<ReturnType<ReturnType<typeof newTrials>['begin']>>): Trial {
  if ('stopped' in trial) throw new Error(`it was stopped: ${trial.stopped}`)
  return trial
}

async function turn(): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve))
}

test('the same address behind another jump host is another place', () => {
  const way = { address: '10.0.0.1', port: 22 }
  const jump = { address: 'bastion', port: 2222 }
  expect(placeNameOf(way)).toBe('10.0.0.1:22')
  expect(placeNameOf({ ...way, jumps: [jump] })).toBe('bastion:2222 10.0.0.1:22')
})
