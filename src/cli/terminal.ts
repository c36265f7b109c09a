import { Socket } from 'node:net'
import type { ReadStream, WriteStream } from 'node:tty'
import fastStringWidth from 'fast-string-width'
import pico from 'picocolors'
import { plainReason } from '../input/system-error.ts'
import { type Paper, type Tone, visible } from '../report/format.ts'
import { type Echo, echoOf, NOT_OURS } from './echo.ts'
import { type Events, newEvents } from './events.ts'
import type { Interruption } from './interruption.ts'

/** Where a person, a file or a program reads what we say. */
export type Terminal = {
  /** The report, on stdout: nothing else goes there, so that it can be piped. */
  readonly paper: Paper
  readonly print: (lines: readonly string[]) => void
  readonly printText: (text: string) => void
  /** Everything about the work itself, on stderr. */
  readonly notices: Paper
  readonly say: (lines: readonly string[]) => void
  /** Sets the lines that stand below all else until they are set anew; nothing without a terminal. */
  readonly stand: (lines: readonly string[]) => void
  /** stderr is a terminal: lines can be taken back. */
  readonly isLive: boolean
  /** Somebody can be asked: stdin and stderr are a terminal. */
  readonly canAsk: boolean
  readonly interruption: Interruption
  /** Somebody reads the report as they like, by a pager or on a terminal: all of it may be through in hours, or never. */
  readonly hasReader?: boolean
  /**
   * Once all of it is written, or cannot be: why a part of the report did not get through, as a clause; null: nothing was lost
   * but to a reader that left.
   */
  readonly reportLost?: () => Promise<string | null>
  /** What happens, for programs; absent: nobody listens. */
  readonly events?: Events
}

type Streams = { readonly stdin: ReadStream; readonly stdout: WriteStream; readonly stderr: WriteStream }
type Environment = { readonly [name: string]: string | undefined }

/**
 * @param watch listens for what interrupts, and says so by what it is given.
 * @param echo of the terminal that stdin is
 */
export function openTerminal(
  { stdin, stdout, stderr }: Streams,
  environment: Environment,
  watch: (say: Terminal['say']) => Interruption,
  echo: Echo = echoOf(),
): Terminal {
  let lost: string | null = null
  const toStdout = writer(stdout, (reason) => {
    lost = reason
  })
  // There is nowhere to complain of it.
  const toStderr = writer(stderr, () => undefined)
  const canAsk = stdin.isTTY === true && stderr.isTTY === true
  // That a terminal is gone ends no work: who reads it hears so too.
  stdin.on('error', () => undefined)
  // A pager at the other end of a pipe has the keys.
  const columns = () => columnsOfTerminal(stderr, environment)
  const { say, stand } = bottomOf(stderr, columns, toStderr, canAsk && !isPipe(stdout) ? echo : NOT_OURS)
  return {
    paper: paperOn(stdout, stderr, environment),
    print: (lines) => {
      for (let at = 0; at < lines.length; at += LINES_AT_ONCE) toStdout(textOf(lines.slice(at, at + LINES_AT_ONCE)))
    },
    printText: toStdout,
    get notices() {
      return paperOn(stderr, stdout, environment)
    },
    say,
    stand,
    isLive: stderr.isTTY === true,
    canAsk,
    interruption: watch(say),
    hasReader: stdout.isTTY === true || isPipe(stdout),
    reportLost: async () => {
      await drained(stdout)
      return lost
    },
    events: newEvents((sentence) => say([visible(sentence)])),
  }
}

/**
 * What is said goes above the lines that stand, or the next drawing would wipe it out. So does nothing that is typed: it would move
 * them, and the next drawing would leave a copy.
 */
function bottomOf(
  stream: WriteStream,
  columns: () => number,
  write: (text: string) => void,
  echo: Echo,
): Pick<Terminal, 'say' | 'stand'> {
  let standing: readonly string[] = []
  // A window that was made narrower since has broken them into more lines.
  const rows = () => standing.reduce((sum, line) => sum + Math.max(1, Math.ceil(widthOf(line) / columns())), 0)
  // Row by row: of what is wiped out from the first row of a screen on, tmux keeps a copy in its history, ten a second.
  const erase = () => {
    if (standing.length === 0) return ''
    const up = `\x1b[${rows()}F`
    return up + '\x1b[2K\x1b[1E'.repeat(rows()) + up
  }
  return {
    say: (lines) => write(erase() + textOf(lines) + textOf(standing)),
    stand: (lines) => {
      if (stream.isTTY !== true) return
      if (lines.length > 0) echo.off()
      write(erase() + textOf(lines))
      standing = lines
      if (lines.length === 0) echo.asBefore()
    },
  }
}

