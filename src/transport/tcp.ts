import { connect, isIP, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { cancelled, pause } from './cancel.ts'
import { afterSilence, heardTime } from './silence.ts'

/** What carries SSH: a TCP connection, or a channel through a jump host, which closes as one would. */
export type Wire = Duplex & { readonly bytesRead: number }

/** Times in milliseconds. */
export type Patience = {
  /** For a TCP connection in all, and for one try. */
  readonly connecting: number
  readonly attempt: number
  readonly betweenAttempts: number
  /** Before an sshd that hung up on us is asked again, about. */
  readonly betweenKnocks: number
  /** From the TCP connection until the host key is checked, and from there until the login is through. */
  readonly handshake: number
  readonly login: number
  /** Between questions whether the other side is still there; three go unanswered before it counts as lost. */
  readonly keepalive: number
  /** For the other side to take leave. */
  readonly closing: number
}

/**
 * A full connection-tracking table drops our SYN like everybody's, so a host that doesn't answer is tried again for 15 s.
 * Fresh tries every 3.2 s send SYNs at 0, 1 and 3 s; one long try would leave it at 0, 1, 3 and 7.
 */
export const PATIENCE: Patience = {
  connecting: 15_000,
  attempt: 3_200,
  betweenAttempts: 200,
  betweenKnocks: 500,
  handshake: 10_000,
  login: 20_000,
  keepalive: 8_000,
  closing: 1_000,
}

/**
 * Opens a TCP connection without Nagle's delay, trying again for as long as nothing at all comes back.
 * `lost`: it was there for a moment.
 */
export async function dial(
  host: SshWay,
  patience: Patience,
  signal: AbortSignal,
): Promise<{ readonly socket: Socket } | { readonly refused: Fault }> {
  const deadline = heardTime() + patience.connecting
  for (let attempts = 1; ; attempts++) {
    const tried = await tryOnce(host, { attempt: patience.attempt, deadline }, signal)
    if (signal.aborted) {
      if (tried.type === 'connected') tried.socket.destroy()
      return cancelled(signal)
    }
    if (tried.type === 'connected') return { socket: tried.socket }
    if (tried.type === 'failed' && tried.code !== 'ETIMEDOUT') return { refused: faultOf(tried.code, host) }
    await pause(patience.betweenAttempts, signal)
    // What is left must do for a SYN and its answer.
    if (deadline - heardTime() < patience.betweenAttempts) return { refused: silence(host, tried, attempts) }
  }
}

type Tried =
  | { readonly type: 'connected'; readonly socket: Socket }
  | { readonly type: 'failed'; readonly code: string }
  | { readonly type: 'silent'; readonly resolved: boolean }

/** @param deadline by `heardTime`; a name may be looked up for as long, since hundreds of them wait for each other */
async function tryOnce(
  { address, port, addressFamily }: SshWay,
  { attempt, deadline }: { readonly attempt: number; readonly deadline: number },
  signal: AbortSignal,
): Promise<Tried> {
  return await new Promise((resolve) => {
    let resolved = isIP(address) !== 0
    const family = addressFamily === undefined ? 0 : addressFamily === 'inet' ? 4 : 6
    let settled = false
    const socket = connect({ host: address, port, family, noDelay: true, autoSelectFamilyAttemptTimeout: 1000 })
    const settle = (tried: Tried) => {
      settled = true
      stopWaiting()
      signal.removeEventListener('abort', onSilence)
      if (tried.type !== 'connected') socket.destroy()
      resolve(tried)
    }
    const onSilence = () => settle({ type: 'silent', resolved })
    const left = () => deadline - heardTime()
    let stopWaiting = afterSilence(resolved ? Math.min(attempt, left()) : left(), onSilence)
    signal.addEventListener('abort', onSilence)
    if (signal.aborted) onSilence()
    socket.on('lookup', () => {
      // Once for each address.
      if (resolved || settled) return
      resolved = true
      stopWaiting()
      stopWaiting = afterSilence(Math.min(attempt, left()), onSilence)
    })
    socket.on('error', (error: NodeJS.ErrnoException) => settle({ type: 'failed', code: codeOf(error) }))
    socket.once('connect', () => settle({ type: 'connected', socket }))
  })
}

function codeOf(error: NodeJS.ErrnoException): string {
  return error.syscall === 'getaddrinfo' ? `DNS ${error.code ?? ''}` : (error.code ?? error.message)
}

function faultOf(code: string, { address, port }: SshWay): Fault {
  if (code.startsWith('DNS')) {
    return {
      code: 'dns',
      message: `no address was found for ${address} (${code.slice(4)})`,
      next: `getent hosts ${address}`,
    }
  }
  switch (code) {
    case 'ECONNREFUSED':
      return {
        code: 'refused',
        message: `nothing listens on ${address} port ${port}`,
        next: `See whether sshd runs there and on which port (ansible_port): ssh -p ${port} ${address}`,
      }
    case 'EHOSTUNREACH':
      return {
        code: 'unreachable',
        message: `there is no way to ${address} from here (${code}): it is down, where it is a neighbour of this machine, or a router knows no way on`,
        next: `ping -c 3 ${address}, or look from its console; ip route get ${address} shows the way that is tried`,
      }
    case 'ENETUNREACH':
    case 'EADDRNOTAVAIL':
      return {
        code: 'unreachable',
        message: `there is no way to ${address} from here (${code})`,
        next: `ip route get ${address}`,
      }
    case 'ECONNRESET':
    case 'EPIPE':
      return {
        code: 'lost',
        message: `${address} port ${port} takes connections and resets them`,
        next: `ssh -v -p ${port} ${address}; look for MaxStartups, hosts.deny or fail2ban there`,
      }
    case 'EMFILE':
    case 'ENFILE':
      return {
        code: 'unreachable',
        message: 'this machine has no file descriptors left for another connection',
        next: 'ulimit -n 8192, or fewer hosts at a time',
      }
    default:
      return {
        code: 'unreachable',
        message: `the connection to ${address} port ${port} failed (${code})`,
        next: `ssh -v -p ${port} ${address}`,
      }
  }
}

function silence({ address, port }: SshWay, tried: Tried, attempts: number): Fault {
  if (tried.type === 'silent' && !tried.resolved) {
    return { code: 'dns', message: `no name server answers for ${address}`, next: `getent hosts ${address}` }
  }
  return {
    code: 'connect-timed-out',
    message: `no answer from ${address} port ${port} in ${attempts} tries: it is down, a firewall drops us, or its connection table is full`,
    next: `Try again, or look from its console: dmesg | grep 'table full'`,
  }
}
