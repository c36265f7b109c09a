import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import { runScript } from './become.ts'
import { lifeWithin } from './cancel.ts'
import { dialled, type Reached } from './enter.ts'
import { jumpHosts, newJumpHosts } from './jump.ts'
import { type Channel, GONE } from './openssh-channels.ts'
import { enterByOpenssh } from './openssh-enter.ts'
import type { Master } from './openssh-master.ts'
import type { Launch } from './running.ts'
import type { End } from './streams.ts'
import { PATIENCE, type Patience } from './tcp.ts'
import type { Session, Transport } from './transport.ts'

/**
 * The system's own ssh: for what it alone can do (certificates, hardware keys, ProxyCommand, later key exchanges), at the price
 * of a process for each session. It speaks over a connection that we made, wherever it need not make its own.
 */
export const openssh: Transport = opensshTransport(PATIENCE, jumpHosts)

/** The same with other time limits. */
export function opensshTransport(patience: Patience, jumps = newJumpHosts(patience)): Transport {
  return {
    name: 'openssh',
    async open(host, signal) {
      const way = host.jumps ?? []
      const reach = async (): Promise<Reached> =>
        way.length > 0 ? await jumps.reach(way, host, signal) : await dialled(host, patience, signal)
      const master = await enterByOpenssh(host, { jumps: way, reach, patience, signal })
      return 'refused' in master ? master : opensshSession(host, master, signal)
    },
  }
}

function opensshSession(host: Host, master: Master, signal: AbortSignal): Session {
  const { channels, lost } = master
  const life = lifeWithin(signal)
  life.signal.addEventListener('abort', () => void master.close())
  if (life.signal.aborted) void master.close()
  void lost.then((why) => life.end(why))

  const launch: Launch = (errand, running) => {
    let channel: Channel | undefined
    const ended = (end: End) => {
      if (end.type !== 'lost' || end.why !== GONE) return running.ended(end)
      void lost.then((why) => running.ended({ type: 'lost', why }))
    }
    const hears = { stdout: running.stdout, stderr: running.stderr, ended }
    const how = { hears, pty: errand.climb.terminal, forwardAgent: host.forwardAgent === true }
    void channels.exec(errand.command, how).then((opened) => {
      if ('failed' in opened) {
        if (opened.failed === GONE) ended({ type: 'lost', why: GONE })
        else running.refused(noSession(opened.failed))
        return
      }
      channel = opened
      if (running.settled) opened.close()
      else running.opened({ send: opened.write, end: opened.end })
    })
    return () => channel?.close()
  }

  return {
    host,
    async run(script, how) {
      return await runScript(script, how, { host, signal: life.signal, launch, hasTerminals: true })
    },
    async [Symbol.asyncDispose]() {
      life.end('the session was closed')
      await master.close()
    },
  }
}

function noSession(words: string): Fault {
  return {
    code: 'no-shell',
    message: `the server opened no session to run a command in: ${JSON.stringify(words.slice(0, 300))}`,
    next: 'On the host: look for MaxSessions and ForceCommand in sshd_config, and for a locked account',
  }
}
