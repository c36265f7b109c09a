import { setTimeout as sleep } from 'node:timers/promises'
import { fc, test as law } from '@fast-check/vitest'
import { expect, test } from 'vitest'
import { runFleet } from '../../src/run/fleet.ts'

const named = (...names: readonly string[]) => names.map((name) => ({ name }))
const otherwise = ({ name }: { name: string }, end: { notReached: string } | { bug: unknown }) =>
  'bug' in end ? `${name}: bug ${String(end.bug)}` : `${name}: not reached`
const fleet = (parallel: number, signal = new AbortController().signal) => ({
  parallel,
  signal,
  onStage: () => undefined,
})

law.prop([fc.array(fc.nat({ max: 5 }), { maxLength: 20 }), fc.integer({ min: 1, max: 8 })], { numRuns: 25 })(
  'every host has a result, in the order of the hosts, however long each takes',
  async (waits, parallel) => {
    const hosts = waits.map((wait, at) => ({ name: `h${at}`, wait }))
    const story = async ({ name, wait }: { name: string; wait: number }) => {
      await sleep(wait)
      return name
    }
    expect(await runFleet(hosts, fleet(parallel), story, otherwise)).toEqual(hosts.map(({ name }) => name))
  },
)

test('no more hosts are in flight than asked for', async () => {
  let now = 0
  let most = 0
  const story = async () => {
    most = Math.max(most, ++now)
    await sleep(2)
    now -= 1
  }
  await runFleet(named('a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'), fleet(3), story, () => undefined)
  expect(most).toBe(3)
})

test('a bug in one story is that host’s result, and no other host’s matter', async () => {
  const story = async ({ name }: { name: string }) => {
    if (name === 'b') throw new TypeError('ours')
    return name
  }
  expect(await runFleet(named('a', 'b', 'c'), fleet(2), story, otherwise)).toEqual(['a', 'b: bug TypeError: ours', 'c'])
})

test('a story that throws before its first await is caught too', async () => {
  const story = (): Promise<string> => {
    throw new TypeError('at once')
  }
  expect(await runFleet(named('a'), fleet(1), story, otherwise)).toEqual(['a: bug TypeError: at once'])
})

test('after an abort nobody begins, and who was under way ends its story', async () => {
  const stop = new AbortController()
  const begun: string[] = []
  const story = async ({ name }: { name: string }, { signal }: { signal: AbortSignal }) => {
    begun.push(name)
    if (name === 'b') stop.abort()
    await sleep(5)
    return `${name}: ${signal.aborted ? 'saw it' : 'done'}`
  }
  const results = await runFleet(named('a', 'b', 'c', 'd'), fleet(1, stop.signal), story, otherwise)
  expect(results).toEqual(['a: done', 'b: saw it', 'c: not reached', 'd: not reached'])
  expect(begun).toEqual(['a', 'b'])
})

test('each host that began says its stages and last that it ended, also after a bug', async () => {
  const told: string[] = []
  const onStage = (host: string, stage: string) => void told.push(`${host} ${stage}`)
  const story = async ({ name }: { name: string }, { onStage: tell }: { onStage: (stage: 'connecting') => void }) => {
    tell('connecting')
    if (name === 'b') throw new Error('ours')
  }
  const { signal } = new AbortController()
  await runFleet(named('a', 'b'), { parallel: 1, signal, onStage }, story, () => undefined)
  expect(told).toEqual(['a connecting', 'a ended', 'b connecting', 'b ended'])
})

test('no hosts, no results', async () => {
  expect(
    await runFleet(
      [],
      fleet(4),
      async () => 1,
      () => 2,
    ),
  ).toEqual([])
})
