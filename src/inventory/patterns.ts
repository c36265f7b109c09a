import { InputError } from '../input/complaint.ts'
import { readTextFile } from '../input/text-file.ts'

/** One part of what `--limit` says, and where it was written. */
export type Pattern = {
  /** `&` keeps only those, `!` takes those out. */
  readonly sign: '' | '&' | '!'
  /** Without its sign. */
  readonly text: string
  /** The option, or the file that it named with `@`, and the line in it. */
  readonly file: string
  readonly line: number | null
}

/**
 * The parts of a limit, in order, with the lines of the files that it names (`@failed.txt`) in their place. Commas and
 * colons stand between parts, but not within brackets, IPv6 addresses, and names that the inventory has as a whole.
 * https://docs.ansible.com/ansible/latest/inventory_guide/intro_patterns.html
 * @throws InputError where a file cannot be read, or holds nothing: nobody means all hosts by an empty list.
 */
export function readPatterns(limit: string, isHost: (name: string) => boolean): readonly Pattern[] {
  const parts = (limit.match(BETWEEN_COMMAS) ?? []).flatMap((part) => splitColons(part.trim(), isHost))
  return parts.flatMap((part) => {
    const { sign, text } = withoutSign(part)
    return text.startsWith('@') && !isHost(text)
      ? linesOf(text.slice(1), sign)
      : [{ sign, text, file: '--limit', line: null }]
  })
}

const BETWEEN_COMMAS = /(?:\[[^\]]*\]|\{\d*,\d*\}|[^,])+/g
const BETWEEN_COLONS = /(?:\[[^\]]*\]|\(\?:|[^\s:])+/g
const IPV6 = /^(?=.*:.*:)[0-9a-f:.]+(?:%[\w.-]+)?$/i

/** Colons join patterns and also stand in IPv6 addresses: what the inventory knows as a whole stays whole. */
function splitColons(part: string, isHost: (name: string) => boolean): readonly string[] {
  const { text } = withoutSign(part)
  if (isHost(part) || isHost(text) || IPV6.test(text)) return [part]
  if (text.startsWith('@')) return part.split(':').map((each) => each.trim())
  return part.match(BETWEEN_COLONS) ?? []
}

function withoutSign(part: string): { readonly sign: Pattern['sign']; readonly text: string } {
  const [first = ''] = part
  return first === '&' || first === '!' ? { sign: first, text: part.slice(1).trim() } : { sign: '', text: part }
}

/** One a line, as `--save-failed` writes them; a line may begin with `#`. */
function linesOf(path: string, sign: Pattern['sign']): readonly Pattern[] {
  if (path === '') throw complainOf('--limit', '"@" names no file', 'write @ and its path: --limit @failed.txt')
  const patterns = readTextFile(path)
    .split('\n')
    .map((line, at) => ({ ...withoutSign(line.trim()), file: path, line: at + 1 }))
    .filter(({ text }) => text !== '' && !text.startsWith('#'))
    .map((pattern) => (sign === '' ? pattern : { ...pattern, sign }))
  if (patterns.length > 0) return patterns
  throw complainOf(path, 'names no host', 'a file for --limit has names of hosts, one a line')
}

function complainOf(file: string, message: string, hint: string): InputError {
  return new InputError([{ file, line: null, column: null, path: '', message, hint }])
}
