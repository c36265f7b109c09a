import { constants } from 'node:os'
import { type Errand, MOST_STDERR_ON_TERMINAL, STDERR_ENDED, STDERR_FOLLOWS } from './bootstrap.ts'
import type { End } from './streams.ts'

type Apart = {
  readonly stdout: (bytes: Buffer) => void
  readonly stderr: (bytes: Buffer) => void
  /** All is heard: how the script ended. */
  readonly ended: (end: End) => void
}

/** Takes apart what comes from a terminal: stdout as it comes, then stderr, then the end, to the byte. */
export function untangle({ nonce }: Pick<Errand, 'nonce'>, { stdout, stderr, ended }: Apart): (chunk: Buffer) => void {
  const follows = Buffer.from(nonce + STDERR_FOLLOWS)
  let held = Buffer.alloc(0)
  let after: Buffer | undefined
  let isOver = false
  return (chunk) => {
    if (isOver) return
    if (after === undefined) {
      held = Buffer.concat([held, chunk])
      const at = held.indexOf(follows)
      const known = at === -1 ? held.length - begun(held, follows) : at
      stdout(held.subarray(0, known))
      held = held.subarray(known)
      if (at === -1) return
      after = held.subarray(follows.length)
    } else after = Buffer.concat([after, chunk])
    if (after.length > MOST_AFTER) {
      // Our own text over there sends less: this is somebody else's.
      isOver = true
      return ended({ type: 'lost', why: 'the terminal on the host went on after the script had ended' })
    }
    const end = after.indexOf(nonce + STDERR_ENDED)
    if (end === -1) return
    isOver = true
    const said = partCode(after.subarray(0, Math.max(0, end - 1)), nonce)
    stderr(said.stderr)
    ended(endOf(said.code))
  }
}

/** Bytes of stderr, and of what stands around it. */
const MOST_AFTER = 2 * MOST_STDERR_ON_TERMINAL

/** How many bytes at the end of `bytes` may be the beginning of `word`. */
function begun(bytes: Buffer, word: Buffer): number {
  for (let length = Math.min(bytes.length, word.length - 1); length > 0; length--) {
    if (bytes.subarray(-length).equals(word.subarray(0, length))) return length
  }
  return 0
}

/** The line with the code was written beside the script's last words, so it may stand in the middle of them. */
function partCode(said: Buffer, nonce: string): { readonly stderr: Buffer; readonly code: number | undefined } {
  const text = said.toString('latin1')
  const found = new RegExp(`${nonce} (\\d{1,3})\\n`).exec(text)
  if (found === null) return { stderr: said, code: undefined }
  const to = found.index + found[0].length
  return { stderr: Buffer.concat([said.subarray(0, found.index), said.subarray(to)]), code: Number(found[1]) }
}

/** A shell tells a signal as 128 and its number, which an exit code of that height cannot be told from. */
function endOf(code: number | undefined): End {
  if (code === undefined)
    return { type: 'lost', why: 'the terminal on the host ended without saying how the script did' }
  const killedBy = Object.entries(constants.signals).find(([, number]) => number === code - 128)?.[0]
  return killedBy === undefined ? { type: 'exited', code } : { type: 'killed', signal: killedBy }
}
