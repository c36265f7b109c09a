import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { newSeenJournal, pickUp } from '../../src/run/journal-link.ts'
import { aFault } from '../report/fleet.ts'
import { scriptedHost, scriptedPlan } from '../support/scripted-host.ts'

/** How a host is picked up again whose link was lost. */

const { host } = scriptedPlan
const SECONDS = 240

beforeEach(() => vi.useFakeTimers().setTimerTickMode('nextTimerAsync'))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

const pickedUp = async () => await pickUp(host, newSeenJournal('3fe12545e6'), Date.now() + SECONDS * 1000)

test('one that refuses the login for what the change did is heard when it lets in again just before the deadline', async () => {
  const begin = Date.now()
  scriptedHost(
    () => ({ lines: ['1 rolled-back'] }),
    () => (Date.now() < begin + (SECONDS - 10) * 1000 ? aFault({ code: 'auth' }) : null),
  )
  expect(await pickedUp()).toBe('picked-up')
})

describe('one that is not let in any more', () => {
  /** One answer over a session, then a login that nobody answers until the deadline. */
  const hangsAfter = (code: number) => {
    let logins = 0
    scriptedHost(
      () => ({ code }),
      () => {
        if (logins++ === 0) return null
        vi.setSystemTime(Date.now() + SECONDS * 1000)
        return aFault({ code: 'cancelled' })
      },
    )
  }
  test('after it was asked is silent, whatever our deadline ends', async () => {
    hangsAfter(5)
    expect(await pickedUp()).toBe('silent')
  })
  test('is not asked again where it knows no such transaction', async () => {
    hangsAfter(7)
    expect(await pickedUp()).toBe('gone')
  })
})

test('one that is asked until the deadline and says nothing is silent, and not lost', async () => {
  vi.spyOn(AbortSignal, 'timeout').mockImplementation((ms) => {
    const over = new AbortController()
    setTimeout(() => over.abort(), ms)
    return over.signal
  })
  scriptedHost(async (_, [, , seconds]) => {
    await new Promise((resolve) => setTimeout(resolve, Number(seconds) * 1000 + 500))
    return { code: 5 }
  })
  expect(await pickedUp()).toBe('silent')
})
