import type { Socket } from 'node:net'
import { expect, test } from 'vitest'
import { channelsOver } from '../../src/transport/openssh-channels.ts'
import { u32 } from '../../src/transport/openssh-wire.ts'

const [CONFIRMED, DATA, CLOSE] = [91, 94, 97] as const

/** Channels over a connection of which only what we send is kept. */
function someChannels() {
  const sent: number[] = []
  const socket = { write: (bytes: Buffer) => void sent.push(bytes[5] ?? -1), destroy: () => {} } as unknown as Socket
  return { channels: channelsOver(socket), sent }
}

/** As the server says that it opened our channel: how much it takes now, and in one message at most, in bytes. */
function confirmed(room: number, most: number): Buffer {
  return Buffer.concat([Buffer.from([0, CONFIRMED]), u32(0, 7, room, most)])
}

test('a server that takes no byte in a message is let go, and costs no time', async () => {
  const { channels, sent } = someChannels()
  const opened = channels.forward('host', 22, { stdout: () => {}, ended: () => {} })
  channels.hear(confirmed(100, 0))
  expect(await opened).toEqual({ failed: 'it takes no data' })
  expect(sent.at(-1)).toBe(CLOSE)
  expect(sent).not.toContain(DATA)
})

test('what is written goes out in pieces that the server takes, and waits for room', async () => {
  const { channels, sent } = someChannels()
  const opening = channels.forward('host', 22, { stdout: () => {}, ended: () => {} })
  channels.hear(confirmed(10, 4))
  const opened = await opening
  if ('failed' in opened) throw new Error(opened.failed)
  opened.write(Buffer.alloc(12))
  expect(sent.filter((type) => type === DATA)).toHaveLength(3)
  channels.hear(Buffer.concat([Buffer.from([0, 93]), u32(0, 100)]))
  expect(sent.filter((type) => type === DATA)).toHaveLength(4)
})
