import { Duplex, type Readable } from 'node:stream'
import { markBeyondSsh2, whyBeyondSsh2 } from './beyond-ssh2.ts'
import { type Entrance, enter } from './enter.ts'
import type { Connection } from './login.ts'
import { notes } from './notes.ts'
import { type Channel, GONE, type NoChannel } from './openssh-channels.ts'
import type { NamedWay } from './openssh-config.ts'
import { enterByOpenssh } from './openssh-enter.ts'
import type { Master } from './openssh-master.ts'
import type { Client, ClientChannel } from './ssh2.ts'
import type { NotOpened } from './transport.ts'

/** Logs in to a host in between: over ssh2, or by the system's ssh where that is needed. */
export async function enterJump(way: NamedWay, entrance: Entrance): Promise<Connection | NotOpened> {
  let why = way.whyOpenssh ?? (await whyBeyondSsh2(way, entrance.jumps))
  if (why === null) {
    const entered = await enter(way, entrance)
    if (!('refused' in entered) || entered.beyondSsh2 === undefined) return entered
    why = entered.beyondSsh2
  }
  const master = await enterByOpenssh(way, entrance)
  if ('refused' in master) return master
  if (way.whyOpenssh === undefined) {
    markBeyondSsh2(way, entrance.jumps, why)
    notes.add(`${way.user}@${way.address}`, `reached by the system's ssh, as a jump host: ${why}`)
  }
  return asConnection(master)
}

/** As much of ssh2's client as is asked of a host in between. */
function asConnection(master: Master): Connection {
  const lost = new AbortController()
  void master.lost.then((why) => {
    lost.abort(why)
    void master.close()
  })
  const forwardOut: Client['forwardOut'] = (_from, _fromPort, address, port, done) => {
    const stream = carrier()
    void master.channels.forward(address, port, stream.hears).then((opened) => {
      if ('failed' in opened) done?.(refusal(opened), undefined as never)
      else done?.(undefined, stream.over(opened))
    })
    return client as Client
  }
  const client: Pick<Client, 'forwardOut' | 'end'> = {
    forwardOut,
    end: () => {
      void master.close()
      return client as Client
    },
  }
  // Nobody looks at the socket of a shared connection but to destroy it.
  const socket = new Duplex({
    read() {},
    destroy(error, done) {
      void master.close()
      done(error)
    },
  })
  return {
    client: client as Client,
    socket: Object.defineProperty(socket, 'bytesRead', { value: 0 }) as Connection['socket'],
    lost: lost.signal,
  }
}

function refusal({ failed, reason }: NoChannel): Error {
  return Object.assign(new Error(failed), failed === GONE ? {} : { reason })
}

/** A channel as a stream with the manners of ssh2's. */
function carrier() {
  let channel: Channel | undefined
  const stream = new Duplex({
    allowHalfOpen: true,
    read: () => channel?.hold(false),
    write: (bytes: Buffer, _encoding, done) => channel?.write(bytes, done),
    final(done) {
      channel?.end()
      done()
    },
    destroy(error, done) {
      channel?.close()
      done(error)
    },
  })
  return {
    hears: {
      stdout(chunk: Buffer) {
        if (!stream.destroyed && !stream.push(chunk)) channel?.hold(true)
      },
      eof: () => void (!stream.destroyed && stream.push(null)),
      ended() {
        if (stream.destroyed) return
        if (!stream.readableEnded) stream.push(null)
        endSoon(stream)
      },
    },
    over(opened: Channel): ClientChannel {
      channel = opened
      return Object.assign(stream, { close: () => void stream.destroy() }) as unknown as ClientChannel
    },
  }
}

/** What came is read first. */
function endSoon(stream: Readable): void {
  if (stream.readableEnded) stream.destroy()
  else stream.once('end', () => stream.destroy())
}
