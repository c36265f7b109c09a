import { quoted } from '../input/complaint.ts'

/** A regular expression as it is written. `least` and `most` count repetitions; null: any number. */
export type RegexNode =
  | { readonly type: 'character'; readonly is: (character: string) => boolean }
  | { readonly type: 'place'; readonly holds: (text: readonly string[], at: number) => boolean }
  | { readonly type: 'look'; readonly inner: RegexNode; readonly isNegated: boolean }
  | { readonly type: 'row'; readonly items: readonly RegexNode[] }
  | { readonly type: 'choice'; readonly ways: readonly RegexNode[] }
  | { readonly type: 'repeat'; readonly inner: RegexNode; readonly least: number; readonly most: number | null }

export type ParsedRegex =
  | { readonly node: RegexNode; readonly ignoreCase: boolean }
  /** A clause: "it has a group that is not closed". */
  | { readonly wrong: string }

/** Longer ones are no pattern that a person wrote. */
const LONGEST = 1000

/**
 * Reads Python's syntax as far as it says something about one line: no references back, no looking behind.
 * https://docs.python.org/3/library/re.html#regular-expression-syntax
 */
export function parseRegex(source: string): ParsedRegex {
  if (source.length > LONGEST) return { wrong: `it is too long: more than ${LONGEST} characters` }
  const ignoreCase = source.startsWith('(?i)')
  const reader = new Reader(ignoreCase ? source.slice(4) : source, ignoreCase)
  try {
    const node = reader.choice()
    if (!reader.isAtEnd) return { wrong: 'it has a ) without its (' }
    return { node, ignoreCase }
  } catch (error) {
    if (error instanceof Unreadable) return { wrong: error.message }
    throw error
  }
}

class Unreadable extends Error {}

class Reader {
  private at = 0
  private depth = 0
  private readonly text: string
  private readonly ignoreCase: boolean

  constructor(text: string, ignoreCase: boolean) {
    this.text = text
    this.ignoreCase = ignoreCase
  }

  get isAtEnd(): boolean {
    return this.at >= this.text.length
  }

  choice(): RegexNode {
    if (++this.depth > 50) throw new Unreadable('its groups are nested too deeply')
    const ways = [this.row()]
    while (this.take('|')) ways.push(this.row())
    this.depth--
    const [only, another] = ways
    return only !== undefined && another === undefined ? only : { type: 'choice', ways }
  }

  private row(): RegexNode {
    const items: RegexNode[] = []
    while (!this.isAtEnd && !this.text.startsWith('|', this.at) && !this.text.startsWith(')', this.at))
      items.push(this.repeated(this.atom()))
    return { type: 'row', items }
  }

  private repeated(inner: RegexNode): RegexNode {
    const [all = '', sign, from, comma, to] = /^(?:([*+?])|\{(\d*)(,?)(\d*)\})/.exec(this.rest) ?? []
    // As in Python, a brace that counts nothing is a brace.
    if (all === '' || all === '{}') return inner
    this.at += all.length
    // Whether it takes as much or as little as it can makes no difference to whether it matches at all.
    this.take('?')
    if (/^[*+?]/.test(this.rest)) throw new Unreadable(`${quoted(this.rest.slice(0, 1))} repeats a repetition`)
    const counted = from === undefined ? COUNTS[sign ?? ''] : countOf(from, comma ?? '', to ?? '')
    if (counted === undefined) throw new Unreadable(`${quoted(all)} repeats more than 300 times, or backwards`)
    return { type: 'repeat', inner, ...counted }
  }

  private atom(): RegexNode {
    const character = String.fromCodePoint(this.text.codePointAt(this.at) ?? 0)
    if (/[*+?]/.test(character)) throw new Unreadable(`${quoted(character)} has nothing before it to repeat`)
    if (character === '(') return this.group()
    if (character === '[') return this.set()
    if (character === '\\') return this.escape()
    this.at += character.length
    if (character === '.') return { type: 'character', is: (each) => each !== '\n' }
    if (character === '^') return { type: 'place', holds: (_, at) => at === 0 }
    if (character === '$') return { type: 'place', holds: (text, at) => at === text.length }
    const wanted = this.ignoreCase ? character.toLowerCase() : character
    return { type: 'character', is: (each) => each === wanted }
  }

