import type { Fault } from '../model/fault.ts'
import type { Host, SshWay } from '../model/host.ts'
import { quote } from '../shell/script.ts'
import { agentSocket } from './agent.ts'
import { authFault } from './auth-fault.ts'
import { cancelled } from './cancel.ts'
import { algorithmsFor, hostKeyFault } from './host-key.ts'
import type { Offer } from './identities.ts'
import { keyring } from './keyring.ts'
import { GREETING } from './knock.ts'
import type { KeyVerdict, KnownKeys } from './known-hosts.ts'
import { judgeOrTake } from './new-keys.ts'
import { type Offering, offering } from './offering.ts'
import { afterSilence } from './silence.ts'
import { Client } from './ssh2.ts'
import type { Patience, Wire } from './tcp.ts'
import type { NotOpened } from './transport.ts'
import { loginTrials } from './trials.ts'

/** What we know before we knock. */
export type Credentials = { readonly offers: readonly Offer[]; readonly known: KnownKeys }

/** A connection that is logged in. `lost` says why it ended, as soon as it has. */
export type Connection = {
  readonly client: Client
  readonly socket: Wire
  readonly lost: AbortSignal
  /** What the server let us in for: the name of a key, or that it was the password. */
  readonly by?: string
}

/**
 * `early`: the other side hung up before it said anything, as an overloaded sshd does (MaxStartups). `silent`: it said nothing
 * before its host key was checked; a login that hangs is not tried again.
 */
export type NotLoggedIn = NotOpened & { readonly early: boolean; readonly silent?: boolean }

/**
 * The handshake on an open socket, which is destroyed unless a connection comes of it. Never throws for what comes in.
 * @param host a jump host has no name, and is shown the password that was told for all hosts, if any
 */
export async function login(
  host: SshWay & Partial<Pick<Host, 'name' | 'jumps'>>,
  { socket, credentials: { offers, known }, patience, signal }: LoginMeans,
): Promise<Connection | NotLoggedIn> {
  const client = new Client()
  const lost = new AbortController()
  let verdict: { readonly of: KeyVerdict; readonly key: Buffer } | undefined
  let words = ''

  const connected = new Promise<Connection | NotLoggedIn>((resolve) => {
    let open = true
    const settle = (result: Connection | NotLoggedIn) => {
      if (!open) return
      open = false
      stopWaiting()
      signal.removeEventListener('abort', onAbort)
      auth.end('client' in result ? 'accepted' : 'unsaid')
      if ('refused' in result) socket.destroy()
      resolve('refused' in result ? { ...result, ...beyond() } : result)
    }
    const fail = (refused: Fault, early = false) => settle({ refused, early })
    const beyond = () => whyBeyond(verdict?.of, words)
    const onAbort = () => fail(cancelled(signal).refused)
    const password = keyring.loginPassword({ name: host.name ?? '' })
    const onGo = () => {
      stopWaiting()
      if (open) stopWaiting = afterSilence(patience.login, () => fail(loginTimedOut(host, auth)))
    }
    const onDeadEnd = () => fail(authFault(host, auth, { keys: offers, words }))
    const course = { onWait: () => stopWaiting(), onGo, onDeadEnd }
    const auth = offering(host, { keys: offers, password, trials: loginTrials }, course)
    const onSilence = () => settle({ refused: nothingSaid(host, socket.bytesRead), early: false, silent: true })
    let stopWaiting = afterSilence(patience.handshake, onSilence)
    signal.addEventListener('abort', onAbort)

    client.on('handshake', () => {
      if (open) onGo()
    })
    // The password has run out, and a new one is not ours to choose.
    client.on('change password', (question: string) => {
      auth.ask(question)
    })
    client.on('ready', () => {
      const by = auth.password === 'sent' ? 'the password' : (auth.offered.at(-1) ?? 'no key and no password')
      settle({ client, socket, lost: lost.signal, by })
    })
    client.on('error', (error: Error & { level?: string; code?: unknown }) => {
      // An agent that fails leaves the other keys to try; a code is the server's own, with which it takes leave.
      if (error.level === 'agent' || (error.level === 'client-authentication' && !auth.over)) return
      words ||= error.message.slice(0, 300)
      if (verdict !== undefined && verdict.of.verdict !== 'known') fail(hostKeyFault(verdict.of, verdict.key, host))
      else if (auth.over || (auth.begun && typeof error.code === 'number')) {
        auth.end('refused')
        onDeadEnd()
      } else onEnd(error.level === 'client-socket' || socket.readableEnded)
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
    const forwarded = host.forwardAgent === true ? agentSocket(host) : null
    // ssh2 throws at once for what it does not like in here.
    try {
      client.connect({
        sock: socket,
        username: host.user,
        algorithms: { serverHostKey: algorithmsFor(known) },
        hostVerifier: (key: Buffer, verify: (isKnown: boolean) => void) => {
          // Writing a new key down may have to wait for others who do: the host is not late then.
          stopWaiting()
          void judgeOrTake(host, known, key).then((of) => {
            verdict = { of, key }
            if (open) stopWaiting = afterSilence(patience.handshake, onSilence)
            if (!socket.destroyed) verify(of.verdict === 'known')
          })
        },
        authHandler: auth.next as never,
        ...(forwarded === null ? {} : { agent: forwarded }),
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
  readonly socket: Wire
  readonly credentials: Credentials
  readonly patience: Patience
  readonly signal: AbortSignal
}

/** What the system's ssh can do about it, and ssh2 cannot. */
function whyBeyond(verdict: KeyVerdict | undefined, words: string): Pick<NotOpened, 'beyondSsh2'> {
  const [, what] = /^Handshake failed: no matching (.+)$/.exec(words) ?? []
  if (what !== undefined) return { beyondSsh2: `the server and ssh2 have no ${what} in common` }
  const entries = verdict?.verdict === 'unknown' ? verdict.entries : []
  const authority = entries.find(({ mark }) => mark === 'cert-authority')
  if (authority === undefined) return {}
  return { beyondSsh2: `host keys are vouched for by a certificate authority (${authority.origin})` }
}

function nothingSaid({ address, port }: SshWay, bytes: number): Fault {
  return {
    code: 'handshake-timed-out',
    message:
      bytes === 0
        ? `${address} port ${port} accepts connections but says nothing`
        : `${address} port ${port} began to talk and then fell silent before its host key was checked`,
    next: `See from its console whether sshd is overloaded or stopped, or whether port ${port} is something else: ssh -v -p ${port} ${address}`,
  }
}

function loginTimedOut({ user, address, port }: SshWay, { offered, password }: Offering): Fault {
  if (password === 'sent') {
    return {
      // Not as one that may be tried again at once: each try counts where passwords are counted.
      code: 'auth',
      message: `the server did not say whether it takes the password of ${user}`,
      next: `ssh -v -p ${port} ${quote(`${user}@${address}`)}: a slow name server or directory service there`,
    }
  }
  return {
    code: 'login-timed-out',
    message: `the server did not answer the login as ${user} (${offered.at(-1) ?? 'nothing was offered'})`,
    next: `ssh -v -p ${port} ${quote(`${user}@${address}`)}: a slow name server or directory service there, or an agent that waits here`,
  }
}

function brokenOff({ address, port }: SshWay, words: string, keyChecked: boolean): Fault {
  const when = keyChecked ? 'during the login' : 'before its host key was checked'
  return {
    code: 'lost',
    message: `the connection broke off ${when}: ${JSON.stringify(words)}`,
    next: `ssh -v -p ${port} ${address} shows more; look for MaxStartups, hosts.deny or fail2ban there, or another program on port ${port}`,
  }
}
