import type { Socket } from 'node:net'
import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { cancelled } from './cancel.ts'
import { algorithmsFor, hostKeyFault } from './host-key.ts'
import type { Offer } from './identities.ts'
import { judgeHostKey, type KeyVerdict, type KnownKeys } from './known-hosts.ts'
import { type AnyAuthMethod, Client } from './ssh2.ts'
import type { Patience } from './tcp.ts'

/** What we know before we knock. */
export type Credentials = { readonly offers: readonly Offer[]; readonly known: KnownKeys }

/** A connection that is logged in. `lost` says why it ended, as soon as it has. */
export type Connection = { readonly client: Client; readonly socket: Socket; readonly lost: AbortSignal }

/** `early`: the other side hung up before it said anything, as an overloaded sshd does (MaxStartups). */
export type NotLoggedIn = { readonly refused: Fault; readonly early: boolean }

/** Bytes: an sshd that is full says `Exceeded MaxStartups` in place of its greeting, or greets and says no more. */
const GREETING = 64

/** The handshake on an open socket, which is destroyed unless a connection comes of it. Never throws for what comes in. */
export async function login(
  host: Host,
  { socket, credentials: { offers, known }, patience, signal }: LoginMeans,
): Promise<Connection | NotLoggedIn> {
  const client = new Client()
  const lost = new AbortController()
  const auth = offering(host, offers)
  let verdict: { readonly of: KeyVerdict; readonly key: Buffer } | undefined
  let words = ''

  const connected = new Promise<Connection | NotLoggedIn>((resolve) => {
    let open = true
    const settle = (result: Connection | NotLoggedIn) => {
      if (!open) return
      open = false
      clearTimeout(timer)
      signal.removeEventListener('abort', onAbort)
      if ('refused' in result) socket.destroy()
      resolve(result)
    }
    const fail = (refused: Fault, early = false) => settle({ refused, early })
    const onAbort = () => fail(cancelled(signal).refused)
    let timer = setTimeout(() => fail(nothingSaid(host, socket.bytesRead)), patience.handshake)
    signal.addEventListener('abort', onAbort)

    client.on('handshake', () => {
      if (!open) return
      clearTimeout(timer)
      timer = setTimeout(() => fail(loginTimedOut(host, auth.offered)), patience.login)
    })
    client.on('ready', () => settle({ client, socket, lost: lost.signal }))
    client.on('error', (error: Error & { level?: string; code?: unknown }) => {
      // An agent that fails leaves the other keys to try; a code is the server's own, with which it takes leave.
      if (error.level === 'agent' || (error.level === 'client-authentication' && !auth.over)) return
      words ||= error.message.slice(0, 300)
      if (verdict !== undefined && verdict.of.verdict !== 'known') fail(hostKeyFault(verdict.of, verdict.key, host))
      else if (auth.over || (auth.begun && typeof error.code === 'number')) fail(authFault(host, auth, words))
      else onEnd(error.level === 'client-socket' || socket.readableEnded)
      socket.destroy()
      lost.abort(words)
    })
    const onEnd = (byPeer = true) => {
      words ||= 'the host closed the connection'
      fail(brokenOff(host, words, verdict !== undefined), byPeer && socket.bytesRead < GREETING)
      lost.abort(words)
    }
    client.on('end', () => onEnd())
    client.on('close', () => onEnd())
    if (signal.aborted) return onAbort()
    if (socket.destroyed) return onEnd()
    // ssh2 throws at once for what it does not like in here.
    try {
      client.connect({
        sock: socket,
        username: host.user,
        algorithms: { serverHostKey: algorithmsFor(known) },
        hostVerifier: (key: Buffer) => {
          verdict = { of: judgeHostKey(known, key), key }
          return verdict.of.verdict === 'known'
        },
        authHandler: auth.next as never,
        keepaliveInterval: patience.keepalive,
        keepaliveCountMax: 3,
        readyTimeout: 0,
      })
    } catch (error) {
      fail(brokenOff(host, error instanceof Error ? error.message : String(error), false))
    }
  })
  return await connected
}

