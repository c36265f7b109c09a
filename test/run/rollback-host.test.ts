import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { rollbackHost } from '../../src/run/rollback-host.ts'
import { local } from '../../src/transport/local.ts'
import { aFault } from '../report/fleet.ts'
import { scriptedPlan as plan, scriptedHost } from '../support/scripted-host.ts'

const transaction = '3fe12545e6'
const telling = { signal: new AbortController().signal, onStage: () => {} }

beforeEach(() => vi.useFakeTimers().setTimerTickMode('nextTimerAsync'))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('an undo of which nothing can be written is silent, and not gone', async () => {
  scriptedHost(() => {
    vi.setSystemTime(Date.now() + 200_000)
    return { lines: ['# 7'], code: 5 }
  })
  expect(await rollbackHost({ plan, transaction }, telling)).toMatchObject({
    status: 'needs-hands',
    fault: { message: expect.stringMatching(/can be asked, and has not said .* how its rollback ended/) },
  })
})

test('a host that refuses the login in the middle of its undo is asked ever more seldom, not to be locked out', async () => {
  let logins = 0
  scriptedHost(
    () => ({ lost: ['# 7', '2 undoing'] }),
    () => (logins++ === 0 ? null : aFault({ code: 'auth' })),
  )
  const begin = Date.now()
  expect(await rollbackHost({ plan, transaction }, telling)).toMatchObject({ status: 'needs-hands', fault: {} })
  expect(logins).toBeLessThan(13)
  expect(Math.round((Date.now() - begin) / 1000)).toBe(260)
})

test('a host that is cut off in the middle of its undo is told by what it met, and not by our own deadline', async () => {
  let logins = 0
  scriptedHost(
    () => ({ lost: ['# 7', '2 undoing'] }),
    () => {
      if (logins++ === 0) return null
      vi.setSystemTime(Date.now() + 260_000)
      return aFault({ code: 'cancelled', message: 'cancelled from here' })
    },
  )
  expect(await rollbackHost({ plan, transaction }, telling)).toMatchObject({
    status: 'needs-hands',
    fault: { message: expect.stringMatching(/how its rollback ended \(the connection was lost .*: it was cut\)$/) },
  })
})

test('an undo that hangs is waited for until the time is over, and is silent', async () => {
  vi.spyOn(local, 'open').mockImplementation(async (host) => ({
    host,
    async run(_, { timeoutMs }) {
      vi.setSystemTime(Date.now() + timeoutMs)
      return { type: 'timed-out', afterMs: timeoutMs }
    },
    async [Symbol.asyncDispose]() {},
  }))
  const begin = Date.now()
  expect(await rollbackHost({ plan, transaction }, telling)).toMatchObject({
    status: 'needs-hands',
    fault: { message: expect.stringContaining('has not said within 260 s how its rollback ended') },
  })
  expect((Date.now() - begin) / 1000).toBeLessThan(270)
})
