import { StringDecoder } from 'node:string_decoder'
import { isStage, PROMPT, type Stage } from './bootstrap.ts'

const NEWLINE = 0x0a
/** Bytes of login noise that are searched for our next line, and bytes of it that are kept to be shown. */
const SEARCHED = 8192
const SHOWN = 600

/** Parts what the login and sudo say from what the script says, at the lines that carry our nonce. */
export type Preamble = {
  readonly stage: Stage | undefined
  /** What was said since the last line of ours, cut to a length that can be shown. */
  readonly said: string
  /** The end of what was said last, as it came; empty where a line of ours was last. */
  readonly tail: string
  /** Takes bytes as they arrive and gives back those that belong to the script. */
  strip(chunk: Buffer): Buffer
  /** What was said so far is of no interest any more. */
  forget(): void
}

/** @param onWord hears each line of ours, and a prompt that carries our nonce. */
export function readPreamble(nonce: string, onWord: (word: Stage | 'prompt') => void = () => {}): Preamble {
  let stage: Stage | undefined
  let said = Buffer.alloc(0)
  let pending = Buffer.alloc(0)
  const note = (bytes: Buffer) => {
    said = Buffer.concat([said, bytes]).subarray(0, SHOWN)
  }
  /** The word after the nonce that stands at `at`, or null for none of ours, and where it ends; undefined while it is not all there. */
  const wordAt = (at: number): { readonly word: Stage | 'prompt' | null; readonly to: number } | undefined => {
    const from = at + nonce.length
    if (pending.toString('latin1', from, from + PROMPT.length) === PROMPT) {
      const to = from + PROMPT.length
      // A shell that shows what it runs shows the prompt too, and goes on behind it; who asks waits.
      return { word: pending.length === to ? 'prompt' : null, to }
    }
    const newline = pending.indexOf(NEWLINE, from)
    if (newline === -1) return undefined
    const word = pending.toString('latin1', from + 1, newline).trimEnd()
    return { word: isStage(word) ? word : null, to: newline + 1 }
  }
  return {
    get stage() {
      return stage
    },
    get said() {
      return Buffer.concat([said, pending]).toString('utf8').slice(0, SHOWN).trim()
    },
    get tail() {
      return pending.toString('utf8', Math.max(0, pending.length - SHOWN))
    },
    strip(chunk) {
      if (stage === 'ready') return chunk
      pending = Buffer.concat([pending, chunk])
      for (let from = pending.indexOf(nonce); from !== -1; from = pending.indexOf(nonce)) {
        const found = wordAt(from)
        if (found === undefined) break
        if (found.word === null) {
          note(pending.subarray(0, found.to))
          pending = pending.subarray(found.to)
          continue
        }
        if (found.word === 'prompt') note(pending.subarray(0, from))
        else {
          stage = found.word
          said = Buffer.alloc(0)
        }
        pending = pending.subarray(found.to)
        onWord(found.word)
        if (stage === 'ready') return pending
      }
      if (pending.length > SEARCHED) {
        note(pending.subarray(0, -nonce.length * 2))
        pending = pending.subarray(-nonce.length * 2)
      }
      return Buffer.alloc(0)
    },
    forget() {
      said = Buffer.alloc(0)
      pending = Buffer.alloc(0)
    },
  }
}

/** Keeps the first `cap` bytes of a stream and lets the rest go by. */
export type Kept = { readonly truncated: boolean; add(chunk: Buffer): void; text(): string }

export function keep(cap: number): Kept {
  const chunks: Buffer[] = []
  let size = 0
  let truncated = false
  return {
    get truncated() {
      return truncated
    },
    add(chunk) {
      const room = cap - size
      truncated ||= chunk.length > room
      if (room <= 0 || chunk.length === 0) return
      chunks.push(chunk.subarray(0, room))
      size += Math.min(chunk.length, room)
    },
    text() {
      const bytes = Buffer.concat(chunks)
      // A character that the cap cut in two is left out rather than shown as a broken one.
      return truncated ? new StringDecoder('utf8').write(bytes) : bytes.toString('utf8')
    },
  }
}

/** Hands over whole lines as bytes arrive, without their newline. */
export type Lines = { add(chunk: Buffer): void; end(): void }

/** @param cap characters of a line that are kept; a longer one is handed over cut. */
export function splitLines(cap: number, onLine: (line: string) => void): Lines {
  const decoder = new StringDecoder('utf8')
  let line = ''
  const extend = (text: string) => {
    if (line.length < cap) line += text.slice(0, cap - line.length)
  }
  const add = (text: string) => {
    const [first = '', ...rest] = text.split('\n')
    extend(first)
    for (const next of rest) {
      const whole = line
      line = ''
      onLine(whole)
      extend(next)
    }
  }
  return {
    add: (chunk) => add(decoder.write(chunk)),
    end() {
      add(decoder.end())
      if (line !== '') onLine(line)
      line = ''
    },
  }
}

/** How the other side says that it is over. */
export type End =
  | { readonly type: 'exited'; readonly code: number }
  | { readonly type: 'killed'; readonly signal: string }
  | { readonly type: 'lost'; readonly why: string }
