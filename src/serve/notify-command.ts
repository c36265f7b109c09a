import { spawn } from 'node:child_process'
import { endProgram, endWithUs } from '../inventory/end-program.ts'

/** A program and its words, run as they are: no shell reads them. */
export type NotifyCommand = readonly [program: string, ...words: string[]]

/** Milliseconds that it has, and bytes of what it says that are kept. */
const PATIENCE = 30_000
/** Milliseconds from its end until what it left running counts no more, though that holds its output open. */
const GRACE = 500
const MOST_SAID = 2000

/**
 * Gives it the text on stdin. What it prints is read, so that it never waits for us, and thrown away but for the end.
 * @returns null where it ended well, else why not, in words that follow its name.
 */
export async function notifyByCommand(
  [program, ...words]: NotifyCommand,
  text: string,
  patience = PATIENCE,
): Promise<string | null> {
  const child = spawn(program, words, { stdio: ['pipe', 'pipe', 'pipe'] })
  endWithUs(child)
  let said = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      said = (said + chunk.toString('utf8')).slice(-MOST_SAID)
    })
  }
  // It need not read all of it, nor any.
  child.stdin.on('error', () => undefined)
  child.stdin.end(text)
  let isLate = false
  let hush: NodeJS.Timeout | undefined
  const timer = setTimeout(() => {
    isLate = true
    endProgram(child)
    child.stdout.destroy()
    child.stderr.destroy()
  }, patience)
  const how = await new Promise<string | null>((resolve) => {
    child.once('error', (error) => resolve(`could not be run: ${error.message}`))
    child.once('exit', () => {
      clearTimeout(timer)
      hush = setTimeout(() => {
        child.stdout.destroy()
        child.stderr.destroy()
      }, GRACE)
    })
    child.once('close', (code, signal) => resolve(code === 0 ? null : `ended with ${code ?? signal ?? 'nothing'}`))
  })
  clearTimeout(timer)
  clearTimeout(hush)
  if (isLate) return `took longer than ${patience / 1000} s, and was ended`
  if (how === null) return null
  const last = said.trim().split('\n').at(-1) ?? ''
  return last === '' ? how : `${how}, and said: ${last.slice(0, 300)}`
}
