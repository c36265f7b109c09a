import type { ReadStream, WriteStream } from 'node:tty'
import fastStringWidth from 'fast-string-width'
import pico from 'picocolors'
import type { Paper, Tone } from '../report/format.ts'
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
}

type Streams = { readonly stdin: ReadStream; readonly stdout: WriteStream; readonly stderr: WriteStream }
type Environment = { readonly [name: string]: string | undefined }

/** @param watch listens for what interrupts, and says so by what it is given. */
export function openTerminal(
  { stdin, stdout, stderr }: Streams,
  environment: Environment,
  watch: (say: Terminal['say']) => Interruption,
): Terminal {
  const toStdout = writer(stdout)
  const toStderr = writer(stderr)
  const { say, stand } = bottomOf(stderr, toStderr)
  return {
    paper: paperOn(stdout, environment),
    print: (lines) => {
      for (let at = 0; at < lines.length; at += LINES_AT_ONCE) toStdout(textOf(lines.slice(at, at + LINES_AT_ONCE)))
    },
    printText: toStdout,
    get notices() {
      return paperOn(stderr, environment)
    },
    say,
    stand,
    isLive: stderr.isTTY === true,
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    interruption: watch(say),
  }
}

/** What is said goes above the lines that stand, or the next drawing would wipe it out. */
function bottomOf(stream: WriteStream, write: (text: string) => void): Pick<Terminal, 'say' | 'stand'> {
  let standing: readonly string[] = []
  const erase = () => (standing.length === 0 ? '' : `\x1b[${standing.length}F\x1b[J`)
  return {
    say: (lines) => write(erase() + textOf(lines) + textOf(standing)),
    stand: (lines) => {
      if (stream.isTTY !== true) return
      write(erase() + textOf(lines))
      standing = lines
    },
  }
}

/** Columns of text that is in no terminal, so that its lines do not depend on who looks. */
const COLUMNS_ELSEWHERE = 100
const FEWEST_COLUMNS = 40

function paperOn(stream: WriteStream, environment: Environment): Paper {
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
    columns: Math.max(stream.isTTY ? (stream.columns ?? 80) : COLUMNS_ELSEWHERE, FEWEST_COLUMNS),
    width: widthOf,
    ink: (tone, text) => inks[tone](text),
  }
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
 * Writes until nobody reads any more: then it falls silent, since a run that changes hosts must go on when a pager is left.
 */
function writer(stream: WriteStream): (text: string) => void {
  let open = true
  stream.on('error', (error: NodeJS.ErrnoException) => {
    open = false
    if (error.code !== 'EPIPE' && error.code !== 'EIO') throw error
  })
  return (text) => {
    if (open && text !== '') stream.write(text)
  }
}

/** A report of ten thousand hosts, as one text, would take more memory than all else. */
const LINES_AT_ONCE = 5000

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
