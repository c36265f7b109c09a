import { extname } from 'node:path'
import { InputError, quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import type { Paper } from '../report/format.ts'
import { complainAbout } from './checks.ts'
import { type Terminal, widthOf } from './terminal.ts'
import { writeWhole } from './whole-file.ts'

/** Ways to tell something, by name, and the ending of files that are so. */
type Formats = { readonly [name: string]: { readonly ending: string } }

/** By the file's ending where none is named; text where it has none. @throws InputError for a format that there is not. */
export function formatAmong<F extends Formats>(
  formats: F,
  { format, output }: { readonly format?: string | undefined; readonly output?: string | undefined },
): keyof F & string {
  const names = Object.keys(formats)
  const isOne = (name: string): name is keyof F & string => Object.hasOwn(formats, name)
  const named = format ?? names.find((name) => output?.toLowerCase().endsWith(formats[name]?.ending ?? '\0')) ?? 'text'
  // Whoever takes the file on goes by its ending too. What has digits alone behind a dot is a date or a version.
  if (
    format === undefined &&
    output !== undefined &&
    named === 'text' &&
    !/^\.txt$|^(?:\.\d*)?$/i.test(extname(output))
  ) {
    const endings = Object.values(formats).map(({ ending }) => ending)
    throw complainAbout(
      '--output',
      `no format is known by its ending: expected ${eitherOf(endings)}, or --format, found ${quoted(extname(output))}`,
      'to write it as text all the same: --format text',
    )
  }
  if (isOne(named)) return named
  const hint = didYouMean(named, names) ?? null
  throw complainAbout('--format', `expected ${eitherOf(names)}, found ${quoted(named)}`, hint)
}

function eitherOf(words: readonly string[]): string {
  return `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`
}

/** On the terminal, or in a file: then without colour, and no wider than a mail bears. */
export async function deliver(
  output: string | undefined,
  write: (paper: Paper) => string,
  terminal: Terminal,
): Promise<void> {
  if (output === undefined) terminal.printText(write(terminal.paper))
  else await writeWhole(output, write(IN_A_FILE), READ_BY_MASK)
}

/**
 * Delivers what took long to come by: where its file cannot be written it is printed, as `text`.
 * @returns why it could not be written; null where it was.
 */
export async function deliverOrPrint(
  output: string | undefined,
  write: (paper: Paper) => string,
  terminal: Terminal,
  text: () => string,
): Promise<InputError | null> {
  try {
    await deliver(output, write, terminal)
    return null
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    terminal.printText(text())
    return error
  }
}

/** Who may read it, the umask says: a report is made to be handed on. */
const READ_BY_MASK = 0o666

const IN_A_FILE: Paper = { columns: 100, width: widthOf, ink: (_tone, text) => text }
