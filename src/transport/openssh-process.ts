import { type ChildProcess, spawn } from 'node:child_process'
import { splitLines } from './streams.ts'
import type { Wire } from './tcp.ts'

export type SshProcess = {
  readonly child: ChildProcess
  /** Aborted when it is gone, and what it said is there. */
  readonly gone: AbortSignal
  /** The last that it said. */
  readonly said: () => string
}

type How = {
  /** What it runs to ask for a secret; null: it asks for none. */
  readonly askpass: string | null
  readonly overStdio: boolean
  /** Hears each line of stderr; true: it is no word of ssh's own. */
  readonly hearLine: (line: string) => boolean
}

/** Characters that are kept of what ssh says; its last word is the cause. */
const MOST_WORDS = 600
const LONGEST_LINE = 4096
/** Milliseconds in which what it wrote last may be on its way to us. */
const SETTLE_MS = 100

/**
 * ssh in a group of its own, which no Ctrl-C reaches, with no terminal. Over stdin and stdout it ends as soon as we do, however
 * we end; with a connection of its own it would not, so a shell watches over it.
 */
export function startSsh(words: readonly string[], { askpass, overStdio, hearLine }: How): SshProcess {
  const { SSH_ASKPASS: _, SSH_ASKPASS_REQUIRE: __, ...kept } = process.env
  // Without DISPLAY OpenSSH before 8.4 runs nothing to ask for a secret.
  const asking =
    askpass === null ? {} : { SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force', DISPLAY: kept.DISPLAY ?? ':' }
  const how = { env: { ...kept, ...asking, LC_ALL: 'C' }, detached: true }
  const child: ChildProcess = overStdio
    ? spawn('ssh', words, { ...how, stdio: 'pipe' })
    : spawn('/bin/sh', ['-c', WATCHED, 'ctfleet', ...words], { ...how, stdio: ['pipe', 'ignore', 'pipe'] })

  const gone = new AbortController()
  let said = ''
  const lines = splitLines(LONGEST_LINE, (line) => {
    if (!hearLine(line)) said = `${said}${line.trimEnd()}\n`.slice(-MOST_WORDS)
  })
  const end = () => {
    if (gone.signal.aborted) return
    lines.end()
    child.stderr?.destroy()
    gone.abort()
  }
  child.stderr?.on('data', (chunk: Buffer) => lines.add(chunk))
  child.once('error', (error) => {
    said += error.message
    end()
  })
  child.once('close', end)
  // A ProxyCommand that it left behind may hold its stderr open.
  child.once('exit', () => setTimeout(end, SETTLE_MS))
  for (const stream of [child.stdin, child.stdout, child.stderr]) stream?.on('error', () => {})
  return { child, gone: gone.signal, said: () => said.trim() }
}

const WATCHED = `exec 3<&0
ssh "$@" </dev/null 3<&- &
ssh=$!
{ read -r end <&3; kill "$ssh"; } 2>/dev/null &
wait "$ssh"
code=$?
kill $! 2>/dev/null
exit "$code"`

/** To ssh and all that it started. */
export function signalTo({ pid }: ChildProcess, signal: 'SIGTERM' | 'SIGKILL'): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // Already gone.
  }
}

/** Carries bytes between the wire and ssh, and remembers whether the other side left before ssh did. */
export function relay(wire: Wire, { stdin, stdout }: ChildProcess): { readonly left: boolean } {
  const peer = { left: false }
  let sshLeft = false
  const onEnd = () => {
    if (!sshLeft) peer.left = true
    stdin?.end()
  }
  stdout?.once('end', () => {
    sshLeft = true
  })
  wire.on('error', () => {}) // That it closes says the same.
  wire.once('end', onEnd)
  wire.once('close', onEnd)
  if (wire.destroyed) onEnd()
  // Where this process has no file descriptors left, there are no streams.
  if (stdin === null || stdout === null) return peer
  wire.pipe(stdin)
  stdout.pipe(wire)
  return peer
}
