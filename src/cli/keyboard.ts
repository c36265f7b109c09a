import { PassThrough } from 'node:stream'
import type { ReadStream } from 'node:tty'

/** What a question reads: the terminal's keys, without what is no answer. */
export type Keyboard = { readonly input: PassThrough; readonly close: () => void }

type Hearing = {
  /** The keys that Ctrl-D stands for; null: it breaks the question off, as Ctrl-C does. */
  readonly ctrlD: string | null
  /** What is pasted is an answer too. */
  readonly mayPaste: boolean
  /** Ctrl-C, or the terminal is gone. */
  readonly onBreak: () => void
}

/** Opens it; until it is closed, nobody else reads the terminal. */
export function keyboardOf(terminal: ReadStream, { ctrlD, mayPaste, onBreak }: Hearing): Keyboard {
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
    // Of a Ctrl-Z the prompt would stop ctfleet, and hear no key any more once it goes on.
    const typed = chunk.toString().replaceAll('\x1a', '')
    const heard = keysIn(typed, state, Date.now())
    state = heard.state
    switch (heard.type) {
      case 'break':
        return onBreak()
      case 'end':
        return ctrlD === null ? onBreak() : void keys.write(ctrlD)
      case 'keys': {
        // It would close whoever reads them, who then neither answers nor ends.
        if (mayPaste && typed.includes(CTRL_D)) return onBreak()
        const through = mayPaste ? typed : heard.keys
        if (through !== '') keys.write(through)
      }
    }
  }
  let hangUp: NodeJS.Timeout | undefined
  const onGone = () => {
    hangUp ??= setTimeout(onBreak, HANGUP_MS)
  }
  terminal.on('data', hear).on('end', onGone).on('error', onGone)
  terminal.resume()
  const close = () => {
    clearTimeout(hangUp)
    terminal.off('data', hear).off('end', onGone).off('error', onGone)
    terminal.pause()
  }
  return { input, close }
}

/** The signal that a terminal sends when it goes may come after the end of its keys, and says more: it is waited for so long. */
const HANGUP_MS = 50

/** `deafUntil`: milliseconds, as `now`. */
export type KeysState = { readonly isPasting: boolean; readonly deafUntil: number }

export const UNTOUCHED: KeysState = { isPasting: false, deafUntil: 0 }

/** A person does not read a question and answer it faster than this. */
const DEAF_MS = 40

const [PASTE, PASTED] = ['\x1b[200~', '\x1b[201~']
const [CTRL_C, CTRL_D] = ['\x03', '\x04']

type Heard = { readonly type: 'keys'; readonly keys: string } | { readonly type: 'break' | 'end' }

/**
 * What of a chunk may answer a question. An answer is one line: what comes in several at once was pasted, and what comes right
 * behind an Enter was sent before anybody could read what is asked next. Ctrl-D (`end`) is an answer too, and so only where it is
 * typed by itself; Ctrl-C (`break`) is heard wherever it stands.
 * @param now milliseconds
 */
export function keysIn(
  chunk: string,
  { isPasting, deafUntil }: KeysState,
  now: number,
): Heard & { readonly state: KeysState } {
  if (chunk.includes(CTRL_C)) return { type: 'break', state: UNTOUCHED }
  if (chunk === CTRL_D && !isPasting && now >= deafUntil) {
    return { type: 'end', state: { isPasting, deafUntil: now + DEAF_MS } }
  }
  const stillPasting = isPasting ? !chunk.includes(PASTED) : chunk.lastIndexOf(PASTE) > chunk.lastIndexOf(PASTED)
  const enters = chunk.match(/\r\n|[\r\n]/g)?.length ?? 0
  const isOneLine = enters === 0 || (enters === 1 && /[\r\n]$/.test(chunk))
  const isDropped = isPasting || chunk.includes(PASTE) || chunk.includes(CTRL_D) || !isOneLine || now < deafUntil
  return {
    type: 'keys',
    keys: isDropped ? '' : chunk,
    state: { isPasting: stillPasting, deafUntil: enters > 0 || now < deafUntil ? now + DEAF_MS : 0 },
  }
}
