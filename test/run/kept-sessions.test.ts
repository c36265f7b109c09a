import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { keptSessions } from '../../src/run/kept-sessions.ts'
import type { Session } from '../../src/transport/transport.ts'
import { LOCALHOST } from '../transport/hosts.ts'

beforeEach(() => void vi.useFakeTimers())
afterEach(() => void vi.useRealTimers())

let closed: string[]
beforeEach(() => {
  closed = []
})

function aSession(name: string, silentMs: number | null = 0): Session {
  return {
    host: { ...LOCALHOST, name },
    ...(silentMs === null ? {} : { silentMs: () => silentMs }),
    run: async () => ({ type: 'lost', why: 'nobody runs here' }),
    async [Symbol.asyncDispose]() {
      closed.push(name)
    },
  }
}

test('a session is left to one taker, who closes it', async () => {
  const session = aSession('a')
  {
    await using kept = keptSessions()
    kept.keep(session)
    expect(kept.take({ name: 'b' })).toBeNull()
    expect(kept.take({ name: 'a' })).toBe(session)
    expect(kept.take({ name: 'a' })).toBeNull()
  }
  expect(closed).toEqual([])
})

test('nobody is given one that was not heard from lately, or that cannot tell', async () => {
  await using kept = keptSessions()
  kept.keep(aSession('cut', 11_000))
  kept.keep(aSession('over', Number.POSITIVE_INFINITY))
  kept.keep(aSession('untold', null))
  for (const name of ['cut', 'over', 'untold']) expect(kept.take({ name })).toBeNull()
  expect(closed.toSorted()).toEqual(['cut', 'over', 'untold'])
})

test('what nobody comes for is closed: after two minutes, beyond two hundred, and at the end', async () => {
  {
    await using kept = keptSessions()
    kept.keep(aSession('early'))
    vi.advanceTimersByTime(119_000)
    expect(closed).toEqual([])
    for (let at = 0; at < 200; at++) kept.keep(aSession(`host-${at}`))
    expect(closed).toEqual(['host-199'])
    vi.advanceTimersByTime(2000)
    expect(closed).toEqual(['host-199', 'early'])
    kept.keep(aSession('host-0'))
    expect(closed.at(-1)).toBe('host-0')
  }
  expect(closed).toHaveLength(202)
  expect(new Set(closed).size).toBe(201)
})
