import { connect } from 'node:net'
import { type Channels, type ChannelsHeard, channelsOver } from './openssh-channels.ts'
import { framed, splitFrames, u32 } from './openssh-wire.ts'

const HELLO = 0x00000001
const WANT_PROXY = 0x1000000f
const PROXY = 0x8000000f
const VERSION = 4

/**
 * Joins the connection that the system's ssh holds (ControlMaster) by way of its control socket; null where nothing listens at
 * the path (yet). In proxy mode (OpenSSH 7.4 and later, its PROTOCOL.mux) the socket speaks the messages of RFC 4254 in the
 * clear. So a run takes no process of its own, and how a command ended is known as exactly as over ssh2: an `ssh` beside the
 * master says 255 for a command that said so, one that was killed, and a link that broke.
 */
export async function joinMaster(path: string): Promise<Channels | { readonly failed: string } | null> {
  const socket = connect(path)
  const connected = await new Promise<boolean>((resolve) => {
    socket.once('connect', () => resolve(true))
    socket.once('error', () => resolve(false))
  })
  if (!connected) return null
  socket.on('error', () => {}) // That it closes says the same.
  return await new Promise((resolve) => {
    let channels: ChannelsHeard | undefined
    const hear = splitFrames((frame) => {
      if (channels !== undefined) return channels.hear(frame)
      const type = frame.length < 8 ? 0 : frame.readUInt32BE(0)
      if (type === HELLO && frame.readUInt32BE(4) === VERSION) return
      if (type !== PROXY) {
        resolve({ failed: 'the ssh of this machine cannot share its connection (OpenSSH 7.4 or later can)' })
        return void socket.destroy()
      }
      channels = channelsOver(socket)
      resolve(channels)
    })
    socket.on('data', (chunk) => {
      if (!hear(chunk)) socket.destroy()
    })
    socket.once('close', () => {
      resolve({ failed: 'the ssh of this machine closed its control socket' })
      channels?.over()
    })
    for (const message of [u32(HELLO, VERSION), u32(WANT_PROXY, 0)]) socket.write(framed(message))
  })
}
