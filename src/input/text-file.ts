import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs'
import { InputError } from './complaint.ts'
import { plainReason } from './system-error.ts'

/** More than any inventory or playbook needs; keeps a mistyped path from filling the memory. */
const LIMIT = 16 * 1024 * 1024

/**
 * Reads a text that a person named, pipes among them (`ctfleet plan <(make-inventory)`).
 * @throws InputError when it is missing, a directory, unreadable, not UTF-8, with NUL bytes, or over 16 MiB.
 */
export function readTextFile(path: string): string {
  const bytes = readBytes(path)
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(bytes)
  } catch {
    throw notUtf8(path, bytes)
  }
  const nul = text.indexOf('\0')
  if (nul >= 0) throw noText(path, text.slice(0, nul))
  return text
}

function noText(file: string, before: string): InputError {
  const line = before.split('\n').length
  const column = before.length - before.lastIndexOf('\n')
  const message = 'holds a NUL byte, so it is no text'
  return new InputError([{ file, line, column, path: '', message, hint: 'is this the file you meant?' }])
}

function readBytes(path: string): Buffer {
  let file: number
  try {
    // Opening a pipe that nobody writes to would wait for ever, and hear no signal meanwhile.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    throw refuse(path, ...reasonOf(path, error))
  }
  try {
    if (fstatSync(file).isDirectory()) throw refuse(path, 'is a directory', 'name the file in it')
    return readUpToLimit(file, path)
  } catch (error) {
    throw error instanceof InputError ? error : refuse(path, ...reasonOf(path, error))
  } finally {
    closeSync(file)
  }
}

/**
 * What is behind a descriptor that does not wait (`O_NONBLOCK`), now: a pipe is waited for, and a device that never ends is not.
 * @param limit bytes, whole MiB
 * @throws InputError for a pipe that nobody writes to, or more than the limit; the system's errors otherwise
 */
export function readUpToLimit(file: number, path: string, limit = LIMIT): Buffer {
  const chunks: Buffer[] = []
  let total = 0
  const isPipe = fstatSync(file).isFIFO()
  for (let waited = 0; ; ) {
    const chunk = Buffer.allocUnsafe(256 * 1024)
    const read = readNow(file, chunk)
    if (read === 0 && !(isPipe && total === 0)) return Buffer.concat(chunks, total)
    if (read === 0 && waited >= WRITER_MS) throw refuse(path, 'is a pipe that nobody writes to', null)
    if (read === 0) waited += TICK_MS
    if (read === 0 || read === 'later') {
      rest()
      continue
    }
    total += read
    if (total > limit) throw refuse(path, `is larger than ${limit / 1024 / 1024} MiB`, 'is this the file you meant?')
    chunks.push(chunk.subarray(0, read))
  }
}

/** How long somebody may take to begin with writing to a pipe, and between two looks, in milliseconds. */
const WRITER_MS = 5000
const TICK_MS = 20

/** @returns bytes read, 0 where no more will come, `later` where some may. */
function readNow(file: number, chunk: Buffer): number | 'later' {
  try {
    return readSync(file, chunk)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 'later'
    throw error
  }
}

function rest(): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, TICK_MS)
}

function reasonOf(path: string, error: unknown): [message: string, hint: string | null] {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  switch (code) {
    case 'ENOENT':
      return [
        'no such file',
        /^--?[a-z]/i.test(path)
          ? 'the option before it wants a file, and took this one for its name'
          : 'name another file, or run ctfleet where this one is',
      ]
    case 'ENOTDIR':
      return ['no such file', 'a part of this path is a file, not a directory']
    case 'EACCES':
    case 'EPERM':
      return ['cannot be read: permission denied', 'give yourself the right to read it: chmod u+r']
    case 'EISDIR':
      return ['is a directory', 'name the file in it']
    case 'ERR_INVALID_ARG_VALUE':
      return ['is not a file name', null]
    default:
      return [`cannot be read: ${plainReason(error)}`, 'name another file']
  }
}

function notUtf8(file: string, bytes: Buffer): InputError {
  const utf16 = (bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff)
  const good = lengthOfValidText(bytes)
  const before = bytes.subarray(0, good).toString('utf8')
  const lineStart = before.lastIndexOf('\n') + 1
  return new InputError([
    {
      file,
      line: before.split('\n').length,
      column: before.length - lineStart + 1,
      path: '',
      message: utf16
        ? 'is UTF-16, not UTF-8'
        : `is not UTF-8: byte 0x${(bytes[good] ?? 0).toString(16).padStart(2, '0')} here`,
      hint: utf16
        ? `save it as UTF-8: iconv -f utf-16 -t utf-8`
        : 'save it as UTF-8, or name another file if this one is not text',
    },
  ])
}

/** How many bytes from the start are whole UTF-8 characters. */
function lengthOfValidText(bytes: Buffer): number {
  // `stream` leaves a character that is cut at the end out of text and judgement.
  const decoded = (length: number) => {
    const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    try {
      return decoder.decode(bytes.subarray(0, length), { stream: true })
    } catch {
      return undefined
    }
  }
  let valid = 0
  let invalid = bytes.length + 1
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >> 1
    if (decoded(middle) === undefined) invalid = middle
    else valid = middle
  }
  return Buffer.byteLength(decoded(valid) ?? '')
}

function refuse(file: string, message: string, hint: string | null): InputError {
  return new InputError([{ file, line: null, column: null, path: '', message, hint }])
}
