import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { resumeHost } from '../../src/run/resume-host.ts'
import { scriptedPlan as plan, readingOf, scriptedHost } from '../support/scripted-host.ts'

/** What a host ends as that its controller left alone, by what it says. */

const transaction = '3fe12545e6'
const CUT_OFF = ['# journal', '1 armed', '1 intend 1 abc', '# end']
const telling = (stop = new AbortController()) => ({ signal: stop.signal, onStage: () => {} })

beforeEach(() => vi.useFakeTimers().setTimerTickMode('nextTimerAsync'))
afterEach(() => {
  vi.useRealTimers()
  vi.restoreAllMocks()
})

describe('nothing of its change is on the host', () => {
  const withValue = async (value: string | null) => {
    scriptedHost((asked, words) => {
      if (asked === 'ask') return { lines: ['# never'] }
      return value === null ? { lost: [] } : readingOf(value, words)
    })
    return await resumeHost({ plan, transaction }, telling())
  }
  test('and it is as before: it never began', async () => {
    expect(await withValue('1')).toMatchObject({ status: 'not-reached' })
  })
  test('and it is not: somebody may have cleaned what was committed, and a person has to look', async () => {
    expect(await withValue('2')).toMatchObject({
      status: 'needs-hands',
      transaction,
      fault: { code: 'not-verified', message: expect.stringContaining('net.core.somaxconn') },
    })
  })
  test('and it cannot be read: nothing is known, and it may be asked again', async () => {
    expect(await withValue(null)).toMatchObject({ status: 'failed', fault: { code: 'lost' } })
  })
})

test('entries that a change deleted stay away, where it came so far', async () => {
  const [first] = plan.changes
  if (first === undefined) throw new Error('a plan with a change is wanted')
  const deleting = { ...plan, changes: [first, { ...first, kind: 'flush-entries', volatile: true }] }
  const settled = async (...begun: readonly string[]) => {
    scriptedHost((asked, words) => {
      if (asked === 'ask') return { lines: ['# journal', '1 armed', '1 intend 1 abc', ...begun, '# end'] }
      if (asked === 'decide') return { lines: ['3 aborted', '3 undoing', '3 rolled-back'] }
      return readingOf('1', words)
    })
    return await resumeHost({ plan: deleting, transaction }, telling())
  }
  expect(await settled('1 done 1 def', '1 intend 2 abc')).toMatchObject({ status: 'rolled-back', deletedEntries: true })
  expect(await settled()).toMatchObject({ status: 'rolled-back', deletedEntries: false })
})

test('a settling that takes longer than one trip is heard to its end', async () => {
  scriptedHost((asked, words) => {
    if (asked === 'ask') return { lines: CUT_OFF }
    if (asked === 'decide') return { code: 5 }
    if (asked === 'follow') return { lines: ['3 aborted', '3 undoing', '3 rolled-back'] }
    return readingOf('1', words)
  })
  expect(await resumeHost({ plan, transaction }, telling())).toMatchObject({ status: 'rolled-back' })
})

test('a host that can be asked and never says how it settled is not said to have forgotten it', async () => {
  scriptedHost((asked) => {
    if (asked === 'ask') return { lines: CUT_OFF }
    vi.setSystemTime(Date.now() + 200_000)
    return { code: 5 }
  })
  expect(await resumeHost({ plan, transaction }, telling())).toMatchObject({
    status: 'needs-hands',
    fault: { code: 'timed-out', message: expect.stringContaining('has not said within 300 s') },
  })
})

test('who leaves while it settles does not make it need hands', async () => {
  const stop = new AbortController()
  scriptedHost((asked, words) => {
    if (asked === 'ask') return { lines: CUT_OFF }
    stop.abort()
    if (asked === 'decide') return { lines: ['3 aborted', '3 undoing', '3 rolled-back'] }
    return readingOf('1', words)
  })
  expect(await resumeHost({ plan, transaction }, telling(stop))).toMatchObject({ status: 'rolled-back' })
})
