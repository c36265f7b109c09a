import { once } from 'node:events'
import { setTimeout as pause } from 'node:timers/promises'
import { lifeWithin } from '../transport/cancel.ts'
import { keyboardOf } from './keyboard.ts'

/** What a question is asked on. */
export type On = {
  readonly input: NodeJS.ReadableStream
  /** Takes it back. */
  readonly signal: AbortSignal
}

type Manner = {
  /** The keys that Ctrl-D stands for; null: the same as Ctrl-C. */
  readonly ctrlD: string | null
  readonly mayPaste?: boolean
  /** Takes the question back, as Ctrl-C does. */
  readonly withdrawn?: AbortSignal | undefined
}

/**
 * A question from when it is put until it is answered, or broken off: by Ctrl-C, by whoever takes it back, by a signal, or as the
 * terminal is gone. Then it stands as not answered, and the terminal is as it was before.
 */
export async function openQuestion<T>(
  ask: (on: On) => Promise<T>,
  { ctrlD, mayPaste = false, withdrawn }: Manner,
  { stdin, stderr }: Pick<typeof process, 'stdin' | 'stderr'> = process,
): Promise<T | 'interrupted'> {
  if (!(await forgetTyped(stdin)) || withdrawn?.aborted === true) return 'interrupted'
  const life = lifeWithin(withdrawn ?? NEVER)
  const { signal } = life
  const onBreak = () => life.end('broken off')
  // At once: what is said about the cause comes behind it.
  const close = () => void stderr.write(NOT_ANSWERED)
  signal.addEventListener('abort', close)
  const signals = hearSignals(onBreak)
  const keyboard = keyboardOf(stdin, { ctrlD, mayPaste, onBreak })
  try {
    return await ask({ input: keyboard.input, signal })
  } catch (error) {
    if (signal.aborted) return 'interrupted'
    throw error
  } finally {
    signal.removeEventListener('abort', close)
    life.end('answered')
    keyboard.close()
    await signals.passOn()
  }
}

const NEVER = new AbortController().signal

/** On a line of its own, in the place of what was shown below the question. */
const NOT_ANSWERED = '\x1b[J\n  Not answered.'

/** Milliseconds for what lies in the terminal to arrive. */
const TYPED_MS = 40

/**
 * What was typed before a question could be read is no answer to it.
 * @returns false where Ctrl-C was among it, or where nothing can be typed any more
 */
async function forgetTyped(stdin: typeof process.stdin): Promise<boolean> {
  if (stdin.isTTY !== true) return true
  let goesOn = true
  const drop = (typed: Buffer | string) => {
    goesOn &&= !typed.toString().includes('\x03')
  }
  stdin.setRawMode(true)
  stdin.on('data', drop)
  stdin.resume()
  await pause(TYPED_MS)
  stdin.off('data', drop)
  stdin.pause()
  stdin.setRawMode(false)
  return goesOn && stdin.readable
}

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Signals end the question first; then they do what they do without one, to whoever else hears them or to the process. */
function hearSignals(onSignal: () => void): { readonly passOn: () => Promise<void> } {
  let heard: NodeJS.Signals | undefined
  const hear = (name: NodeJS.Signals) => {
    heard ??= name
    onSignal()
  }
  for (const name of SIGNALS) process.prependListener(name, hear)
  return {
    async passOn() {
      for (const name of SIGNALS) process.off(name, hear)
      if (heard === undefined || process.listenerCount(heard) > 0) return
      process.kill(process.pid, heard)
      await once(process, 'exit')
    },
  }
}
