import type { ReadStream, WriteStream } from 'node:tty'
import fastStringWidth from 'fast-string-width'
import pico from 'picocolors'
import type { Paper, Tone } from '../report/format.ts'
import { type Interruption, watchSignals } from './interruption.ts'

/** Where a person, a file or a program reads what we say. */
export type Terminal = {
  /** The report, on stdout: nothing else goes there, so that it can be piped. */
  readonly paper: Paper
  readonly print: (lines: readonly string[]) => void
  readonly printText: (text: string) => void
  /** Everything about the work itself, on stderr. */
  readonly notices: Paper
  readonly say: (lines: readonly string[]) => void
  readonly error: WriteStream
  /** Somebody can be asked: stdin and stderr are a terminal. */
  readonly canAsk: boolean
  readonly interruption: Interruption
}

type Streams = { readonly stdin: ReadStream; readonly stdout: WriteStream; readonly stderr: WriteStream }
type Environment = { readonly [name: string]: string | undefined }

/** @param leave ends the process, for a person who interrupts twice. */
export function openTerminal(
  { stdin, stdout, stderr }: Streams,
  environment: Environment,
  leave: () => never,
): Terminal {
  const toStdout = writer(stdout)
  const toStderr = writer(stderr)
  const say = (lines: readonly string[]) => toStderr(textOf(lines))
  return {
    paper: paperOn(stdout, environment),
    print: (lines) => toStdout(textOf(lines)),
    printText: toStdout,
    notices: paperOn(stderr, environment),
    say,
    error: stderr,
    canAsk: stdin.isTTY === true && stderr.isTTY === true,
    interruption: watchSignals(say, leave),
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
    width: (text) => fastStringWidth(text),
    ink: (tone, text) => inks[tone](text),
  }
}

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

function textOf(lines: readonly string[]): string {
  return lines.map((line) => `${line}\n`).join('')
}