/** Columns of text in a file, so that its lines do not depend on who looks. */
const COLUMNS_ELSEWHERE = 100
const FEWEST_COLUMNS = 40

/** @param beside the other stream: what goes through a pipe comes out on its screen, mostly. */
function paperOn(stream: WriteStream, beside: WriteStream, environment: Environment): Paper {
  const colours = pico.createColors(wantsColour(stream, environment))
  const inks: Readonly<Record<Tone, (text: string) => string>> = {
    strong: colours.bold,
    faint: colours.dim,
    good: colours.green,
    warn: colours.yellow,
    bad: colours.red,
    added: colours.green,
    removed: colours.red,
  }
  return {
    columns: Math.max(columnsOf(stream, beside, environment), FEWEST_COLUMNS),
    width: widthOf,
    ink: (tone, text) => inks[tone](text),
  }
}

function columnsOf(stream: WriteStream, beside: WriteStream, environment: Environment): number {
  if (stream.isTTY) return columnsOfTerminal(stream, environment)
  const asSaid = columnsSaid(environment)
  if (asSaid !== null) return asSaid
  return isPipe(stream) && beside.isTTY ? columnsOfTerminal(beside, environment) : COLUMNS_ELSEWHERE
}

/**
 * Those of a terminal, for all that is drawn on it. One that nobody gave a size, a serial console or a container's, says 0 or some
 * nonsense; then it has those that `COLUMNS` says.
 */
export function columnsOfTerminal({ columns }: Pick<WriteStream, 'columns'>, environment: Environment): number {
  return [columns, columnsSaid(environment)].find((some) => (some ?? 0) >= FEWEST_BELIEVED) ?? UNSIZED_COLUMNS
}

const UNSIZED_COLUMNS = 80
const FEWEST_BELIEVED = 20

function columnsSaid({ COLUMNS = '' }: Environment): number | null {
  return /^[1-9]\d{0,3}$/.test(COLUMNS) ? Number(COLUMNS) : null
}

function isPipe(stream: WriteStream): boolean {
  return !stream.isTTY && stream instanceof Socket
}

/** Columns that a terminal shows a text in. */
export function widthOf(text: string): number {
  return PRINTABLE_ASCII.test(text) ? text.length : fastStringWidth(text)
}

const PRINTABLE_ASCII = /^[ -~]*$/

/** https://no-color.org, and FORCE_COLOR for a pager that can show it. */
function wantsColour(stream: WriteStream, { NO_COLOR, FORCE_COLOR, TERM }: Environment): boolean {
  if (NO_COLOR) return false
  if (FORCE_COLOR !== undefined) return FORCE_COLOR !== '0' && FORCE_COLOR !== 'false'
  return stream.isTTY === true && TERM !== 'dumb'
}

/**
 * Writes until nobody reads any more, or nothing can be written: then it falls silent, since a run that changes hosts must
 * go on when a pager is left, and a watch when the disk of its log is full.
 */
function writer(stream: WriteStream, onLost: (reason: string) => void): (text: string) => void {
  let open = true
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (open && error.code !== 'EPIPE' && error.code !== 'EIO') onLost(plainReason(error))
    open = false
  })
  return (text) => {
    if (open && text !== '') stream.write(text)
  }
}

/** A pipe takes 64 KiB at a time, and ending would lose what it did not take yet. */
export async function drained(stream: WriteStream): Promise<void> {
  if (stream.writableLength > 0 && !stream.errored) await new Promise<void>((done) => stream.write('', () => done()))
  // Only then does a stream say what was wrong with its last write.
  await new Promise((told) => setImmediate(told))
}

/** A report of ten thousand hosts, as one text, would take more memory than all else. */
const LINES_AT_ONCE = 5000

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
