import type { Json } from '../model/json.ts'

/**
 * What Python's `ast.literal_eval` makes of a text, as far as JSON can say it: tuples and sets are lists, bytes are text.
 * Undefined where it is no literal, which Ansible's INI then takes as the text that it is; so is a whole number that doubles
 * cannot hold.
 */
export function pythonLiteral(text: string): { readonly value: Json } | undefined {
  const reader = new Reader(text)
  try {
    const value = reader.whole()
    return value === undefined ? undefined : { value }
  } catch (error) {
    if (error instanceof NoLiteral) return undefined
    throw error
  }
}

class NoLiteral extends Error {}

const DEEPEST = 50

/** Recursive descent over one line. */
class Reader {
  readonly #text: string
  #at: number
  #depth = 0

  constructor(text: string) {
    this.#text = text
    this.#at = 0
  }

  whole(): Json | undefined {
    this.#blanks()
    if (this.#end()) return undefined
    const first = this.#value()
    const value = this.#next(',') ? [first, ...this.#items('')] : first
    return this.#end() ? value : undefined
  }

  #value(): Json {
    if (++this.#depth > DEEPEST) throw new NoLiteral()
    const value = this.#bare()
    this.#depth--
    this.#blanks()
    return value
  }

  #bare(): Json {
    this.#blanks()
    const char = this.#text[this.#at] ?? ''
    if (char === '[') return this.#closed(']')
    if (char === '(') return this.#parenthesis()
    if (char === '{') return this.#braces()
    if (char === '+' || char === '-') {
      this.#at++
      // Python takes one sign, no second one.
      const value = this.#sees('+') || this.#sees('-') ? null : this.#value()
      if (typeof value !== 'number') throw new NoLiteral()
      return char === '-' ? 0 - value : value
    }
    if (/^[bru]{0,2}['"]/i.test(this.#text.slice(this.#at, this.#at + 3))) return this.#strings()
    const number = this.#match(NUMBER)
    if (number !== undefined) return numberOf(number)
    const word = this.#match(/[A-Za-z_]\w*/y)
    if (word === 'True') return true
    if (word === 'False') return false
    if (word === 'None') return null
    throw new NoLiteral()
  }

  #closed(end: string): Json {
    this.#at++
    const items = this.#items(end)
    this.#expect(end)
    return items
  }

  #parenthesis(): Json {
    this.#at++
    this.#blanks()
    if (this.#next(')')) return []
    const first = this.#value()
    if (this.#next(')')) return first
    this.#expect(',')
    const items = [first, ...this.#items(')')]
    this.#expect(')')
    return items
  }

  #braces(): Json {
    this.#at++
    this.#blanks()
    if (this.#next('}')) return {}
    const first = this.#value()
    if (!this.#next(':')) {
      const items = this.#next(',') ? [first, ...this.#items('}')] : [first]
      this.#expect('}')
      return items
    }
    const entries: [string, Json][] = [[keyOf(first), this.#value()]]
    while (this.#next(',') && !this.#sees('}')) {
      const key = keyOf(this.#value())
      this.#expect(':')
      entries.push([key, this.#value()])
    }
    this.#expect('}')
    return Object.fromEntries(entries)
  }

  /** What stands between commas, up to the closing sign, or to the end where there is none. */
  #items(end: string): Json[] {
    const items: Json[] = []
    for (;;) {
      this.#blanks()
      if (end === '' ? this.#end() : this.#sees(end)) return items
      items.push(this.#value())
      if (!this.#next(',')) return items
    }
  }

  /** Neighbours are one text: `'a' "b"`. */
  #strings(): Json {
    let whole = ''
    const kinds = new Set<boolean>()
    let prefix = this.#match(/[bru]{0,2}(?=['"])/iy)
    while (prefix !== undefined) {
      if (/^(?:uu|bb|rr|u[rb]|[rb]u)$/i.test(prefix)) throw new NoLiteral()
      // Text and bytes do not join.
      if (kinds.add(/b/i.test(prefix)).size > 1) throw new NoLiteral()
      whole += this.#string(/r/i.test(prefix))
      this.#blanks()
      prefix = this.#match(/[bru]{0,2}(?=['"])/iy)
    }
    return whole
  }

  #string(raw: boolean): string {
    const quote = this.#match(/'''|"""|'|"/y) ?? ''
    let text = ''
    while (!this.#text.startsWith(quote, this.#at)) {
      const char = this.#text[this.#at]
      if (char === undefined) throw new NoLiteral()
      this.#at++
      if (char !== '\\') text += char
      else if (raw) text += char + (this.#text[this.#at++] ?? '')
      else text += this.#escaped()
    }
    this.#at += quote.length
    return text
  }

  #escaped(): string {
    const code = this.#match(/x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}/y)
    if (code !== undefined) return character(Number.parseInt(code.slice(1), 16))
    const octal = this.#match(/[0-7]{1,3}/y)
    if (octal !== undefined) return character(Number.parseInt(octal, 8))
    const char = this.#text[this.#at++]
    // \N names characters, of which we know no names.
    if (char === undefined || /[xuUN]/.test(char)) throw new NoLiteral()
    return ESCAPES[char] ?? `\\${char}`
  }

  #blanks(): void {
    this.#match(/[ \t\f]+/y)
  }

  /** Nothing more, but for a comment. */
  #end(): boolean {
    this.#blanks()
    return this.#at >= this.#text.length || (this.#text[this.#at] === '#' && this.#depth === 0)
  }

  #sees(sign: string): boolean {
    this.#blanks()
    return this.#text[this.#at] === sign
  }

  #next(sign: string): boolean {
    const here = this.#sees(sign)
    if (here) this.#at++
    return here
  }

  #expect(sign: string): void {
    if (!this.#next(sign)) throw new NoLiteral()
  }

  #match(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    this.#at += found?.length ?? 0
    return found
  }
}

const NUMBER =
  /(?:0[xX](?:_?[0-9a-fA-F])+|0[oO](?:_?[0-7])+|0[bB](?:_?[01])+|(?:\d(?:_?\d)*(?:\.(?:\d(?:_?\d)*)?)?|\.\d(?:_?\d)*)(?:[eE][-+]?\d(?:_?\d)*)?)(?![\w.])/y

const ESCAPES: { readonly [char: string]: string } = {
  '\\': '\\',
  "'": "'",
  '"': '"',
  a: '\x07',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
  v: '\v',
}

function numberOf(written: string): Json {
  const text = written.replaceAll('_', '')
  if (/^0[xob]/i.test(text)) return safe(Number(text))
  if (/^\d+$/.test(text)) {
    if (/^0+[1-9]/.test(text)) throw new NoLiteral()
    return safe(Number(text))
  }
  if (!/\d/.test(text) || !/^(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?$/.test(text)) throw new NoLiteral()
  const number = Number(text)
  if (!Number.isFinite(number)) throw new NoLiteral()
  return number
}

function safe(number: number): number {
  if (!Number.isSafeInteger(number)) throw new NoLiteral()
  return number
}

/** A key as JSON has it. */
function keyOf(value: Json): string {
  // Python has no lists and maps as keys; a tuple could be one, and could not be written as JSON.
  if (typeof value === 'object' && value !== null) throw new NoLiteral()
  return String(value)
}

function character(code: number): string {
  if (code > 0x10ffff) throw new NoLiteral()
  return String.fromCodePoint(code)
}
