/** A line of ssh_config that says something. Columns count from 1. */
export type ConfigWords = {
  /** In lower case. */
  readonly keyword: string
  readonly column: number
  /** Its arguments without quotes; a comment behind them is none. */
  readonly words: readonly string[]
  /** What stands behind the keyword, as it was written, for keywords that take the rest of the line. */
  readonly rest: string
}

/** Null where the line is empty or a comment. Splits as OpenSSH does: readconf.c, and argv_split in misc.c. */
export function configWords(line: string): ConfigWords | null | { readonly wrong: string; readonly column: number } {
  const [all = '', before = '', keyword = ''] = /^([ \t\r]*)([^\s"=]+)(?:[ \t\r]*=[ \t\r]*|[ \t\r]+|$)/.exec(line) ?? []
  if (keyword.startsWith('#') || /^\s*$/.test(line)) return null
  const column = before.length + 1
  if (keyword === '') return { wrong: 'there is no keyword', column }
  const rest = line.slice(all.length).replace(/\s+$/, '')
  if (rest === '') return { wrong: `nothing stands behind ${keyword}`, column }
  const words = splitWords(rest)
  if (words === null) return { wrong: 'a quote is not closed', column: all.length + 1 }
  return { keyword: keyword.toLowerCase(), column, words, rest }
}

/** Null where a quote is not closed. */
export function splitWords(text: string): readonly string[] | null {
  const words: string[] = []
  for (let at = 0; at < text.length; at++) {
    if (text[at] === ' ' || text[at] === '\t') continue
    if (text[at] === '#') break
    let [word, quote] = ['', '']
    for (; at < text.length; at++) {
      const [here = '', next = ''] = [text[at], text[at + 1]]
      if (here === '\\' && (next === "'" || next === '"' || next === '\\' || (quote === '' && next === ' '))) {
        word += next
        at++
      } else if (quote === '' && (here === ' ' || here === '\t')) break
      else if (quote === '' && (here === '"' || here === "'")) quote = here
      else if (here === quote) quote = ''
      else word += here
    }
    if (quote !== '') return null
    words.push(word)
  }
  return words
}
