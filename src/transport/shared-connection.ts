import { setMaxListeners } from 'node:events'
import type { Fault } from '../model/fault.ts'
import { cancelled, lifeWithin, pause } from './cancel.ts'
import type { Connection } from './login.ts'
import type { NotOpened } from './transport.ts'

/** A connection that many use: opened once, by the first who asks, and closed when nobody has used it for a while. */
export type SharedConnection = {
  /** Whoever uses it says when he is done; one that died meanwhile is opened anew for the next. */
  use(signal: AbortSignal): Promise<Use | NotOpened>
}

export type Use = { readonly connection: Connection; readonly done: () => void }

/** Milliseconds. */
export type Sharing = {
  /** From the last use to the close. */
  readonly lingering: number
  /** After an opening failed everybody is told so, and nobody tries again, for half of this to one and a half. */
  readonly afterFailure: (refused: Fault) => number
  /** For the other side to take leave. */
  readonly closing: number
}

const MOST_OPENINGS = 3
const DIES_AT_ONCE: Fault = {
  code: 'lost',
  message: 'the connection broke off as soon as the login was through, again and again',
  next: 'Look at the log of sshd there: journalctl -u ssh -n 50',
}

export function shareConnection(
  open: (signal: AbortSignal) => Promise<Connection | NotOpened>,
  sharing: Sharing,
): SharedConnection {
  let standing: Lasting | undefined
  let opening: Opening | undefined
  let failed: { readonly notOpened: NotOpened; readonly until: number } | undefined

  return {
    async use(signal) {
      for (let openings = 0; ; ) {
        if (signal.aborted) return cancelled(signal)
        if (standing !== undefined) return take(standing)
        if (failed !== undefined && performance.now() < failed.until) return failed.notOpened
        opening ??= begin()
        const entered = await waitFor(opening, signal)
        if (entered !== undefined && 'refused' in entered) return entered
        openings += 1
        if (standing === undefined && openings === MOST_OPENINGS && !signal.aborted) return { refused: DIES_AT_ONCE }
      }
    },
  }

  function begin(): Opening {
    const stop = new AbortController()
    setMaxListeners(0, stop.signal)
    const settle = () => {
      if (opening === begun) opening = undefined
    }
    const entered = open(stop.signal).then((opened) => {
      settle()
      if ('client' in opened) stand(opened)
      else if (!stop.signal.aborted) {
        failed = {
          notOpened: opened,
          until: performance.now() + sharing.afterFailure(opened.refused) * (0.5 + Math.random()),
        }
      }
      return opened
    })
    entered.catch(settle)
    const begun: Opening = { entered, stop, waiting: 0 }
    return begun
  }

  /** Undefined where the signal was aborted first; with nobody left who waits the opening is given up. */
  async function waitFor(begun: Opening, signal: AbortSignal) {
    begun.waiting += 1
    const life = lifeWithin(signal)
    const gone = new Promise<undefined>((resolve) => {
      life.signal.addEventListener('abort', () => resolve(undefined))
    })
    const entered = await Promise.race([begun.entered, gone])
    life.end('answered')
    begun.waiting -= 1
    if (begun.waiting === 0 && opening === begun) {
      opening = undefined
      begun.stop.abort('nobody waits for it any more')
    }
    return entered
  }

  function stand(connection: Connection): void {
    const { lost } = connection
    setMaxListeners(0, lost)
    const stands: Lasting = { connection, users: 0, timer: undefined }
    standing = stands
    lost.addEventListener('abort', () => leave(stands))
    if (lost.aborted) leave(stands)
    else linger(stands)
  }

  function take(stands: Lasting): Use {
    clearTimeout(stands.timer)
    stands.users += 1
    let over = false
    const done = () => {
      if (over) return
      over = true
      stands.users -= 1
      if (stands.users === 0 && standing === stands) linger(stands)
    }
    return { connection: stands.connection, done }
  }

  function linger(stands: Lasting): void {
    stands.timer = setTimeout(() => void close(stands), sharing.lingering)
  }

  function leave(stands: Lasting): void {
    clearTimeout(stands.timer)
    if (standing === stands) standing = undefined
  }

  async function close(stands: Lasting): Promise<void> {
    leave(stands)
    const { client, socket, lost } = stands.connection
    client.end()
    await pause(sharing.closing, lost)
    socket.destroy()
  }
}

type Lasting = { readonly connection: Connection; users: number; timer: NodeJS.Timeout | undefined }

type Opening = {
  readonly entered: Promise<Connection | NotOpened>
  readonly stop: AbortController
  waiting: number
}
