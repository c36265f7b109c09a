import type { Socket } from 'node:net'
import { flag, framed, type Reader, readerOf, text, u32 } from './openssh-wire.ts'
import type { End } from './streams.ts'

/** Channels of an SSH connection that another process holds: the connection protocol of RFC 4254, as far as we need it. */
export type Channels = {
  /** Resolves once the command was accepted. */
  exec(command: string, how: ExecHow): Promise<Channel | NoChannel>
  /** A connection from the server to somewhere else. */
  forward(address: string, port: number, hears: Hears): Promise<Channel | NoChannel>
  /** Resolves as soon as the connection is gone. */
  readonly lost: Promise<void>
  close(): void
}

/** The server's words, and its number for why it opened no channel (RFC 4254, 5.1). */
export type NoChannel = { readonly failed: string; readonly reason?: number }

export type Hears = {
  readonly stdout: (chunk: Buffer) => void
  readonly stderr?: (chunk: Buffer) => void
  /** The other side sends no more. */
  readonly eof?: () => void
  readonly ended: (end: End) => void
}

export type ExecHow = { readonly hears: Hears; readonly pty?: boolean; readonly forwardAgent?: boolean }

export type Channel = {
  /** @param sent called when all of it has gone out, which waits for the other side to make room */
  readonly write: (bytes: Buffer, sent?: () => void) => void
  /** No more is sent. */
  readonly end: () => void
  readonly close: () => void
  /** As long as it is held back the other side sends no more than a window. */
  readonly hold: (held: boolean) => void
}

const [OPEN, CONFIRMED, REFUSED, ADJUST, DATA, EXTENDED, EOF, CLOSE, REQUEST, SUCCESS, FAILURE] = [
  90, 91, 92, 93, 94, 95, 96, 97, 98, 99, 100,
] as const
/** What the other side may send before we say that it was heard, and in one message, in bytes. */
const WINDOW = 2 * 1024 * 1024
const MOST_AT_ONCE = 32 * 1024

/** `hear` is given what comes in, message by message; `over`, that no more will. */
export type ChannelsHeard = Channels & { hear(frame: Buffer): void; over(): void }

/** One channel as we keep it. */
type Kept = {
  readonly hears: Hears
  /** The other side's number for it, what it lets us send yet, and the most in one message. */
  theirs: number
  room: number
  most: number
  heard: number
  held: boolean
  readonly queue: { bytes: Buffer; readonly sent: (() => void) | undefined }[]
  confirmed: boolean
  ending: boolean
  eofSent: boolean
  closing: boolean
  closeSent: boolean
  end: End | undefined
  readonly answered: ((answer: Answer) => void)[]
}

type Answer = true | NoChannel

