import { closeSync, constants, createWriteStream, fstatSync, openSync, type Stats } from 'node:fs'
import { Socket } from 'node:net'
import type { Writable } from 'node:stream'
import { InputError } from '../input/complaint.ts'
import { plainReason } from '../input/system-error.ts'
import type { FleetEvent } from '../model/event.ts'
import { complainAbout } from './checks.ts'

/** Where events go, as JSON, one a line, each with `version` and `time`; nowhere until it is opened. */
export type Events = {
  /**
   * @param target a file, which grows at its end, or the number of a file descriptor from 3 on
   * @throws InputError where nothing can be written there, or where it is the report's own place
   */
  readonly open: (target: string) => Promise<void>
  readonly tell: (event: FleetEvent) => void
  /** Resolves once all is written. */
  readonly close: () => Promise<void>
}

/** A reader that is so far behind is waited for no more: bytes. */
const MOST_WAITING = 16 * 1024 * 1024
/** Nor is one that reads no more at the end: milliseconds. */
const LONGEST_CLOSE = 2000
/** Of the form of the lines: members are added without a new one. */
const VERSION = 1

/** @param say hears once why no more events come; the work goes on. */
export function newEvents(say: (sentence: string) => void, now: () => Date = () => new Date()): Events {
  let stream: Writable | null = null
  const giveUp = (why: string) => {
    if (stream === null) return
    stream.destroy()
    stream = null
    say(`--events: no more are written: ${why}`)
  }
  return {
    async open(target) {
      stream = await openStream(target)
      stream.on('error', (error) => giveUp(error.message))
    },
    tell(event) {
      if (stream === null) return
      stream.write(`${printed({ version: VERSION, time: now().toISOString(), ...event })}\n`)
      if (stream.writableLength > MOST_WAITING) giveUp('their reader is too slow')
    },
    async close() {
      const open = stream
      if (open === null) return
      await new Promise<void>((resolve) => {
        const late = setTimeout(resolve, LONGEST_CLOSE)
        open.once('close', () => {
          clearTimeout(late)
          resolve()
        })
        open.end(() => open.destroy())
      })
      stream = null
    },
  }
}

/** One line, in which nothing stands that a terminal would obey: JSON by itself leaves some of that as it is. */
function printed(value: object): string {
  return JSON.stringify(value).replace(/[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu, (text) =>
    text
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  )
}

async function openStream(target: string): Promise<Writable> {
  if (/^[0-2]$/.test(target) || target === '-') throw refused(target, 'is where the report or the progress goes')
  let fd: number | null = null
  try {
    // A pipe that nobody reads is refused at once by the second flag; without it opening would wait, for ever and unheard.
    fd = /^\d+$/.test(target)
      ? Number(target)
      : openSync(target, constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NONBLOCK, 0o600)
    const stats = fstatSync(fd)
    if (stats.isDirectory()) throw refused(target, 'is a directory')
    if (isReport(stats)) throw refused(target, 'is where the report goes')
    if (!stats.isFIFO() && !stats.isSocket()) return createWriteStream(target, { fd, autoClose: true })
    // The event loop waits for room in a pipe. As a file it would keep a thread that others need, and the end of the process.
    return new Socket({ fd, readable: false, writable: true })
  } catch (error) {
    if (fd !== null && !/^\d+$/.test(target)) closeSync(fd)
    throw error instanceof InputError ? error : refused(target, `cannot be written: ${plainReason(error)}`)
  }
}

function refused(target: string, why: string) {
  return complainAbout(
    '--events',
    `${target} ${why}`,
    'name a file, or a descriptor of its own: --events 3 3> events.jsonl',
  )
}

function isReport({ dev, ino }: Stats): boolean {
  try {
    const report = fstatSync(1)
    // A terminal and /dev/null may be named twice.
    return !report.isCharacterDevice() && report.dev === dev && report.ino === ino
  } catch {
    return false
  }
}
