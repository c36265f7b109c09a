import type { Fault } from '../model/fault.ts'
import type { SshWay } from '../model/host.ts'
import { quote } from '../shell/script.ts'
import { cancelled } from './cancel.ts'
import { dialled, type Reached } from './enter.ts'
import { KEY_ALGORITHMS } from './host-key.ts'
import { jumpHosts } from './jump.ts'
import { knock } from './knock.ts'
import { afterSilence } from './silence.ts'
import { Client, type ServerHostKeyAlgorithm } from './ssh2.ts'
import { PATIENCE, type Wire } from './tcp.ts'

/**
 * Every key that an sshd shows, as it comes over the wire, by one connection for each type. Nobody logs in, and nothing
 * that could be read is sent; the hosts in between are logged in to, as for anything else.
 */
export async function gatherKeys(
  way: SshWay,
  jumps: readonly SshWay[],
  signal: AbortSignal,
): Promise<{ readonly keys: readonly Buffer[] } | { readonly refused: Fault }> {
  if (isForSshAlone(way)) return { refused: cannotAsk(way) }
  const keys: Buffer[] = []
  let words = ''
  for (const algorithms of Object.values(KEY_ALGORITHMS)) {
    const shown = await showOne(way, { jumps, algorithms, signal })
    if ('refused' in shown) return shown
    if ('key' in shown) keys.push(shown.key)
    else words = shown.none
  }
  return keys.length > 0 ? { keys } : { refused: noKey(way, words) }
}

type Question = {
  readonly jumps: readonly SshWay[]
  readonly algorithms: readonly ServerHostKeyAlgorithm[]
  readonly signal: AbortSignal
}

type Shown = { readonly key: Buffer } | { readonly none: string } | { readonly refused: Fault; readonly early: boolean }

async function showOne(way: SshWay, question: Question): Promise<Shown> {
  const { jumps, signal } = question
  return await knock(
    async (): Promise<Shown> => {
      const reached: Reached =
        jumps.length > 0 ? await jumpHosts.reach(jumps, way, signal) : await dialled(way, PATIENCE, signal)
      return 'refused' in reached ? reached : await keyOver(reached.socket, way, question)
    },
    { patience: PATIENCE, signal },
  )
}

async function keyOver(socket: Wire, way: SshWay, { algorithms, signal }: Question): Promise<Shown> {
  const client = new Client()
  try {
    return await new Promise<Shown>((resolve) => {
      const settle = (shown: Shown) => {
        stopWaiting()
        signal.removeEventListener('abort', onAbort)
        resolve(shown)
      }
      const onAbort = () => settle({ ...cancelled(signal), early: false })
      const stopWaiting = afterSilence(PATIENCE.handshake, () => settle({ refused: silent(way), early: false }))
      const onEnd = (words: string) => {
        if (/^Handshake failed: no matching/.test(words)) settle({ none: words })
        else settle({ refused: brokenOff(way, words), early: true })
      }
      signal.addEventListener('abort', onAbort)
      client.on('error', (error: Error) => onEnd(error.message))
      client.on('close', () => onEnd('the host closed the connection'))
      if (signal.aborted) return onAbort()
      try {
        client.connect({
          sock: socket,
          username: way.user,
          algorithms: { serverHostKey: [...algorithms] },
          hostVerifier: (key: Buffer) => {
            settle({ key })
            return false
          },
          readyTimeout: 0,
        })
      } catch (error) {
        onEnd(error instanceof Error ? error.message : String(error))
      }
    })
  } finally {
    client.on('error', () => {})
    socket.destroy()
  }
}

function isForSshAlone({ readBySsh, opensshOptions = [] }: SshWay): boolean {
  return readBySsh !== undefined || opensshOptions.some((option) => /^(?:ProxyCommand|Bind\w+)\s*=/i.test(option))
}

function cannotAsk({ address, port, whyOpenssh }: SshWay): Fault {
  return {
    code: 'unreachable',
    message: `only the system's ssh finds the way there (${whyOpenssh}), and it shows no keys without a login`,
    next: `ssh -p ${port} ${quote(address)}, and compare what it shows, or write the key down with ssh-keyscan from nearer by`,
  }
}

function silent({ address, port }: SshWay): Fault {
  return {
    code: 'handshake-timed-out',
    message: `${address} port ${port} accepts connections but shows no host key`,
    next: `See whether port ${port} is sshd's: ssh -v -p ${port} ${quote(address)}`,
  }
}

function brokenOff({ address, port }: SshWay, words: string): Fault {
  return {
    code: 'lost',
    message: `the connection broke off before a host key was shown: ${JSON.stringify(words.slice(0, 300))}`,
    next: `ssh -v -p ${port} ${quote(address)} shows more; look for MaxStartups, hosts.deny or fail2ban there`,
  }
}

function noKey({ address, port }: SshWay, words: string): Fault {
  return {
    code: 'lost',
    message: `it shows no host key that ssh2 could read: ${JSON.stringify(words.slice(0, 300))}`,
    next: `ssh-keyscan -p ${port} ${quote(address)}`,
  }
}