export function channelsOver(socket: Socket): ChannelsHeard {
  const open = new Map<number, Kept>()
  let next = 0
  let isOver = false
  let tellLost: () => void = () => {}
  const lost = new Promise<void>((resolve) => {
    tellLost = resolve
  })
  const send = (type: number, ...parts: readonly Buffer[]) =>
    void socket.write(framed(Buffer.concat([Buffer.from([0, type]), ...parts])))

  const flush = (channel: Kept) => {
    if (!channel.confirmed || channel.closeSent) return
    for (
      let first = channel.queue[0];
      first !== undefined && channel.room > 0 && channel.most > 0;
      first = channel.queue[0]
    ) {
      const part = first.bytes.subarray(0, Math.min(channel.room, channel.most))
      send(DATA, u32(channel.theirs, part.length), part)
      channel.room -= part.length
      first.bytes = first.bytes.subarray(part.length)
      if (first.bytes.length > 0) continue
      channel.queue.shift()
      first.sent?.()
    }
    if (channel.ending && channel.queue.length === 0 && !channel.eofSent) {
      channel.eofSent = true
      send(EOF, u32(channel.theirs))
    }
    if (channel.closing) {
      channel.closeSent = true
      send(CLOSE, u32(channel.theirs))
    }
  }
  const makeRoom = (channel: Kept) => {
    if (channel.held || channel.closeSent || channel.heard <= WINDOW / 2) return
    send(ADJUST, u32(channel.theirs, channel.heard))
    channel.heard = 0
  }
  const take = (channel: Kept, chunk: Buffer, to: ((chunk: Buffer) => void) | undefined) => {
    channel.heard += chunk.length
    to?.(chunk)
    makeRoom(channel)
  }
  const answer = (channel: Kept, said: Answer) => channel.answered.shift()?.(said)

  const begin = async (kind: string, hears: Hears, rest: readonly Buffer[]): Promise<Kept | NoChannel> => {
    if (isOver) return { failed: GONE }
    const id = next++
    const channel: Kept = {
      hears,
      theirs: 0,
      room: 0,
      most: MOST_AT_ONCE,
      heard: 0,
      held: false,
      queue: [],
      confirmed: false,
      ending: false,
      eofSent: false,
      closing: false,
      closeSent: false,
      end: undefined,
      answered: [],
    }
    open.set(id, channel)
    send(OPEN, text(kind), u32(id, WINDOW, MOST_AT_ONCE), ...rest)
    const said = await answerOf(channel)
    return said === true ? channel : said
  }
  const handle = (channel: Kept): Channel => ({
    write(bytes, sent) {
      channel.queue.push({ bytes, sent })
      flush(channel)
    },
    end() {
      channel.ending = true
      flush(channel)
    },
    // OpenSSH's master ends where a channel is closed that the server has not confirmed yet; ours are confirmed.
    close() {
      channel.closing = true
      flush(channel)
    },
    hold(held) {
      channel.held = held
      makeRoom(channel)
    },
  })

  return {
    lost,
    async exec(command, { hears, pty, forwardAgent }) {
      const channel = await begin('session', hears, [])
      if ('failed' in channel) return channel
      const ask = (name: string, wantsAnswer: boolean, ...rest: readonly Buffer[]) =>
        send(REQUEST, u32(channel.theirs), text(name), flag(wantsAnswer), ...rest)
      if (forwardAgent === true) ask('auth-agent-req@openssh.com', false)
      if (pty === true) {
        const terminal = answerOf(channel)
        ask('pty-req', true, text('dumb'), u32(80, 24, 0, 0), text(NO_ECHO))
        if ((await terminal) !== true) {
          handle(channel).close()
          return { failed: 'the server gives no terminal (PermitTTY no)' }
        }
      }
      const begun = answerOf(channel)
      ask('exec', true, text(command))
      const said = await begun
      if (said === true) return handle(channel)
      handle(channel).close()
      return said
    },
    async forward(address, port, hears) {
      const channel = await begin('direct-tcpip', hears, [text(address), u32(port), text('127.0.0.1'), u32(0)])
      return 'failed' in channel ? channel : handle(channel)
    },
    hear(frame) {
      const type = frame[1] ?? 0
      const reader = readerOf(frame.subarray(2))
      const id = reader.u32()
      const channel = open.get(id)
      if (channel === undefined) return
      switch (type) {
        case CONFIRMED:
          channel.theirs = reader.u32()
          channel.room = reader.u32()
          channel.most = Math.min(reader.u32(), MOST_AT_ONCE)
          channel.confirmed = true
          if (channel.most === 0) {
            channel.closing = true
            flush(channel)
            return void answer(channel, { failed: 'it takes no data' })
          }
          answer(channel, true)
          return flush(channel)
        case REFUSED: {
          open.delete(id)
          const reason = reader.u32()
          return void answer(channel, { failed: reader.text() || 'it gave no reason', reason })
        }
        case ADJUST:
          channel.room += reader.u32()
          return flush(channel)
        case DATA:
          return take(channel, reader.bytes(), channel.hears.stdout)
        case EXTENDED:
          return reader.u32() === 1 ? take(channel, reader.bytes(), channel.hears.stderr) : undefined
        case EOF:
          return channel.hears.eof?.()
        case REQUEST:
          channel.end = endOf(reader) ?? channel.end
          return
        case SUCCESS:
          return void answer(channel, true)
        case FAILURE:
          return void answer(channel, { failed: 'it refused to run a command' })
        case CLOSE:
          open.delete(id)
          channel.closing = true
          flush(channel)
          if (channel.answered.length > 0) answer(channel, { failed: 'it closed the channel' })
          return channel.hears.ended(channel.end ?? { type: 'lost', why: UNTOLD })
      }
    },
    over() {
      isOver = true
      tellLost()
      for (const channel of open.values()) {
        answer(channel, { failed: GONE })
        channel.hears.ended({ type: 'lost', why: GONE })
      }
      open.clear()
    },
    close: () => void socket.destroy(),
  }
}

/** Terminal modes: ECHO (53) is 0, and no more. */
const NO_ECHO = Buffer.from([53, 0, 0, 0, 0, 0]).toString('latin1')
/** Why a channel ended whose connection did. */
export const GONE = 'the connection is gone'
const UNTOLD = 'the host closed the channel without saying how the script ended'

function answerOf(channel: Kept): Promise<Answer> {
  return new Promise((resolve) => {
    channel.answered.push(resolve)
  })
}

/** How the command over there ended, where this is what the request tells. */
function endOf(reader: Reader): End | undefined {
  const name = reader.text()
  reader.byte()
  if (name === 'exit-status') return { type: 'exited', code: reader.u32() }
  return name === 'exit-signal' ? { type: 'killed', signal: `SIG${reader.text()}` } : undefined
}
