/** A word of a rule, whether any of it stood in quotes, and where it is in the line: from `start` to before `end`, in characters. */
export type Word = { readonly text: string; readonly quoted: boolean; readonly start: number; readonly end: number }

/**
 * Splits a rule as iptables-restore does (`add_param_to_argv` in iptables/xshared.c): blanks and tabs part words, only double
 * quotes count, a backslash escapes only between them, and the closing one ends the word. Null when a quote is left open.
 */
export function wordsOf(line: string): readonly Word[] | null {
  const words: Word[] = []
  let at = 0
  for (;;) {
    while (isBlank(line[at])) at += 1
    if (at >= line.length) return words
    const start = at
    while (at < line.length && !isBlank(line[at]) && line[at] !== '"') at += 1
    if (line[at] !== '"') {
      words.push({ text: line.slice(start, at), quoted: false, start, end: at })
      continue
    }
    const close = closingQuote(line, at + 1)
    if (close === null) return null
    const inside = line.slice(at + 1, close).replaceAll(/\\(.)/gsu, '$1')
    words.push({ text: line.slice(start, at) + inside, quoted: true, start, end: close + 1 })
    at = close + 1
  }
}

function closingQuote(line: string, from: number): number | null {
  for (let at = from; at < line.length; at += 1) {
    if (line[at] === '"') return at
    if (line[at] === '\\') at += 1
  }
  return null
}

function isBlank(character: string | undefined): boolean {
  return character === ' ' || character === '\t'
}

/** A place in the words of a rule, which moves on. */
export type Cursor = { readonly words: readonly Word[]; at: number }
export type Values = { readonly negated: boolean; readonly values: readonly string[] }

/**
 * The words that follow an option, and whether a `!` before them negates it, as was written before iptables 1.4.3: `count` of
 * them, or as many as stand before the next option where nobody knows (null). Null where they are not there. In a text a lone
 * `!` is a word like others.
 */
export function valuesAt(cursor: Cursor, count: number | null, isText: boolean): Values | null {
  const { words } = cursor
  const bang = !isText && count !== 0 && isBang(words[cursor.at])
  const after = words[cursor.at + 1]
  const negated = bang && after !== undefined && !isOption(after)
  const first = cursor.at + (negated ? 1 : 0)
  let end = first
  if (count === null) while (end < words.length && !isOption(words[end]) && !isBang(words[end])) end += 1
  else end += count
  if (end > words.length || (count === null && end === first)) return null
  cursor.at = end
  return { negated, values: words.slice(first, end).map(({ text }) => text) }
}

/** Whether a word can begin an option; one in quotes cannot, but for `--name="value"`. */
export function isOption(word: Word | undefined): boolean {
  return (
    word !== undefined &&
    /^(--?[A-Za-z]|-[46]$)/.test(word.text) &&
    (!word.quoted || /^--[A-Za-z0-9-]+=/.test(word.text))
  )
}

export function isBang(word: Word | undefined): boolean {
  return word !== undefined && !word.quoted && word.text === '!'
}

/** The words as one text that parses to them again. */
export function textOf(words: readonly Word[]): string {
  return words.map(({ text, quoted }) => (quoted ? `"${text.replaceAll(/[\\"]/g, '\\$&')}"` : text)).join(' ')
}
