import type { Fault } from '../model/fault.ts'
import type { Outcome } from '../model/outcome.ts'
import type { Errand, Stage } from './bootstrap.ts'
import { whyAborted } from './cancel.ts'
import { type End, keep, readPreamble, splitLines } from './streams.ts'
import { type PasswordFate, type Secret, type Stdin, startTalk } from './talk.ts'
import { untangle } from './terminal-stream.ts'
import type { RunHow } from './transport.ts'

const MOST_STDOUT = 8 * 1024 * 1024
const MOST_STDERR = 64 * 1024
const LONGEST_LINE = 64 * 1024
/** Says to who waits at a terminal's end that all of it was heard. */
const HEARD = Buffer.from('.')
/** setTimeout takes no longer wait. */
const LONGEST_WAIT = 2 ** 31 - 1

export type RunResult = Outcome | { readonly refused: Fault }

/** The shell over there ended, or was let go, without having begun the script. */
export type Stopped = {
  readonly stage: Stage | undefined
  readonly code: number
  /** What was said last, by whom the stage names. */
  readonly words: string
  readonly asked: PasswordFate
}

/** A script under way: the transport feeds in what it hears, and out comes one result, whatever was heard. */
export type Running = {
  readonly settled: boolean
  /** The way to its stdin is open. What is said there is said from here. */
  readonly opened: (stdin: Stdin) => void
  /** What comes out; all of it, where it comes from a terminal. */
  readonly stdout: (chunk: Buffer) => void
  readonly stderr: (chunk: Buffer) => void
  readonly ended: (end: End) => void
  /** For what never became a running script. */
  readonly refused: (fault: Fault) => void
}

/**
 * Starts an errand in a process or channel of its own, with a pty where `errand.climb.terminal` asks for one, and feeds
 * `running` from it. What it returns lets go of it: called once if the result is there before the other side ended.
 */
export type Launch = (errand: Errand, running: Running) => () => void

/** The result, or where on its way the script was stopped. Rejects with what `onLine` threw. */
export async function runErrand(
  errand: Errand,
  how: Pick<RunHow, 'timeoutMs' | 'onLine'>,
  { signal, launch, secret }: { readonly signal: AbortSignal; readonly launch: Launch; readonly secret?: Secret },
): Promise<RunResult | { readonly stopped: Stopped }> {
  const out = readPreamble(errand.nonce, (word) => talk.heard(word))
  const err = readPreamble(errand.nonce, (word) => {
    if (word === 'prompt') talk.heard(word)
  })
  const stdout = keep(MOST_STDOUT)
  const stderr = keep(MOST_STDERR)
  const { promise, resolve, reject } = withResolvers<RunResult | { readonly stopped: Stopped }>()
  let settled = false
  let letGo = () => {}

  const settle = (finish: () => void): boolean => {
    if (settled) return false
    settled = true
    clearTimeout(timer)
    talk.end(lastWords())
    signal.removeEventListener('abort', onAbort)
    finish()
    return true
  }
  const giveUp = (result: RunResult | { readonly stopped: Stopped }) => {
    if (settle(() => resolve(result))) letGo()
  }
  const onAbort = () => giveUp({ type: 'lost', why: whyAborted(signal) })
  const lastWords = () => hidden([err.said, out.said].find((said) => said !== '') ?? '')
  // A sudo that says its input back would put it into plans and reports.
  const hidden = (words: string) => (secret === undefined ? words : words.replaceAll(secret.password, '…'))
  const late = () => giveUp({ type: 'timed-out', afterMs: how.timeoutMs })
  const startTimer = () => setTimeout(late, Math.min(how.timeoutMs, LONGEST_WAIT))
  const talk = startTalk(errand, {
    secret,
    // While others find out whether the password is good, nothing is amiss with this host.
    waiting(isWaiting) {
      clearTimeout(timer)
      if (!isWaiting && !settled) timer = startTimer()
    },
    answered() {
      out.forget()
      err.forget()
    },
    stuck: (words = lastWords()) => giveUp({ stopped: { stage: out.stage, code: 0, words, asked: talk.asked } }),
  })
  let timer = startTimer()
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

  const hearStdout = (chunk: Buffer) => {
    if (settled) return
    const bytes = out.strip(chunk)
    stdout.add(bytes)
    guarded(() => lines?.add(bytes))
    if (out.stage !== 'ready') talk.saw(out.tail)
  }
  const hearStderr = (chunk: Buffer) => {
    if (settled) return
    stderr.add(err.strip(chunk))
    if (err.stage !== 'ready') talk.saw(err.tail)
  }
  const hearEnd = (end: End) => {
    if (settled) return
    if (end.type === 'lost') return void settle(() => resolve(end))
    if (out.stage !== 'ready') {
      const [stage, code, words] = [out.stage, end.type === 'exited' ? end.code : 128, lastWords()]
      return void settle(() => resolve({ stopped: { stage, code, words, asked: talk.asked } }))
    }
    guarded(() => lines?.end())
    const texts = { stdout: stdout.text(), stderr: stderr.text() }
    const truncated = stdout.truncated || stderr.truncated
    settle(() => resolve(end.type === 'exited' ? { ...end, ...texts, truncated } : { ...end, ...texts }))
  }
  let stdin: Stdin | undefined
  const apart = untangle(errand, {
    stdout: hearStdout,
    stderr: hearStderr,
    ended(end) {
      hearEnd(end)
      stdin?.send(HEARD)
    },
  })
  const fromTerminal = errand.climb.terminal
  const running: Running = {
    get settled() {
      return settled
    },
    opened(opened) {
      stdin = opened
      talk.opened(opened)
    },
    stdout: fromTerminal ? apart : hearStdout,
    stderr: fromTerminal ? apart : hearStderr,
    ended(end) {
      if (fromTerminal && out.stage === 'ready' && end.type !== 'lost') {
        hearEnd({ type: 'lost', why: 'the terminal on the host ended before it said how the script did' })
      } else hearEnd(end)
    },
    refused: (fault) => void settle(() => resolve({ refused: fault })),
  }
  if (signal.aborted) onAbort()
  else letGo = launch(errand, running)
  return await promise
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
