import { PassThrough } from 'node:stream'
import type { ReadStream } from 'node:tty'

/** What a question reads: the terminal's keys, without what is no answer. */
export type Keyboard = { readonly input: PassThrough; readonly close: () => void }

/** Opens it; until it is closed, nobody else reads the terminal. */
export function keyboardOf(terminal: ReadStream): Keyboard {
  const keys = new PassThrough()
  const input = Object.assign(keys, {
    isTTY: true,
    setRawMode: (raw: boolean) => {
      terminal.setRawMode(raw)
      return keys
    },
  })
  let state = UNTOUCHED
  const hear = (chunk: Buffer) => {
    const heard = keysIn(chunk.toString(), state, Date.now())
    state = heard.state
    if (heard.keys !== '') keys.write(heard.keys)
  }
  terminal.on('data', hear)
  terminal.resume()
  const close = () => {
    terminal.off('data', hear)
    terminal.pause()
  }
  return { input, close }
}

/** `deafUntil`: milliseconds, as `now`. */
export type KeysState = { readonly isPasting: boolean; readonly deafUntil: number }

export const UNTOUCHED: KeysState = { isPasting: false, deafUntil: 0 }

/** A person does not read a question and answer it faster than this. */
const DEAF_MS = 40

const [PASTE, PASTED] = ['\x1b[200~', '\x1b[201~']

/**
 * What of a chunk may answer a question. An answer is one line: what comes in several at once was pasted, and what comes right
 * behind an Enter was sent before anybody could read what is asked next. Ctrl-C is heard wherever it stands, and so is Ctrl-D,
 * which means the same.
 * @param now milliseconds
 */
export function keysIn(
  chunk: string,
  { isPasting, deafUntil }: KeysState,
  now: number,
): { readonly keys: string; readonly state: KeysState } {
  if (/[\x03\x04]/.test(chunk)) return { keys: '\x03', state: UNTOUCHED }
  const stillPasting = isPasting ? !chunk.includes(PASTED) : chunk.lastIndexOf(PASTE) > chunk.lastIndexOf(PASTED)
  const enters = chunk.match(/\r\n|[\r\n]/g)?.length ?? 0
  const isOneLine = enters === 0 || (enters === 1 && /[\r\n]$/.test(chunk))
  const isDropped = isPasting || chunk.includes(PASTE) || !isOneLine || now < deafUntil
  return {
    keys: isDropped ? '' : chunk,
    state: { isPasting: stillPasting, deafUntil: enters > 0 || now < deafUntil ? now + DEAF_MS : 0 },
  }
}
