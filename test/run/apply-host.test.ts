import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { Stage } from '../../src/model/event.ts'
import { applyHost } from '../../src/run/apply-host.ts'
import { aFault } from '../report/fleet.ts'
import { readingOf, scriptedHost, scriptedPlan } from '../support/scripted-host.ts'
import { terms } from '../support/terms.ts'

/** What becomes of a change whose host says less than it should, or whose person leaves. */

const UNTIL_APPLIED = ['1 armed', '1 intend 1 abc', '1 done 1 def', '1 applied']
const telling = (stop = new AbortController()) => ({ signal: stop.signal, onStage: () => {} })

beforeEach(() => vi.useFakeTimers().setTimerTickMode('nextTimerAsync'))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

test('an undo that takes long is heard to its end', async () => {
  scriptedHost((asked, words) => {
    if (asked === 'launch') return { lines: UNTIL_APPLIED }
    if (asked === 'decide') return { lines: ['2 aborted', '2 undoing'], code: 5 }
    if (asked === 'follow') return { lines: ['3 undone 1', '3 rolled-back'] }
    return asked === 'read' ? readingOf('1', words) : {}
  })
  const result = await applyHost(scriptedPlan, terms(60), telling())
  expect(result).toMatchObject({ status: 'rolled-back', fault: { code: 'not-verified' } })
})

test('a host that can be asked and never says how its undo ended is not said to have lost it', async () => {
  scriptedHost((asked, words) => {
    if (asked === 'launch') return { lines: UNTIL_APPLIED }
    if (asked === 'decide') return { lines: ['2 aborted', '2 undoing'], code: 5 }
    if (asked === 'follow') {
      vi.setSystemTime(Date.now() + 300_000)
      return { code: 5 }
    }
    return readingOf('1', words)
  })
  const result = await applyHost(scriptedPlan, terms(60), telling())
  expect(result).toMatchObject({
    status: 'needs-hands',
    fault: { code: 'timed-out', message: expect.stringMatching(/has not said within 180 s .* \/var\/lib writable/) },
  })
})

test('what somebody else confirmed is not said to be applied, as nothing was checked', async () => {
  const { asked } = scriptedHost(() => ({ lines: [...UNTIL_APPLIED, '1 confirmed', '1 committed'] }))
  expect(await applyHost(scriptedPlan, terms(60), telling())).toMatchObject({
    status: 'needs-hands',
    fault: { code: 'not-verified', message: expect.stringContaining('not from here') },
  })
  expect(asked.map(([what]) => what)).toEqual(['launch'])
})

test('a journal without an end is heard no further', async () => {
  scriptedHost((asked) => {
    if (asked === 'launch') return { lines: Array.from({ length: 30_000 }, () => '1 done 1 abc') }
    vi.setSystemTime(Date.now() + 300_000)
    return { code: 5 }
  })
  expect(await applyHost(scriptedPlan, terms(60), telling())).toMatchObject({
    status: 'needs-hands',
    fault: { message: expect.stringContaining('has no end') },
  })
})

test('when first aid ends is told by our own clock', async () => {
  scriptedHost((what, words) => {
    if (what === 'launch') return { lines: UNTIL_APPLIED }
    if (what === 'decide') return { lines: ['2 confirmed', '2 committed until 7202'] }
    return readingOf('2', words)
  })
  const result = await applyHost(scriptedPlan, { ...terms(60), keepSeconds: 7200 }, telling())
  if (result.status !== 'applied') throw new Error(JSON.stringify(result))
  expect(Date.parse(result.until ?? '')).toBeGreaterThan(Date.now() + 7_000_000)
})

test('the last word is not waited for again where the link is lost right after it', async () => {
  const { asked } = scriptedHost((what, words) => {
    if (what === 'launch') return { lines: UNTIL_APPLIED }
    if (what === 'decide') return { lost: ['2 confirmed', '2 committed'] }
    return readingOf('2', words)
  })
  expect(await applyHost(scriptedPlan, terms(60), telling())).toMatchObject({ status: 'applied' })
  expect(asked.map(([what]) => what)).not.toContain('follow')
})

test('who leaves between the login and the launch leaves the host not reached, and no launch on its way', async () => {
  const stop = new AbortController()
  const { asked } = scriptedHost(() => ({}))
  const onTransaction = async () => stop.abort()
  const result = await applyHost(scriptedPlan, terms(60), { ...telling(stop), onTransaction })
  expect(result).toMatchObject({ status: 'not-reached', why: expect.stringContaining('stopped') })
  expect(asked).toEqual([])
})

test('who leaves during the launch does not cut it off: it is heard to its end', async () => {
  const stop = new AbortController()
  const { asked } = scriptedHost((what, words) => {
    if (what === 'launch') {
      stop.abort()
      return { lines: UNTIL_APPLIED }
    }
    if (what === 'decide') return { lines: ['2 confirmed', '2 committed'] }
    return readingOf('2', words)
  })
  expect(await applyHost(scriptedPlan, terms(60), telling(stop))).toMatchObject({ status: 'applied' })
  expect(asked.map(([what]) => what)).toEqual(['launch', 'read', 'decide'])
})

test.each([
  ['refused', 'auth', 12],
  ['out of reach', 'connect-timed-out', 400],
] as const)(
  'a host that is %s after the change is asked at most so often, not to be locked out: %s, %i',
  async (_, code, most) => {
    let isChanged = false
    const logins: number[] = []
    scriptedHost(
      () => {
        isChanged = true
        return { lines: UNTIL_APPLIED }
      },
      () => {
        logins.push(Date.now())
        return isChanged ? aFault({ code }) : null
      },
    )
    expect(await applyHost(scriptedPlan, terms(60), telling())).toMatchObject({ status: 'needs-hands' })
    expect(logins.length).toBeLessThanOrEqual(most)
    const [first = 0, last = 0] = [logins[1], logins.at(-1)]
    expect((last - first) / 1000).toBeGreaterThanOrEqual(240)
  },
)

test('one that lets nobody in until it has taken its change back is heard then', async () => {
  let changedAt = Number.POSITIVE_INFINITY
  const { asked } = scriptedHost(
    (what, words) => {
      if (what === 'launch') changedAt = Date.now()
      if (what === 'launch') return { lines: UNTIL_APPLIED }
      if (what === 'follow') return { lines: ['61 expired', '61 undoing', '61 undone 1', '62 rolled-back'] }
      return what === 'read' ? readingOf('1', words) : {}
    },
    () => (Date.now() > changedAt && Date.now() < changedAt + 62_000 ? aFault({ code: 'auth' }) : null),
  )
  expect(await applyHost(scriptedPlan, terms(60), telling())).toMatchObject({ status: 'rolled-back' })
  expect(asked.map(([what]) => what)).toContain('follow')
})

test('a bug before the launch closes the session', async () => {
  const { closed } = scriptedHost(() => ({}))
  const onStage = (stage: Stage) => {
    if (stage === 'changing') throw new Error('no such thing')
  }
  await expect(applyHost(scriptedPlan, terms(60), { ...telling(), onStage })).rejects.toThrow('no such thing')
  expect(closed).toEqual(['web-9'])
})
