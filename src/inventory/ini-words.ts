/** A word of a line, and where it begins: the column, from 1. */
export type Word = { readonly text: string; readonly column: number }

/**
 * Splits a line as Python's `shlex.split(line, comments=True)` does: quotes join, a backslash escapes outside of single quotes,
 * and `#` begins a comment wherever it stands outside of quotes, inside a word too.
 * @param hash `plain`: as without `comments=True`
 */
export function splitWords(
  line: string,
  hash: 'comment' | 'plain' = 'comment',
): readonly Word[] | { readonly wrong: string } {
  const words: Word[] = []
  let at = 0
  while (at < line.length) {
    const char = line[at] ?? ''
    if (BLANK.test(char)) {
      at++
      continue
    }
    if (char === '#' && hash === 'comment') return words
    const read = readWord(line, at, hash)
    if ('wrong' in read) return read
    words.push({ text: read.text, column: at + 1 })
    if (read.comment) return words
    at = read.end
  }
  return words
}

const BLANK = /[ \t\r\n]/

function readWord(
  line: string,
  start: number,
  hash: 'comment' | 'plain',
): { readonly text: string; readonly end: number; readonly comment: boolean } | { readonly wrong: string } {
  let text = ''
  let at = start
  while (at < line.length) {
    const char = line[at] ?? ''
    if (BLANK.test(char)) return { text, end: at, comment: false }
    if (char === '#' && hash === 'comment') return { text, end: at, comment: true }
    if (char === '\\') {
      const escaped = line[at + 1]
      if (escaped === undefined) return { wrong: 'ends in a backslash that escapes nothing' }
      text += escaped
      at += 2
    } else if (char === "'" || char === '"') {
      const quoted = readQuoted(line, at + 1, char)
      if (quoted === undefined) return { wrong: `a quote (${char}) is opened and not closed` }
      text += quoted.text
      at = quoted.end
    } else {
      text += char
      at++
    }
  }
  return { text, end: at, comment: false }
}

function readQuoted(line: string, start: number, quote: string): { text: string; end: number } | undefined {
  let text = ''
  for (let at = start; at < line.length; at++) {
    const char = line[at] ?? ''
    if (char === quote) return { text, end: at + 1 }
    const next = line[at + 1]
    if (char === '\\' && quote === '"' && (next === '"' || next === '\\')) {
      text += next
      at++
    } else text += char
  }
  return undefined
}
