import type { Command, Option } from '../commander.ts'

/** What may stand where the cursor is, and of what the beginning of it says nothing yet. */
export type Place = {
  readonly command: Command
  /** What is typed of the word at the cursor, or of an option's value behind `=`. */
  readonly begun: string
  /** What stands in the same word before that, `--format=`: to be kept. */
  readonly kept: string
  /** The option whose value it is; null where it is a word or an option itself. */
  readonly option: Option | null
  /** Words of the command that are neither options nor their values, before the cursor. */
  readonly words: readonly string[]
  /** Values of options that were given, by the option's attribute; of those that take none an empty one. */
  readonly given: ReadonlyMap<string, string>
}

/** Goes along what is typed, as commander would, up to the last word, at which the cursor is. */
export function placeOf(program: Command, typed: readonly string[]): Place {
  let command = program
  let waiting: Option | null = null
  let onlyWords = false
  const words: string[] = []
  const given = new Map<string, string>()
  for (const word of typed.slice(0, -1)) {
    if (waiting !== null) {
      given.set(waiting.attributeName(), word)
      waiting = null
    } else if (onlyWords || !word.startsWith('-') || word === '-') {
      const inner = words.length === 0 ? command.commands.find((each) => each.name() === word) : undefined
      if (inner === undefined) words.push(word)
      else command = inner
    } else if (word === '--') onlyWords = true
    else {
      const [, name = word, value] = /^(--[^=]+)=(.*)$/s.exec(word) ?? []
      const option = optionNamed(command, name)
      if (option === undefined) continue
      if (value === undefined && takesValue(option)) waiting = option
      else given.set(option.attributeName(), value ?? '')
    }
  }
  const last = typed.at(-1) ?? ''
  const at = { command, words, given }
  if (waiting !== null) return { ...at, begun: last, kept: '', option: waiting }
  const [, name, value] = onlyWords ? [] : (/^(--[^=]+)=(.*)$/s.exec(last) ?? [])
  const option = name === undefined ? undefined : optionNamed(command, name)
  if (name === undefined || value === undefined || option === undefined)
    return { ...at, begun: last, kept: '', option: null }
  return { ...at, begun: value, kept: `${name}=`, option }
}

function optionNamed(command: Command, name: string): Option | undefined {
  return optionsOf(command).find(({ long, short }) => name === long || name === short)
}

/** Those that help shows. */
export function optionsOf(command: Command): readonly Option[] {
  return command.createHelp().visibleOptions(command)
}

function takesValue({ required, optional }: Option): boolean {
  return required || optional
}