type LoginMeans = {
  readonly socket: Socket
  readonly credentials: Credentials
  readonly patience: Patience
  readonly signal: AbortSignal
}

type Offering = {
  readonly begun: boolean
  /** Nothing is left to offer. */
  readonly over: boolean
  readonly offered: readonly string[]
  /** What the server said that it takes. */
  readonly accepted: readonly string[]
  readonly halfway: boolean
  readonly next: (accepted: readonly string[] | null, partial: boolean | null) => AnyAuthMethod | false
}

/** Offers one key after the other; with none at hand it asks what would be taken, to be able to say it. */
function offering({ user: username }: Host, offers: readonly Offer[]): Offering {
  const left: Offer[] = offers.length > 0 ? [...offers] : [{ name: 'nothing', method: { type: 'none', username } }]
  const state = {
    begun: false,
    over: false,
    offered: [] as string[],
    accepted: [] as readonly string[],
    halfway: false,
  }
  const next = (accepted: readonly string[] | null, partial: boolean | null): AnyAuthMethod | false => {
    state.begun = true
    if (accepted !== null) state.accepted = accepted
    state.halfway ||= partial === true
    const offer = accepted === null || accepted.includes('publickey') ? left.shift() : undefined
    if (offer === undefined) {
      state.over = true
      return false
    }
    if (offers.length > 0) state.offered.push(offer.name)
    return offer.method
  }
  return Object.assign(state, { next })
}

function authFault({ user, address, port }: Host, auth: Offering, words: string): Fault {
  const shown = auth.offered.slice(0, 6).join(', ') + (auth.offered.length > 6 ? ' …' : '')
  const offered = auth.offered.length === 0 ? 'there was no key to offer' : `offered were ${shown}`
  const takes = auth.accepted.length === 0 ? '' : `; the server takes ${auth.accepted.join(', ').slice(0, 200)}`
  const next = `ssh -v -p ${port} ${user}@${address}, then add the public key to ~${user}/.ssh/authorized_keys there, or name another key or user`
  if (auth.halfway) {
    return {
      code: 'auth',
      message: `the server took a key for ${user} and wants a second proof, which cannot be given here${takes}`,
      next: 'Let sshd be content with a key for this user (AuthenticationMethods publickey)',
    }
  }
  const said = auth.over ? '' : ` (${JSON.stringify(words)})`
  return { code: 'auth', message: `login as ${user} was refused${said}: ${offered}${takes}`, next }
}

function nothingSaid({ address, port }: Host, bytes: number): Fault {
  return {
    code: 'handshake-timed-out',
    message:
      bytes === 0
        ? `${address} port ${port} accepts connections but says nothing`
        : `${address} port ${port} began to talk and then fell silent before its host key was checked`,
    next: `See from its console whether sshd is overloaded or stopped, or whether port ${port} is something else: ssh -v -p ${port} ${address}`,
  }
}

function loginTimedOut({ user, address, port }: Host, offered: readonly string[]): Fault {
  return {
    code: 'handshake-timed-out',
    message: `the server did not answer the login as ${user} (${offered.at(-1) ?? 'nothing was offered'})`,
    next: `ssh -v -p ${port} ${user}@${address}: a slow name server or directory service there, or an agent that waits here`,
  }
}

function brokenOff({ address, port }: Host, words: string, keyChecked: boolean): Fault {
  const when = keyChecked ? 'during the login' : 'before its host key was checked'
  return {
    code: 'lost',
    message: `the connection broke off ${when}: ${JSON.stringify(words)}`,
    next: `ssh -v -p ${port} ${address} shows more; look for MaxStartups, hosts.deny or fail2ban there, or another program on port ${port}`,
  }
}
