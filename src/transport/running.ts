import type { Fault } from '../model/fault.ts'
import type { Host } from '../model/host.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Errand } from './bootstrap.ts'
import { whyAborted } from './cancel.ts'
import { keep, readPreamble, splitLines } from './streams.ts'
import type { RunHow } from './transport.ts'

const MOST_STDOUT = 8 * 1024 * 1024
const MOST_STDERR = 64 * 1024
const LONGEST_LINE = 64 * 1024
/** setTimeout takes no longer wait. */
const LONGEST_WAIT = 2 ** 31 - 1

export type RunResult = Outcome | { readonly refused: Fault }

/** How the other side says that it is over. */
export type End =
  | { readonly type: 'exited'; readonly code: number }
  | { readonly type: 'killed'; readonly signal: string }
  | { readonly type: 'lost'; readonly why: string }

/** A script under way: the transport feeds in what it hears, and out comes one result, whatever was heard. */
export type Running = {
  readonly result: Promise<RunResult>
  readonly settled: boolean
  readonly stdout: (chunk: Buffer) => void
  readonly stderr: (chunk: Buffer) => void
  readonly ended: (end: End) => void
  /** For what never became a running script. */
  readonly refused: (fault: Fault) => void
}

/**
 * @param letGo called once if the result is there before the other side ended: time is up, the session is over, or
 * `onLine` threw, which rejects the result.
 */
export function startRunning(
  errand: Errand,
  how: RunHow,
  { host, signal, letGo }: { readonly host: Host; readonly signal: AbortSignal; readonly letGo: () => void },
): Running {
  const out = readPreamble(errand.nonce)
  const err = readPreamble(errand.nonce)
  const stdout = keep(MOST_STDOUT)
  const stderr = keep(MOST_STDERR)
  const { promise, resolve, reject } = withResolvers<RunResult>()
  let settled = false

  const settle = (finish: () => void): boolean => {
    if (settled) return false
    settled = true
    clearTimeout(timer)
    signal.removeEventListener('abort', onAbort)
    finish()
    return true
  }
  const giveUp = (result: RunResult) => {
    if (settle(() => resolve(result))) letGo()
  }
  const onAbort = () => giveUp({ type: 'lost', why: whyAborted(signal) })
  const timer = setTimeout(
    () => giveUp({ type: 'timed-out', afterMs: how.timeoutMs }),
    Math.min(how.timeoutMs, LONGEST_WAIT),
  )
  signal.addEventListener('abort', onAbort)
  /** The callback is the caller's: its error is the caller's too, and must not end the process from inside a stream. */
  const guarded = (work: () => void) => {
    try {
      work()
    } catch (error) {
      if (settle(() => reject(error))) letGo()
    }
  }
  const lines = how.onLine === undefined ? undefined : splitLines(LONGEST_LINE, how.onLine)

  const running: Running = {
    result: promise,
    get settled() {
      return settled
    },
    stdout(chunk) {
      if (settled) return
      const bytes = out.strip(chunk)
      stdout.add(bytes)
      guarded(() => lines?.add(bytes))
    },
    stderr(chunk) {
      if (!settled) stderr.add(err.strip(chunk))
    },
    ended(end) {
      if (settled) return
      if (end.type === 'lost') return void settle(() => resolve(end))
      if (out.stage !== 'ready') {
        const words = [err.said, out.said].find((said) => said !== '') ?? ''
        const code = end.type === 'exited' ? end.code : 128
        return void settle(() => resolve({ refused: whyNotRun({ stage: out.stage, code, words }, host) }))
      }
      guarded(() => lines?.end())
      const texts = { stdout: stdout.text(), stderr: stderr.text() }
      const truncated = stdout.truncated || stderr.truncated
      settle(() => resolve(end.type === 'exited' ? { ...end, ...texts, truncated } : { ...end, ...texts }))
    },
    refused: (fault) => void settle(() => resolve({ refused: fault })),
  }
  if (signal.aborted) onAbort()
  return running
}

type Stopped = { readonly stage: string | undefined; readonly code: number; readonly words: string }

/** The shell over there ended without having begun the script. */
function whyNotRun({ stage, code, words }: Stopped, { user }: Host): Fault {
  const it = words === '' ? 'it said nothing' : `it said ${JSON.stringify(words)}`
  switch (stage) {
    case undefined:
      return {
        code: 'no-shell',
        message: `logging in did not start /bin/sh: ${it} and ended with code ${code}`,
        next: `Give ${user} a login shell that runs commands (chsh), and look for a ForceCommand in sshd_config or authorized_keys`,
      }
    case 'none':
      return {
        code: 'no-privilege',
        message: `root is needed, ${user} is not root, and no way to become root is set for this host`,
        next: 'Set ansible_become: true for this host (sudo), or log in as root (ansible_user: root)',
      }
    case 'sudo':
      // The shell's own codes for a program that is not there or that it may not run.
      if (code === 126 || code === 127) {
        return {
          code: 'no-privilege',
          message: `sudo is not there or may not be run, and ${user} is not root: ${it}`,
          next: 'Install sudo on the host, or log in as root (ansible_user: root)',
        }
      }
      return {
        code: 'no-privilege',
        message: `sudo did not let ${user} become root without a password: ${it}`,
        next: `On the host: visudo -f /etc/sudoers.d/ctfleet, and add "${user} ALL=(root) NOPASSWD: ALL"; or log in as root`,
      }
    case 'mismatch':
      return {
        code: 'no-shell',
        message: 'the script did not arrive as it was sent, so nothing was run',
        next: 'On the host: see that cat works, and cksum or sha256sum',
      }
    default:
      return {
        code: 'no-shell',
        message: `the shell ended with code ${code} before the script began: ${it}`,
        next: 'On the host: see that /bin/sh is a POSIX shell, and that cat, id and cksum or sha256sum are there',
      }
  }
}

function withResolvers<T>(): {
  readonly promise: Promise<T>
  readonly resolve: (value: T) => void
  readonly reject: (error: unknown) => void
} {
  let resolve: (value: T) => void = () => {}
  let reject: (error: unknown) => void = () => {}
  const promise = new Promise<T>((onValue, onError) => {
    resolve = onValue
    reject = onError
  })
  return { promise, resolve, reject }
}
