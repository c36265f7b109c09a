import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { FORGET } from '../../src/journal/conversation.ts'
import type { FaultCode } from '../../src/model/fault.ts'
import { askUntil, openAgain } from '../../src/run/open-again.ts'
import { aFault } from '../report/fleet.ts'
import { scriptedHost, scriptedPlan } from '../support/scripted-host.ts'

/** When a host is asked again whose link broke, and what is told of it in the end. */

const { host } = scriptedPlan
const never = { ask: async () => ({}), isEnd: () => false }

beforeEach(() => vi.useFakeTimers().setTimerTickMode('nextTimerAsync'))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

/** Seconds after the first try at which a host was tried that answers each login with this; and when that was over. */
async function triesOf(code: FaultCode | null, seconds: number) {
  const begin = Date.now()
  const passed = () => Math.round((Date.now() - begin) / 100) / 10
  const at: number[] = []
  scriptedHost(
    () => ({}),
    () => {
      at.push(passed())
      return code === null ? null : aFault({ code })
    },
  )
  await askUntil(host, begin + seconds * 1000, never)
  return { at, over: passed() }
}

describe('a host is asked again', () => {
  test.each(['auth', 'host-key-changed', 'no-privilege'] as const)(
    'ever more seldom where it locks out whom it refuses (%s), and once more at the deadline',
    async (code) => {
      expect(await triesOf(code, 240)).toEqual({ at: [0, 1, 3, 7, 15, 31, 63, 123, 183, 240], over: 240 })
    },
  )

  test.each(['connect-timed-out', 'timed-out', 'unreadable', 'step-failed', 'no-shell', null] as const)(
    'each second where nobody is locked out for it (%s), and once more at the deadline',
    async (code) => {
      expect(await triesOf(code, 4.5)).toEqual({ at: [0, 1, 2, 3, 4, 4.5], over: 4.5 })
    },
  )
})

/** A host that gives one answer, and then none until our deadline. */
function hangsAfter(code: FaultCode, deadline: number) {
  let logins = 0
  scriptedHost(
    () => ({}),
    () => {
      if (logins++ === 0) return aFault({ code, message: 'what it met' })
      vi.setSystemTime(deadline)
      return aFault({ code: 'cancelled', message: 'cancelled from here' })
    },
  )
}

describe('what is told in the end', () => {
  test('is what the host met, and not that our own deadline ended the last try', async () => {
    const deadline = Date.now() + 20_000
    hangsAfter('connect-timed-out', deadline)
    expect(await openAgain(host, deadline)).toMatchObject({
      refused: { code: 'connect-timed-out', message: 'what it met' },
    })
  })

  test('is our deadline where no try met anything else', async () => {
    const deadline = Date.now() + 20_000
    hangsAfter('cancelled', deadline)
    expect(await openAgain(host, deadline)).toMatchObject({ refused: { code: 'cancelled' } })
  })

  test('is what was met before, where no try got so far', async () => {
    const deadline = Date.now() + 20_000
    hangsAfter('cancelled', deadline)
    expect(await askUntil(host, deadline, { ...never, before: { code: 5 } })).toEqual({ code: 5 })
  })
})

test('a session outlives the deadline of the tries that opened it', async () => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const over = new AbortController()
    setTimeout(() => over.abort(), ms)
    return over.signal
  })
  scriptedHost(() => ({ code: 3 }))
  const session = await openAgain(host, Date.now() + 20_000)
  if ('refused' in session) throw new Error(session.refused.message)
  await new Promise((resolve) => setTimeout(resolve, 30_000))
  expect(await session.run(FORGET, { as: 'root', timeoutMs: 1000 })).toMatchObject({ type: 'exited', code: 3 })
})