  private group(): RegexNode {
    const [opening = '', kind = ''] = /^\((\?(?::|P<[A-Za-z_]\w*>|=|!|[^)]{0,2}))?/.exec(this.rest) ?? []
    const isLook = kind === '?=' || kind === '?!'
    if (kind !== '' && kind !== '?:' && !isLook && !/^\?P<.+>$/.test(kind))
      throw new Unreadable(`ctfleet does not follow ${quoted(opening)} in it`)
    this.at += opening.length
    const inner = this.choice()
    if (!this.take(')')) throw new Unreadable('it has a ( without its )')
    return isLook ? { type: 'look', inner, isNegated: kind === '?!' } : inner
  }

  private escape(): RegexNode {
    const letter = this.text.charAt(this.at + 1)
    this.at += 2
    switch (letter) {
      case '':
        throw new Unreadable('it ends with a \\')
      case 'A':
        return { type: 'place', holds: (_, at) => at === 0 }
      case 'Z':
        return { type: 'place', holds: (text, at) => at === text.length }
      case 'b':
      case 'B':
        return { type: 'place', holds: (text, at) => isBetweenWords(text, at) === (letter === 'b') }
      default: {
        const known = CLASSES[letter]
        if (known === undefined && /[A-Za-z0-9]/.test(letter))
          throw new Unreadable(`ctfleet does not follow ${quoted(`\\${letter}`)} in it`)
        return this.characterIn(known ?? `[${escaped(letter)}]`)
      }
    }
  }

  /** `[…]`, handed to JavaScript's own, in which a `[` inside has to be escaped. */
  private set(): RegexNode {
    const [all, negation = '', body = ''] = /^\[(\^?)(\]?(?:\\[\s\S]|[^\]\\])*)\]/.exec(this.rest) ?? []
    if (all === undefined) throw new Unreadable('it has a [ without its ]')
    this.at += all.length
    const parts = body.replaceAll(/\\([\s\S])|(^\])|([[&~|])/g, (_, letter, bracket, other) => {
      if (letter === undefined) return escaped(bracket ?? other)
      if (INNER[letter] !== undefined) return INNER[letter]
      if (/[A-Za-z0-9]/.test(letter)) throw new Unreadable(`ctfleet does not follow ${quoted(`\\${letter}`)} in it`)
      return escaped(letter)
    })
    return this.characterIn(`[${negation}${parts}]`)
  }

  private characterIn(source: string): RegexNode {
    try {
      const pattern = new RegExp(source, this.ignoreCase ? 'ui' : 'u')
      return { type: 'character', is: (each) => pattern.test(each) }
    } catch {
      throw new Unreadable(`${quoted(source)} is no set of characters`)
    }
  }

  private take(character: string): boolean {
    if (!this.text.startsWith(character, this.at)) return false
    this.at++
    return true
  }

  private get rest(): string {
    return this.text.slice(this.at)
  }
}

/** What letters stand for after a backslash, as Python has it of text: of all scripts. */
const INNER: { readonly [letter: string]: string } = {
  d: '\\p{Nd}',
  w: '\\p{L}\\p{N}_',
  s: '\\s',
  t: '\\t',
  n: '\\n',
  r: '\\r',
}
const CLASSES: { readonly [letter: string]: string } = {
  ...Object.fromEntries(Object.entries(INNER).map(([letter, inside]) => [letter, `[${inside}]`])),
  D: '[^\\p{Nd}]',
  W: '[^\\p{L}\\p{N}_]',
  S: '[^\\s]',
}

type Count = { readonly least: number; readonly most: number | null }
const COUNTS: { readonly [sign: string]: Count } = {
  '*': { least: 0, most: null },
  '+': { least: 1, most: null },
  '?': { least: 0, most: 1 },
}

function countOf(from: string, comma: string, to: string): Count | undefined {
  const least = Number(from)
  const most = comma === '' ? least : to === '' ? null : Number(to)
  return Math.max(least, most ?? 0) > 300 || (most !== null && most < least) ? undefined : { least, most }
}

function escaped(character: string): string {
  return /[\\^$.*+?()[\]{}|/-]/.test(character) ? `\\${character}` : character
}

function isBetweenWords(text: readonly string[], at: number): boolean {
  const isWord = (character: string | undefined) => character !== undefined && /[\p{L}\p{N}_]/u.test(character)
  return isWord(text[at - 1]) !== isWord(text[at])
}
