import type { Host } from '../model/host.ts'
import { prepareErrand } from './bootstrap.ts'
import { lifeWithin, pause, whyAborted } from './cancel.ts'
import { offersFor } from './identities.ts'
import { DEFAULT_KNOWN_HOSTS, findKnownKeys } from './known-hosts.ts'
import { type Connection, login } from './login.ts'
import { type Running, startRunning } from './running.ts'
import type { ClientChannel } from './ssh2.ts'
import { dial, PATIENCE, type Patience } from './tcp.ts'
import type { Session, Transport } from './transport.ts'

/** How often an sshd is asked that hangs up before it greets, as it does when too many ask at a time (MaxStartups). */
const KNOCKS = 4
/** How often a host that says nothing is asked again, each time for a part of its patience: what stands before it may have taken our call while a full table drops us behind. */
const SILENT_TRIES = 2
const SILENT_PART = 0.4

export const ssh: Transport = sshTransport(PATIENCE)

/** The same with other time limits. */
export function sshTransport(patience: Patience): Transport {
  return {
    name: 'ssh',
    async open(host, signal) {
      const files = host.knownHostsFiles.length > 0 ? host.knownHostsFiles : DEFAULT_KNOWN_HOSTS
      const [offers, known] = await Promise.all([offersFor(host), findKnownKeys(files, host)])
      for (let knocks = 1, silences = 0; ; knocks++) {
        const waits = silences < SILENT_TRIES ? { ...patience, handshake: patience.handshake * SILENT_PART } : patience
        const dialled = await dial(host, patience, signal)
        const entered =
          'refused' in dialled
            ? { ...dialled, early: dialled.refused.code === 'lost' }
            : await login(host, { ...dialled, credentials: { offers, known }, patience: waits, signal })
        if ('client' in entered) return sshSession(host, entered, { patience, signal })
        if (entered.refused.code === 'handshake-timed-out' && silences < SILENT_TRIES && !signal.aborted) {
          silences++
          continue
        }
        if (!entered.early || knocks >= KNOCKS) return { refused: entered.refused }
        await pause(patience.betweenKnocks * (knocks - 0.5 + Math.random()), signal)
      }
    },
  }
}

type Means = { readonly patience: Patience; readonly signal: AbortSignal }

function sshSession(host: Host, connection: Connection, { patience, signal }: Means): Session {
  const { client, socket, lost } = connection
  const life = lifeWithin(signal)
  const end = () => client.end()
  life.signal.addEventListener('abort', end)
  if (life.signal.aborted) end()
  lost.addEventListener('abort', () => life.end(whyAborted(lost)))
  if (lost.aborted) life.end(whyAborted(lost))

  const closed = new Promise<void>((resolve) => {
    if (socket.closed) resolve()
    else socket.once('close', () => resolve())
  })

  return {
    host,
    run(script, how) {
      const errand = prepareErrand(script, how, host.become)
      let channel: ClientChannel | undefined
      const running = startRunning(errand, how, { host, signal: life.signal, letGo: () => channel?.close() })
      if (running.settled) return running.result
      try {
        client.exec(errand.command, (error, opened) => {
          if (error !== undefined) return noChannel(running, error, lost)
          channel = opened
          listen(opened, running)
          if (running.settled) opened.close()
          else opened.end(errand.payload)
        })
      } catch (error) {
        noChannel(running, error, lost)
      }
      return running.result
    },
    async [Symbol.asyncDispose]() {
      life.end('the session was closed')
      await Promise.race([closed, pause(patience.closing, lost)])
      socket.destroy()
    },
  }
}

function listen(channel: ClientChannel, running: Running): void {
  channel.on('error', () => {}) // How the channel closes says the same.
  channel.stderr.on('error', () => {})
  // Both streams share one window: a stream that is not read stops the other.
  channel.on('data', running.stdout)
  channel.stderr.on('data', running.stderr)
  let [code, killedBy, open]: [number | null | undefined, string | undefined, number] = [undefined, undefined, 2]
  const onClose = () => {
    open -= 1
    if (open > 0) return
    if (typeof code === 'number') running.ended({ type: 'exited', code })
    else if (killedBy !== undefined) running.ended({ type: 'killed', signal: killedBy })
    else running.ended({ type: 'lost', why: 'the host closed the channel without saying how the script ended' })
  }
  channel.stderr.on('close', onClose)
  channel.on('close', (exitCode: number | null | undefined, exitSignal: string | undefined) => {
    code = exitCode
    killedBy = exitSignal
    onClose()
  })
}

/** The connection stands and there is no session in it, or the connection is gone and the session with it. */
function noChannel(running: Running, error: unknown, lost: AbortSignal): void {
  const words = error instanceof Error ? error.message : String(error)
  if (lost.aborted) running.ended({ type: 'lost', why: whyAborted(lost) })
  else
    running.refused({
      code: 'no-shell',
      message: `the server opened no session to run a command in: ${JSON.stringify(words.slice(0, 300))}`,
      next: 'On the host: look for MaxSessions and ForceCommand in sshd_config, and for a locked account',
    })
}
