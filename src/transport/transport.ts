import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Script } from '../shell/script.ts'

/** A way to hosts. `open` never throws for what a host or a link does: it answers a session or says why there is none. */
export type Transport = {
  readonly name: Host['transport']
  open(host: Host, signal: AbortSignal): Promise<Session | NotOpened>
}

/** `beyondSsh2`: the system's ssh may get in all the same; what it takes, in words that end a sentence. */
export type NotOpened = { readonly refused: Fault; readonly beyondSsh2?: string }

/** An open way into one host. Only what holds a Session can touch a host. */
export type Session = AsyncDisposable & {
  readonly host: Host
  /** What is worth knowing of how it was opened; the same words for every host of which the same is true. */
  readonly note?: string
  /** What the host let us in for, where the transport can tell: the name of a key, or that it was the password. */
  readonly loginBy?: string
  /** Milliseconds since the other side was last heard; infinite where the connection is over. Absent: it cannot be told. */
  readonly silentMs?: () => number
  /**
   * Runs a script whole or not at all: it goes over first, its checksum is compared on the host, then it runs with
   * its own PATH, LC_ALL=C, stdin from /dev/null and `$ssh_connection` set to the login's SSH_CONNECTION (empty if none).
   * Never rejects for what the host does. Refusal of privilege, or a host that cannot run a POSIX shell, is a Fault.
   */
  run(script: Script, how: RunHow): Promise<Outcome | { readonly refused: Fault }>
}

export type RunHow = {
  readonly timeoutMs: number
  readonly as: 'login-user' | 'root'
  /** Positional parameters of the script: $1, $2 … */
  readonly arguments?: readonly string[]
  /** Called with each whole line of stdout as it arrives. */
  readonly onLine?: (line: string) => void
}
