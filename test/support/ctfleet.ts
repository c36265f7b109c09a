import { spawn } from 'node:child_process'
import { programWords } from './program.ts'

export type Said = { readonly code: number; readonly stdout: string; readonly stderr: string }

type Running = {
  readonly pid: number
  readonly ended: Promise<Said>
  /** Waits until stderr holds this; throws where the program ends before. */
  readonly until: (pattern: RegExp) => Promise<void>
  /** What stderr holds so far. */
  readonly said: () => string
  /** By SIGKILL, unless another signal is named. */
  readonly kill: (signal?: NodeJS.Signals) => void
}

/** Runs the program as a person without a terminal would. */
export async function ctfleet(words: readonly string[], env: { readonly [name: string]: string }): Promise<Said> {
  return await startCtfleet(words, env).ended
}

/**
 * The same while it runs, for whoever does something meanwhile; its code is -1 where a signal ended it.
 * @param by a command that becomes the one it is given, as `nice` does
 */
export function startCtfleet(
  words: readonly string[],
  env: { readonly [name: string]: string },
  by: readonly string[] = [],
): Running {
  const [file = '', ...rest] = [...by, ...programWords(), ...words]
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let stdout = ''
  let stderr = ''
  child.stdout.on('data', (chunk) => {
    stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    stderr += chunk
  })
  const ended = new Promise<Said>((resolve) => {
    child.once('close', (code) => resolve({ code: code ?? -1, stdout, stderr }))
  })
  const until = async (pattern: RegExp) =>
    await new Promise<void>((resolve, reject) => {
      const look = () => void (pattern.test(stderr) && resolve())
      child.stderr.on('data', look)
      look()
      void ended.then(() => reject(new Error(`it ended, and never said ${pattern}:\n${stderr}`)))
    })
  return {
    pid: child.pid ?? 0,
    ended,
    until,
    said: () => stderr,
    kill: (signal = 'SIGKILL') => void child.kill(signal),
  }
}
