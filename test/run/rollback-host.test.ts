import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { rollbackHost } from '../../src/run/rollback-host.ts'
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
  expect(await rollbackHost({ plan, transaction }, telling)).toMatchObject({ status: 'needs-hands', fault: {} })
  expect(logins).toBeLessThan(13)
})
