/** What a text report is written on. Reports know no terminal: width and colour come with the paper. */
export type Paper = {
  readonly columns: number
  /** Columns that a text takes; colour takes none. */
  readonly width: (text: string) => number
  readonly ink: (tone: Tone, text: string) => string
}

/** What a piece of text means; which colour that is, or none, is the paper's affair. */
export type Tone = 'strong' | 'faint' | 'good' | 'warn' | 'bad' | 'added' | 'removed'

/** Text that may come from a host; a paragraph makes it visible before it goes on paper. */
export type Piece = string | { readonly tone: Tone; readonly text: string }

/** What stands before a paragraph's first line, and before each line that follows. */
export type Indent = { readonly first: string; readonly rest: string }

/**
 * Sets pieces of text in lines no wider than the paper, broken at spaces and within words that are too long for a line.
 * A number stays with its thousands and with its unit. Pieces follow each other without a space.
 */
export function paragraph(paper: Paper, indent: string | Indent, ...pieces: readonly Piece[]): readonly string[] {
  const { first, rest } = typeof indent === 'string' ? { first: indent, rest: indent } : indent
  const lines: string[] = []
  let line: Run[] = []
  let used = paper.width(first)
  const put = (tone: Tone | undefined, text: string) => {
    const last = line.at(-1)
    if (last !== undefined && last.tone === tone) last.text += text
    else line.push({ tone, text })
    used += paper.width(text)
  }
  const end = () => {
    const text = line.map((run) => (run.tone === undefined ? run.text : paper.ink(run.tone, run.text))).join('')
    lines.push(((lines.length === 0 ? first : rest) + text).trimEnd())
    line = []
    used = paper.width(rest)
  }
  const words = wordsOf(pieces)
  for (const [at, { tone, text, spaced }] of words.entries()) {
    const width = paper.width(text)
    if (spaced && line.length > 0) {
      if (used + 1 + widthOfGlued(paper, words, at) > paper.columns) end()
      else put(line.at(-1)?.tone === tone ? tone : undefined, ' ')
    }
    for (const part of used + width > paper.columns ? cut(paper, text, used, rest) : [text]) {
      if (part === NEXT_LINE) end()
      else put(tone, part)
    }
  }
  if (line.length > 0 || lines.length === 0) end()
  return lines
}

/** Of a word and of what stands at it without a space, such as a comma in another tone. */
function widthOfGlued(paper: Paper, words: readonly Word[], from: number): number {
  let width = 0
  for (let at = from; at < words.length; at++) {
    const word = words[at]
    if (word === undefined || (at > from && word.spaced)) break
    width += paper.width(word.text)
  }
  return width
}

/** One line of a host's as it stands, every space in it; what does not fit goes on below, behind `rest`. */
export function verbatim(paper: Paper, { first, rest }: Indent, text: string, tone?: Tone): readonly string[] {
  const lines: string[] = []
  let line = ''
  let used = paper.width(first)
  const end = () => {
    const indent = lines.length === 0 ? first : rest
    lines.push(
      line === '' || text.trim() === ''
        ? indent.trimEnd()
        : indent + (tone === undefined ? line : paper.ink(tone, line)),
    )
    line = ''
    used = paper.width(rest)
  }
  // Spaces stay with the word after them: what stands in the lines, one after the other, is the text.
  for (const word of visible(text).match(/ *[^ ]+| +$/g) ?? []) {
    const width = paper.width(word)
    if (line !== '' && used + width > paper.columns && paper.width(rest) + width <= paper.columns) end()
    for (const part of used + width > paper.columns ? cut(paper, word, used, rest) : [word]) {
      if (part === NEXT_LINE) end()
      else {
        line += part
        used += paper.width(part)
      }
    }
  }
  end()
  return lines
}

/**
 * Escapes all that a terminal would obey or a person could not see: control characters (newline and tab among them),
 * bidirectional and zero-width characters, surrogates without a partner, unassigned and private characters, invisible
 * letters, and marks piled on one letter. Nothing is taken away, and what is visible already stays as it is.
 */
export function visible(text: string): string {
  return text.replace(UNSEEN, (found) => Array.from(found, escaped).join(''))
}

const UNSEEN =
  /[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|^\p{M}+|(?<=[\p{Z}\p{C}])\p{M}+|(?<=\p{M}{3})\p{M}+/gu

const SHORT: { readonly [character: string]: string } = { '\n': '\\n', '\r': '\\r', '\t': '\\t', '\0': '\\0' }

function escaped(character: string): string {
  const code = character.codePointAt(0) ?? 0
  return SHORT[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u{${hex(code, 4)}}`)
}

function hex(code: number, digits: number): string {
  return code.toString(16).padStart(digits, '0')
}

const NEXT_LINE = Symbol('next line')

/** Neighbours of one tone, inked as one. */
type Run = { readonly tone: Tone | undefined; text: string }

/** More of one text than anybody reads; a host may send megabytes in one line. */
const LONGEST = 4000

export function shortened(text: string, most = LONGEST): string {
  return text.length <= most ? text : `${text.slice(0, most)}… (${text.length} characters)`
}

type Word = { readonly tone: Tone | undefined; readonly text: string; readonly spaced: boolean }

/** Not between a number and its next thousands, its `%`, its unit, or what it counts. */
const BREAK = /(?<!(?:^|[ (])[\d.,\u202f]*\d) +/

function wordsOf(pieces: readonly Piece[]): readonly Word[] {
  let spaced = false
  return pieces.flatMap((piece) => {
    const { tone, text } = typeof piece === 'string' ? { tone: undefined, text: piece } : piece
    return visible(shortened(text))
      .split(BREAK)
      .flatMap((word, at) => {
        spaced ||= at > 0
        if (word === '') return []
        const made = { tone, text: word, spaced }
        spaced = false
        return [made]
      })
  })
}

/** Cuts a text that is too long for a line at whole characters. */
function cut(paper: Paper, text: string, used: number, rest: string): readonly (string | typeof NEXT_LINE)[] {
  const parts: (string | typeof NEXT_LINE)[] = []
  // On paper narrower than its own indent a line still holds something, or this would never end.
  const room = Math.max(paper.columns - paper.width(rest), 8)
  let left = Math.max(paper.columns - used, 0)
  let part = ''
  for (const character of charactersOf(text)) {
    const width = paper.width(character)
    if (width > left) {
      if (part !== '') parts.push(part)
      parts.push(NEXT_LINE)
      part = ''
      left = room
    }
    part += character
    left -= width
  }
  return part === '' ? parts : [...parts, part]
}

/** A letter and the marks on it stay together. */
function charactersOf(text: string): readonly string[] {
  return text.match(/\P{M}\p{M}*|\p{M}+/gu) ?? []
}
