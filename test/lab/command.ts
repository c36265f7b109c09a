import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'

/** How a command ended. `code` is 124 when our time limit ended it, 127 when it could not be started. */
export type Ended = { readonly code: number; readonly stdout: string; readonly stderr: string }

export type RunOptions = { readonly input?: string; readonly timeoutSeconds?: number; readonly env?: NodeJS.ProcessEnv }

/** Runs a program to its end and never throws; the limit is 30 seconds unless told otherwise. */
export function run(argv: readonly string[], options: RunOptions = {}): Promise<Ended> {
  const [file = '', ...args] = argv
  const timeoutSeconds = options.timeoutSeconds ?? 30
  return new Promise((resolve) => {
    const child = execFile(
      file,
      args,
      {
        encoding: 'utf8',
        timeout: timeoutSeconds * 1000,
        killSignal: 'SIGKILL',
        maxBuffer: 512 * 1024 * 1024,
        ...(options.env === undefined ? {} : { env: options.env }),
      },
      (error, stdout, stderr) => {
        if (error === null) resolve({ code: 0, stdout, stderr })
        else if (error.killed) resolve({ code: 124, stdout, stderr: `${stderr}ended after ${timeoutSeconds} s\n` })
        else if (typeof error.code === 'number') resolve({ code: error.code, stdout, stderr })
        else resolve({ code: error.signal ? 128 : 127, stdout, stderr: `${stderr}${error.message}\n` })
      },
    )
    // A command that never reads its input closes the pipe early; its exit code says what matters.
    child.stdin?.on('error', () => undefined)
    child.stdin?.end(options.input ?? '')
  })
}

/** Runs a program that has to succeed and returns what it printed; throws with the command line and its complaint. */
export async function must(argv: readonly string[], options: RunOptions = {}): Promise<string> {
  const ended = await run(argv, options)
  if (ended.code === 0) return ended.stdout
  throw new Error(`${argv.join(' ')} exited ${ended.code}: ${(ended.stderr || ended.stdout).trim().slice(-2000)}`)
}

/** Asks again every `everyMs` until the answer is not undefined; undefined when the time is up. */
export async function poll<T>(
  ask: () => T | undefined | Promise<T | undefined>,
  limit: { readonly everyMs: number; readonly timeoutSeconds: number },
): Promise<T | undefined> {
  const end = Date.now() + limit.timeoutSeconds * 1000
  for (;;) {
    const answer = await ask()
    if (answer !== undefined || Date.now() >= end) return answer
    await sleep(limit.everyMs)
  }
}

/** Like Promise.all over `work`, with at most `width` of them under way: a lab of 100 hosts must not start 400 programs at once. */
export async function inParallel<In, Out>(
  items: readonly In[],
  width: number,
  work: (item: In) => Promise<Out>,
): Promise<Out[]> {
  const results: Out[] = []
  const queue = items.entries()
  const worker = async (): Promise<void> => {
    for (const [index, item] of queue) results[index] = await work(item)
  }
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, worker))
  return results
}
