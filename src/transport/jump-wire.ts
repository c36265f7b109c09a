import { Duplex } from 'node:stream'
import { whyAborted } from './cancel.ts'
import type { ClientChannel } from './ssh2.ts'
import type { Wire } from './tcp.ts'

const BUFFER = 64 * 1024

/**
 * A channel that a jump host opened to a port, as a stream with the manners of a TCP socket: it ends both ways at once,
 * closes for good, holds back a sender that is too fast, and dies with the connection that carries it.
 */
export function wireOver(channel: ClientChannel, carrier: AbortSignal): Wire {
  let bytesRead = 0
  const wire = new Duplex({
    allowHalfOpen: false,
    highWaterMark: BUFFER,
    read: () => void channel.resume(),
    write: (bytes: Buffer, _encoding, done) => void channel.write(bytes, done),
    final(done) {
      channel.end()
      done()
    },
    destroy(error, done) {
      carrier.removeEventListener('abort', onLost)
      // What still comes must be taken, or the channel never closes.
      channel.removeAllListeners('data').resume()
      channel.destroy()
      done(error)
    },
  })
  const onLost = () => {
    wire.destroy(new Error(`the connection to the jump host is gone: ${whyAborted(carrier)}`))
  }
  const onEnd = () => {
    if (!wire.destroyed) wire.push(null)
  }
  channel.on('data', (bytes: Buffer) => {
    bytesRead += bytes.length
    if (!wire.push(bytes)) channel.pause()
  })
  channel.on('end', onEnd)
  channel.on('error', () => {}) // How the channel closes says the same.
  channel.on('close', () => {
    onEnd()
    if (wire.readableEnded || wire.destroyed) wire.destroy()
    else wire.once('end', () => wire.destroy())
  })
  wire.on('error', () => {}) // Whoever reads it learns it by its close, and may not be there yet.
  carrier.addEventListener('abort', onLost)
  if (carrier.aborted) onLost()
  return Object.defineProperty(wire, 'bytesRead', { get: () => bytesRead }) as Wire
}
