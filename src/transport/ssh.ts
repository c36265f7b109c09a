import type { Host } from '../model/host.ts'
import { agentSocket } from './agent.ts'
import { runScript } from './become.ts'
import { lifeWithin, pause, whyAborted } from './cancel.ts'
import { dialled, enter, type Reached } from './enter.ts'
import { jumpHosts, newJumpHosts } from './jump.ts'
import type { Connection } from './login.ts'
import type { Launch, Running } from './running.ts'
import { type ClientChannel, takesData } from './ssh2.ts'
import { PATIENCE, type Patience } from './tcp.ts'
import type { Session, Transport } from './transport.ts'

export const ssh: Transport = sshTransport(PATIENCE, jumpHosts)

/** Without echo from the start; the rest is stty's on the host, where other programs set it too. */
const TERMINAL = { term: 'dumb', cols: 80, rows: 24, modes: { ECHO: 0 } } as const

/** The same with other time limits. */
export function sshTransport(patience: Patience, jumps = newJumpHosts(patience)): Transport {
  return {
    name: 'ssh',
    async open(host, signal) {
      const { jumps: way = [] } = host
      const reach = async (): Promise<Reached> =>
        way.length > 0 ? await jumps.reach(way, host, signal) : await dialled(host, patience, signal)
      const entered = await enter(host, { jumps: way, reach, patience, signal })
      return 'refused' in entered ? entered : sshSession(host, entered, { patience, signal })
    },
  }
}

type Means = { readonly patience: Patience; readonly signal: AbortSignal }

function sshSession(host: Host, connection: Connection, { patience, signal }: Means): Session {
  const { client, socket, lost, by } = connection
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

  let heardAt = performance.now()
  socket.on('data', () => {
    heardAt = performance.now()
  })

  let forwards = host.forwardAgent === true && agentSocket(host) !== null
  const launch: Launch = ({ command, climb }, running) => {
    let channel: ClientChannel | undefined
    const begin = (): void => {
      const how = { ...(climb.terminal ? { pty: TERMINAL } : {}), ...(forwards ? { agentForward: true } : {}) }
      try {
        client.exec(command, how, (error, opened) => {
          if (error !== undefined && forwards && !lost.aborted) {
            // A server that forwards no agent is none that runs no command.
            forwards = false
            return begin()
          }
          if (error !== undefined) return noChannel(running, error, lost)
          channel = opened
          if (!takesData(opened)) {
            opened.close()
            return noChannel(running, 'it takes no data', lost)
          }
          listen(opened, running)
          if (running.settled) opened.close()
          else running.opened({ send: (bytes) => void opened.write(bytes), end: () => void opened.end() })
        })
      } catch (error) {
        noChannel(running, error, lost)
      }
    }
    begin()
    return () => channel?.close()
  }
  return {
    host,
    ...(by === undefined ? {} : { loginBy: by }),
    run: async (script, how) => await runScript(script, how, { host, signal: life.signal, launch, hasTerminals: true }),
    silentMs: () => (lost.aborted || life.signal.aborted ? Number.POSITIVE_INFINITY : performance.now() - heardAt),
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
