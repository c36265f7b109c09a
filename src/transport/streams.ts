import { StringDecoder } from 'node:string_decoder'
import type { Stage } from './bootstrap.ts'

const NEWLINE = 0x0a
/** Bytes of login noise that are searched for our next line, and bytes of it that are kept to be shown. */
const SEARCHED = 8192
const SHOWN = 600

/** Parts what the login and sudo say from what the script says, at the lines that carry our nonce. */
export type Preamble = {
  readonly stage: Stage | undefined
  /** What was said since the last line of ours, cut to a length that can be shown. */
  readonly said: string
  /** Takes bytes as they arrive and gives back those that belong to the script. */
  strip(chunk: Buffer): Buffer
}

export function readPreamble(nonce: string): Preamble {
  let stage: Stage | undefined
  let said = Buffer.alloc(0)
  let pending = Buffer.alloc(0)
  const note = (bytes: Buffer) => {
    said = Buffer.concat([said, bytes]).subarray(0, SHOWN)
  }
  return {
    get stage() {
      return stage
    },
    get said() {
      return Buffer.concat([said, pending]).toString('utf8').slice(0, SHOWN).trim()
    },
    strip(chunk) {
      if (stage === 'ready') return chunk
      pending = Buffer.concat([pending, chunk])
      for (let from = pending.indexOf(nonce); from !== -1; from = pending.indexOf(nonce)) {
        const to = pending.indexOf(NEWLINE, from)
        if (to === -1) break
        stage = pending.toString('latin1', from + nonce.length + 1, to) as Stage
        said = Buffer.alloc(0)
        pending = pending.subarray(to + 1)
        if (stage === 'ready') return pending
      }
      if (pending.length > SEARCHED) {
        note(pending.subarray(0, -nonce.length * 2))
        pending = pending.subarray(-nonce.length * 2)
      }
      return Buffer.alloc(0)
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
