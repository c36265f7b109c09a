import { setMaxListeners } from 'node:events'
import { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { Connection } from '../../src/transport/login.ts'
import { shareConnection } from '../../src/transport/shared-connection.ts'
import type { Wire } from '../../src/transport/tcp.ts'
import type { NotOpened } from '../../src/transport/transport.ts'

const SHARING = { lingering: 40, afterFailure: () => 100, closing: 20 }
const forever = new AbortController().signal
setMaxListeners(0, forever)
const DOWN = { code: 'refused', message: 'nothing listens', next: 'look' } as const

test('a hundred who ask at once share one opening, and one failure', async () => {
  const door = doorThat('refuses')
  const shared = shareConnection(door.open, SHARING)
  const answers = await Promise.all(Array.from({ length: 100 }, async () => await shared.use(forever)))
  expect(new Set(answers)).toEqual(new Set([{ refused: DOWN }]))
  expect(door.openings).toHaveLength(1)
})

test('after a failure nobody tries again for a while, then one does', async () => {
  const door = doorThat('refuses')
  const shared = shareConnection(door.open, SHARING)
  await shared.use(forever)
  await shared.use(forever)
  expect(door.openings).toHaveLength(1)
  // One and a half times as long at most.
  await sleep(160)
  await Promise.all([shared.use(forever), shared.use(forever)])
  expect(door.openings).toHaveLength(2)
})

test('it stays while one of its users is there, lingers for the next, and then closes', async () => {
  const door = doorThat('opens')
  const shared = shareConnection(door.open, SHARING)
  const [first, second] = [await used(shared.use(forever)), await used(shared.use(forever))]
  expect(second.connection).toBe(first.connection)
  first.done()
  // Said twice it counts once.
  first.done()
  await sleep(100)
  expect(door.openings[0]?.isClosed()).toBe(false)
  second.done()
  const third = await used(shared.use(forever))
  expect(third.connection).toBe(first.connection)
  third.done()
  await sleep(150)
  expect(door.openings[0]?.isClosed()).toBe(true)
  ;(await used(shared.use(forever))).done()
  expect(door.openings).toHaveLength(2)
})

test('one that is lost is opened anew for who comes next', async () => {
  const door = doorThat('opens')
  const shared = shareConnection(door.open, SHARING)
  const first = await used(shared.use(forever))
  door.openings[0]?.lose()
  const next = await used(shared.use(forever))
  expect(next.connection).not.toBe(first.connection)
  // Whoever had the old one does not end the new one.
  first.done()
  await sleep(100)
  expect(door.openings[1]?.isClosed()).toBe(false)
  next.done()
})

test('one that is lost as soon as it stands is not opened for ever', async () => {
  const door = doorThat('opens and is lost')
  const shared = shareConnection(door.open, SHARING)
  expect(await shared.use(forever)).toMatchObject({ refused: { code: 'lost' } })
  expect(door.openings).toHaveLength(3)
})

test('an opening goes on for those who stay, and ends when the last one leaves', async () => {
  const door = doorThat('never answers')
  const shared = shareConnection(door.open, SHARING)
  const [one, other] = [new AbortController(), new AbortController()]
  const [first, second] = [shared.use(one.signal), shared.use(other.signal)]
  one.abort()
  expect(await first).toMatchObject({ refused: { code: 'cancelled' } })
  expect(door.openings[0]?.signal.aborted).toBe(false)
  other.abort()
  expect(await second).toMatchObject({ refused: { code: 'cancelled' } })
  expect(door.openings[0]?.signal.aborted).toBe(true)
  expect(await shared.use(AbortSignal.abort())).toMatchObject({ refused: { code: 'cancelled' } })
})

type Opening = { readonly signal: AbortSignal; readonly lose: () => void; readonly isClosed: () => boolean }

function doorThat(does: 'opens' | 'opens and is lost' | 'refuses' | 'never answers') {
  const openings: Opening[] = []
  const open = async (signal: AbortSignal): Promise<Connection | NotOpened> => {
    const lost = new AbortController()
    let isClosed = false
    openings.push({ signal, lose: () => lost.abort('cut'), isClosed: () => isClosed })
    if (does === 'never answers') {
      await new Promise((resolve) => signal.addEventListener('abort', resolve))
      return { refused: { ...DOWN, code: 'cancelled' } }
    }
    await sleep(5)
    if (does === 'refuses') return { refused: DOWN }
    if (does === 'opens and is lost') lost.abort('cut')
    const client = {
      end() {
        isClosed = true
        lost.abort('closed')
      },
    }
    const socket = Object.assign(new Duplex({ read() {} }), { bytesRead: 0 }) satisfies Wire
    return { client: client as unknown as Connection['client'], socket, lost: lost.signal }
  }
  return { open, openings }
}

async function used(asked: ReturnType<ReturnType<typeof shareConnection>['use']>) {
  const use = await asked
  if ('refused' in use) throw new Error(use.refused.message)
  return use
}
