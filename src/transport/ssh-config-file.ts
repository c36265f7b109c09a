import { closeSync, constants, existsSync, fstatSync, openSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { InputError } from '../input/complaint.ts'
import { plainReason } from '../input/system-error.ts'
import { readUpToLimit } from '../input/text-file.ts'
import { keywordOf, unknownKeyword, type Wrong, wrongValue } from './ssh-config-keywords.ts'
import { matchesPattern } from './ssh-config-patterns.ts'
import { configWords } from './ssh-config-words.ts'

export type ConfigLine = {
  /** In lower case, and of several names the present one; null: no ssh knows it. */
  readonly keyword: string | null
  /** As it was written, in lower case. */
  readonly written: string
  readonly words: readonly string[]
  readonly rest: string
  readonly line: number
  readonly column: number
  readonly wrong: Wrong | null
}

export type ConfigText =
  | { readonly lines: readonly ConfigLine[] }
  /** `locked`: this user may not read it. */
  | { readonly refused: string; readonly hint: string | null; readonly missing?: true; readonly locked?: true }

/** Files of ssh_config as they are on this machine, each read once. */
export type ConfigFiles = {
  /** @param safe whether others than root and this user may write to it is no matter (`trusted`), or refuses it. */
  readonly read: (path: string, safe: 'checked' | 'trusted') => ConfigText
  /** The files that a path with `*`, `?` and `[…]` stands for, in order of their names. */
  readonly glob: (path: string) => readonly string[]
}

export function configFilesHere(): ConfigFiles {
  const texts = new Map<string, ConfigText>()
  const globs = new Map<string, readonly string[]>()
  return {
    read: (path, safe) => remembered(texts, `${safe} ${path}`, () => readConfig(path, safe === 'checked')),
    glob: (path) => remembered(globs, path, () => glob(path)),
  }
}

function parseConfig(text: string): readonly ConfigLine[] {
  return text.split('\n').flatMap((each, index) => {
    const read = configWords(each)
    if (read === null) return []
    const line = index + 1
    if ('wrong' in read) {
      const wrong = { message: read.wrong, hint: null }
      return { keyword: '', written: '', words: [], rest: '', line, column: read.column, wrong }
    }
    const keyword = keywordOf(read.keyword)
    const wrong = keyword === null ? unknownKeyword(read.keyword) : wrongValue(keyword, read.words, read.rest)
    return { keyword, written: read.keyword, words: read.words, rest: read.rest, line, column: read.column, wrong }
  })
}

/** Nobody's ssh_config is larger. */
const LIMIT = 1024 * 1024

function readConfig(path: string, checked: boolean): ConfigText {
  let file: number
  try {
    // Opening a pipe that nobody writes to would wait for ever, and hear no signal meanwhile.
    file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  } catch (error) {
    return whyRefused(error)
  }
  try {
    const stat = fstatSync(file)
    if (checked && !stat.isFile()) return { refused: 'is no plain file', hint: null }
    const { mode, uid, size } = stat
    if (checked && ((uid !== 0 && uid !== process.getuid?.()) || (mode & 0o022) !== 0)) {
      const refused = 'belongs to, or can be written by, others than root and this user, so ssh does not read it either'
      return { refused, hint: 'Let nobody else write to it: chmod go-w' }
    }
    if (size > LIMIT) return { refused: 'is larger than 1 MiB', hint: null }
    const bytes = readUpToLimit(file, path, LIMIT)
    if (bytes.includes(0)) return { refused: 'holds a NUL byte, so it is no text', hint: 'name a file of ssh_config' }
    return { lines: parseConfig(bytes.toString('utf8')) }
  } catch (error) {
    const [complaint] = error instanceof InputError ? error.complaints : []
    if (complaint !== undefined) return { refused: complaint.message, hint: complaint.hint }
    return whyRefused(error)
  } finally {
    closeSync(file)
  }
}

function whyRefused(error: unknown): ConfigText {
  const code = (error as NodeJS.ErrnoException).code ?? String(error)
  const missing = code === 'ENOENT' || code === 'ENOTDIR'
  const why: Readonly<Record<string, string>> = { EACCES: 'may not be read by this user', EISDIR: 'is a directory' }
  if (missing) return { refused: 'is not there', hint: 'name a file of ssh_config, or none for no file', missing }
  return {
    refused: why[code] ?? `cannot be read: ${plainReason(error)}`,
    hint: null,
    ...(code === 'EACCES' ? { locked: true } : {}),
  }
}

function glob(path: string): readonly string[] {
  let found = ['/']
  for (const part of path.split('/').filter((each) => each !== '')) {
    found = /[*?[]/.test(part)
      ? found.flatMap((at) => namesIn(at).flatMap((name) => (matchesPart(name, part) ? join(at, name) : [])))
      : found.map((at) => join(at, part))
  }
  return found.filter((each) => existsSync(each))
}

function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).toSorted()
  } catch {
    return []
  }
}

/** A name that begins with a dot has to be asked for. */
function matchesPart(name: string, pattern: string): boolean {
  if (name.startsWith('.') && !pattern.startsWith('.')) return false
  if (!pattern.includes('[')) return matchesPattern(name, pattern)
  const source = pattern.replaceAll(/\[([!^]?)([^\]]+)\]|[*?]|[^*?[]+|\[/g, (part, not?: string, set?: string) => {
    if (set !== undefined) return `[${not === '' ? '' : '^'}${set.replaceAll(/[\\^\]]/g, '\\$&')}]`
    if (part === '*' || part === '?') return part === '*' ? '.*' : '.'
    return part.replaceAll(/[\\^$.|+()[\]{}]/g, '\\$&')
  })
  try {
    return new RegExp(`^${source}$`, 's').test(name)
  } catch {
    return name === pattern
  }
}

function remembered<T>(all: Map<string, T>, key: string, make: () => T): T {
  const known = all.get(key)
  if (known !== undefined) return known
  const made = make()
  all.set(key, made)
  return made
}
