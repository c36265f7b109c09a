import type { Connection } from './login.ts'
import { afterSilence } from './silence.ts'
import { type ClientChannel, takesData } from './ssh2.ts'

/** Why a jump host opened no way to a port; `words` are its own. */
export type ChannelRefusal =
  /** It forbids to be led on from it, or knows no such thing. */
  | { readonly type: 'forbidden'; readonly words: string }
  | { readonly type: 'no-room'; readonly words: string }
  | { readonly type: 'refused' | 'no-route' | 'no-name' | 'failed'; readonly words: string }
  /** No answer of its own within the time. */
  | { readonly type: 'silent' }
  | { readonly type: 'lost' }
  | { readonly type: 'cancelled' }

export type OpenedChannel = { readonly channel: ClientChannel } | { readonly refusal: ChannelRefusal }

/** Asks the host at the other end to connect to a port, once, and waits `ms` at most (milliseconds). */
export async function openChannel(
  { client, lost }: Connection,
  { address, port }: { readonly address: string; readonly port: number },
  { ms, signal }: { readonly ms: number; readonly signal: AbortSignal },
): Promise<OpenedChannel> {
  return await new Promise((resolve) => {
    let over = false
    const settle = (opened: OpenedChannel) => {
      over = true
      stopWaiting()
      signal.removeEventListener('abort', onAbort)
      lost.removeEventListener('abort', onLost)
      resolve(opened)
    }
    const onAbort = () => settle({ refusal: { type: 'cancelled' } })
    const onLost = () => settle({ refusal: { type: 'lost' } })
    const stopWaiting = afterSilence(ms, () => settle({ refusal: { type: 'silent' } }))
    signal.addEventListener('abort', onAbort)
    lost.addEventListener('abort', onLost)
    if (signal.aborted) return onAbort()
    if (lost.aborted) return onLost()
    try {
      client.forwardOut('127.0.0.1', 0, address, port, (error, channel) => {
        if (error !== undefined) {
          if (!over) settle({ refusal: refusalOf(error) })
        } else if (over) closeUnused(channel)
        else if (!takesData(channel)) {
          closeUnused(channel)
          settle({ refusal: { type: 'failed', words: 'it takes no data' } })
        } else settle({ channel })
      })
    } catch {
      // ssh2 throws where the connection is gone, and has not said so yet.
      onLost()
    }
  })
}

/** A channel that nobody wants any more; what came through it is thrown away, or it would never close. */
export function closeUnused(channel: ClientChannel): void {
  channel.on('error', () => {}).resume()
  channel.close()
}

/** RFC 4254, 5.1. */
const PROHIBITED = 1
const UNKNOWN_TYPE = 3
const SHORTAGE = 4

/** The standard has one number for whatever went wrong behind; OpenSSH adds the words of its C library. */
function refusalOf(error: Error & { readonly reason?: unknown }): ChannelRefusal {
  const words = error.message.replace('(SSH) Channel open failure: ', '').trim().slice(0, 200)
  switch (error.reason) {
    case undefined:
      return { type: 'lost' }
    case PROHIBITED:
    case UNKNOWN_TYPE:
      return { type: 'forbidden', words }
    case SHORTAGE:
      return { type: 'no-room', words }
    default:
      if (/timed out/i.test(words)) return { type: 'silent' }
      return { type: WORDS.find(([pattern]) => pattern.test(words))?.[1] ?? 'failed', words }
  }
}

const WORDS = [
  [/refused/i, 'refused'],
  [/no route|unreachable/i, 'no-route'],
  [/not known|no address|name resolution|nodename/i, 'no-name'],
] as const
