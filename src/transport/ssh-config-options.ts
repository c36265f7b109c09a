import type { Complaint } from '../input/complaint.ts'
import type { SshOption } from '../model/host.ts'
import { keywordOf, unknownKeyword, type Wrong, wrongValue } from './ssh-config-keywords.ts'
import { splitWords } from './ssh-config-words.ts'

export type ReadOption = { readonly keyword: string; readonly words: readonly string[]; readonly rest: string }

/** What `-o` and the like say. A file's name may hold spaces there without quotes. */
export function readOption({ keyword: name, value }: SshOption): ReadOption | { readonly wrong: Wrong } {
  const keyword = keywordOf(name.toLowerCase())
  if (keyword === null) return { wrong: unknownKeyword(name) }
  const isPath = keyword === 'identityfile' || keyword === 'certificatefile'
  const words = isPath && !/["'\\]/.test(value) ? [value] : splitWords(value)
  const wrong = words === null ? { message: 'a quote is not closed', hint: null } : wrongValue(keyword, words, value)
  if (wrong !== null) return { wrong: { ...wrong, message: `${name}: ${wrong.message}` } }
  return { keyword, words: words ?? [], rest: value }
}

/** A complaint at `inventory.yaml:14:9` or `~/.ssh/config:4`. */
export function placed(at: string, message: string, hint: string | null = null): Complaint {
  const [, file = at, line, column = '1'] = /^(.*?):(\d+)(?::(\d+))?$/s.exec(at) ?? []
  const place = line === undefined ? { line: null, column: null } : { line: Number(line), column: Number(column) }
  return { file, ...place, path: '', message, hint }
}
