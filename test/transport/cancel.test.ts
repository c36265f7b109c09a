import { getEventListeners } from 'node:events'
import { describe, expect, test, vi } from 'vitest'
import { lifeWithin, orAborted, pause } from '../../src/transport/cancel.ts'

const LONG = 1_000_000
const listenersOf = ({ signal }: AbortController) => getEventListeners(signal, 'abort').length

describe('whoever waits', () => {
  test('without a signal leaves no listener anywhere and warns of nothing, however many wait', async () => {
    const listen = vi.spyOn(EventTarget.prototype, 'addEventListener')
    const warn = vi.spyOn(process, 'emitWarning').mockReturnValue()
    const waits = Array.from({ length: 50 }, () => pause(0))
    const told = [listen.mock.calls.length, warn.mock.calls.length]
    vi.restoreAllMocks()
    await Promise.all(waits)
    expect(told).toEqual([0, 0])
  })

  test('waits no longer than the signal lets him', async () => {
    const stop = new AbortController()
    const waits = [pause(LONG, stop.signal), orAborted(new Promise(() => {}), stop.signal)]
    stop.abort()
    await Promise.all([...waits, pause(LONG, stop.signal), orAborted(new Promise(() => {}), stop.signal)])
  })

  test('leaves nothing at a signal that lives on, however often he waited', async () => {
    const stop = new AbortController()
    for (let times = 0; times < 20; times++) {
      await pause(0, stop.signal)
      await orAborted(Promise.resolve(), stop.signal)
      await orAborted(Promise.reject(new Error('it failed')), stop.signal).catch(() => undefined)
      lifeWithin(stop.signal).end('over')
    }
    expect(listenersOf(stop)).toBe(0)
  })

  test('hears why the work failed', async () => {
    await expect(orAborted(Promise.reject(new Error('no room')), new AbortController().signal)).rejects.toThrow(
      'no room',
    )
  })
})
