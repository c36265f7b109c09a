import { type ChildProcess, spawn } from 'node:child_process'
import type { Host } from '../model/host.ts'
import { runScript } from './become.ts'
import { cancelled, lifeWithin } from './cancel.ts'
import type { Launch } from './running.ts'
import type { Session, Transport } from './transport.ts'

/** How long a killed script may take to tidy up (its traps) before it is killed for good, in milliseconds. */
const GRACE = 1000

/** The machine that ctfleet itself runs on. There is no connection, so a change here cannot be confirmed over a new one. */
export const local: Transport = {
  name: 'local',
  async open(host, signal) {
    return signal.aborted ? cancelled(signal) : localSession(host, signal)
  },
}

function localSession(host: Host, signal: AbortSignal): Session {
  const life = lifeWithin(signal)
  return {
    host,
    run: async (script, how) =>
      await runScript(script, how, { host, signal: life.signal, launch, hasTerminals: false }),
    async [Symbol.asyncDispose]() {
      life.end('the session was closed')
    },
  }
}

const launch: Launch = ({ argv }, running) => {
  const { SSH_CONNECTION: _, ...env } = process.env
  // A group of its own, so that time running out ends the script's children too.
  const child = spawn('/bin/sh', argv, { detached: true, env, stdio: 'pipe' })
  child.on('error', (error) =>
    running.refused({
      code: 'no-shell',
      message: `/bin/sh cannot be started here: ${error.message}`,
      next: 'ls -l /bin/sh',
    }),
  )
  // Where this process has no file descriptors left, there are no streams.
  child.stdout?.on('data', running.stdout)
  child.stderr?.on('data', running.stderr)
  child.stdin?.on('error', () => {}) // It ended without reading on; how it ended says why.
  child.on('close', (code, killedBy) =>
    running.ended(killedBy === null ? { type: 'exited', code: code ?? 0 } : { type: 'killed', signal: killedBy }),
  )
  running.opened({ send: (bytes) => void child.stdin?.write(bytes), end: () => void child.stdin?.end() })
  return () => end(child)
}

function end(child: ChildProcess): void {
  kill(child, 'SIGTERM')
  const timer = setTimeout(() => kill(child, 'SIGKILL'), GRACE)
  child.on('close', () => clearTimeout(timer))
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.destroy()
}

function kill({ pid }: ChildProcess, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // Already gone, or root's by way of sudo, which hands the signal on itself where it may.
  }
}
