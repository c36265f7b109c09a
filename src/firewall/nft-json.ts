import type { Json } from '../model/json.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

/** Characters of a dump, and levels of brackets in it, that we read at most. */
const MOST_CHARACTERS = 64 * 1024 * 1024
const MOST_LEVELS = 100

/** Reads JSON that came from a host: of bounded size and depth; damage is unknown, with the place of it as an offset. */
export function readJson(text: string): Reading<Json> {
  if (text.length > MOST_CHARACTERS) return unknown(`the text is longer than ${MOST_CHARACTERS} characters`)
  const damage = damageIn(text)
  if (damage !== null) return unknown(damage)
  return known(JSON.parse(text) as Json)
}

/** Goes over the text without recursion: `JSON.parse` says no place in every case, and brackets without end would fill its stack. */
function damageIn(text: string): string | null {
  const open: string[] = []
  let want: 'value' | 'first value' | 'key' | 'first key' | ':' | 'next' = 'value'
  let at = 0
  for (;;) {
    while (SPACE.has(text.charAt(at))) at += 1
    const found = text.charAt(at)
    const damaged = (expected: string) =>
      found === ''
        ? `not JSON: it ends too early, expected ${expected}`
        : `not JSON at character ${at}: expected ${expected}`
    const closes = open.at(-1) === '{' ? '}' : ']'

    if (want === 'next' && open.length === 0) return found === '' ? null : damaged('nothing more')
    if ((want === 'next' || want === 'first value' || want === 'first key') && found === closes) {
      open.pop()
      want = 'next'
      at += 1
    } else if (want === 'next') {
      if (found !== ',') return damaged(`, or ${closes}`)
      want = closes === '}' ? 'key' : 'value'
      at += 1
    } else if (want === ':') {
      if (found !== ':') return damaged(':')
      want = 'value'
      at += 1
    } else if (want === 'key' || want === 'first key') {
      const end = found === '"' ? endOfString(text, at) : null
      if (end === null) return damaged('a key')
      if (end > text.length) return ENDS_IN_STRING
      want = ':'
      at = end
    } else if (found === '{' || found === '[') {
      if (open.length === MOST_LEVELS) return `more than ${MOST_LEVELS} levels of brackets at character ${at}`
      open.push(found)
      want = found === '{' ? 'first key' : 'first value'
      at += 1
    } else {
      const end = found === '"' ? endOfString(text, at) : endOfLiteral(text, at)
      if (end === null) return damaged('a value')
      if (end > text.length) return ENDS_IN_STRING
      want = 'next'
      at = end
    }
  }
}

const ENDS_IN_STRING = 'not JSON: it ends too early, within a string'
const SPACE = new Set([' ', '\t', '\n', '\r'])

/** @returns where the string that begins at an offset is over, past the text where that ends first, or null where it is none. */
function endOfString(text: string, begin: number): number | null {
  for (let at = begin + 1; at < text.length; at += 1) {
    const char = text.charCodeAt(at)
    if (char === 0x22) return at + 1
    if (char < 0x20) return null
    if (char !== 0x5c) continue
    at += 1
    const escaped = text.charAt(at)
    if (escaped === 'u' && /^[\da-f]{4}$/i.test(text.slice(at + 1, at + 5))) at += 4
    else if (escaped !== '' && !'"\\/bfnrt'.includes(escaped)) return null
  }
  return text.length + 1
}

const LITERAL = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)(?![\w.+-])/y

function endOfLiteral(text: string, at: number): number | null {
  LITERAL.lastIndex = at
  const found = LITERAL.exec(text)?.[0]
  return found === undefined ? null : at + found.length
}
