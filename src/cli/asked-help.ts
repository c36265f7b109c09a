import type { Command } from './commander.ts'

/**
 * `help a b` as `a b --help`, at any depth; and where a command that there is not is asked for its help, only its name, since the parser
 * would print the help of what is above it and not say a word about the name.
 */
export function askedHelp(program: Command, words: readonly string[]): readonly string[] {
  const isHelp = words[0] === 'help'
  const rest = isHelp ? words.slice(1) : words
  if (!isHelp && !rest.some((word) => word === '--help' || word === '-h')) return words
  const names = rest.slice(0, rest.findIndex((word) => word.startsWith('-')) >>> 0)
  let command = program
  for (const [at, name] of names.entries()) {
    if (command.commands.length === 0) break
    const inner = command.commands.find((each) => each.name() === name)
    if (inner === undefined) return names.slice(0, at + 1)
    command = inner
  }
  return isHelp && names.length > 0 ? [...names, '--help'] : words
}
