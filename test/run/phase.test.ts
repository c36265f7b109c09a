import { afterEach, describe, expect, test, vi } from 'vitest'
import { factsHost } from '../../src/run/facts-host.ts'
import { type Audience, conductPhase } from '../../src/run/phase.ts'
import { aFault } from '../report/fleet.ts'
import { scriptedHost, scriptedPlan } from '../support/scripted-host.ts'

const { host } = scriptedPlan

afterEach(() => vi.restoreAllMocks())

describe('stopped from here', () => {
  const ended = async (onlyReads: boolean, stops: boolean) => {
    const stop = new AbortController()
    scriptedHost(() => {
      if (stops) stop.abort('stopped from here')
      return { lost: [] }
    })
    const phase = { title: 'Reading', hosts: [host], parallel: 1, story: factsHost, onLeaving: [], onlyReads }
    const told: string[] = []
    const onEnd: Audience['onEnd'] = (_, status) => void told.push(status)
    const results = await conductPhase(phase, audience({ signal: stop.signal, onEnd }))
    expect(told).toEqual(results.map(({ status }) => status))
    return results
  }

  test('a host that was being read is not blamed: it was not reached', async () => {
    expect(await ended(true, true)).toEqual([
      { host: host.name, status: 'not-reached', why: 'the run was stopped before its turn' },
    ])
  })

  test('a link that failed by itself is the fault of its host', async () => {
    expect(await ended(true, false)).toMatchObject([{ status: 'failed', fault: { code: 'lost' } }])
  })

  test('where hosts are changed, what was cut off in the middle stays a failure', async () => {
    expect(await ended(false, true)).toMatchObject([{ status: 'failed', fault: { code: 'lost' } }])
  })

  test('whatever else a host failed for, it still failed for', async () => {
    const stop = new AbortController()
    const story = async () => {
      stop.abort()
      return { host: host.name, status: 'failed', fault: aFault({ code: 'no-privilege' }) }
    }
    const phase = { title: 'Reading', hosts: [host], parallel: 1, story, onLeaving: [], onlyReads: true }
    expect(await conductPhase(phase, audience({ signal: stop.signal }))).toMatchObject([{ status: 'failed' }])
  })
})

function audience(given: Partial<Audience>): Audience {
  const nothing = () => undefined
  const signal = new AbortController().signal
  return { signal, onStage: nothing, onEnd: nothing, onNews: nothing, onTrouble: nothing, onBug: nothing, ...given }
}
