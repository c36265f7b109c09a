import type { Json } from '../model/json.ts'
import type { JsonObject } from './nft-shape.ts'

/**
 * How nft writes a constant. It follows from what the constant is compared with or put into, and its JSON does not say: 1 is
 * `1` as a port and `0x00000001` as a mark. In a concatenation each part has its own. From the data types of nft 1.0.6.
 *
 * - `plain`: decimal numbers, bare words and addresses
 * - `hex`, `hex1`, `hex2`, `hex4`: numbers with at least so many hexadecimal digits, bare words
 * - `mark`: numbers with 8 hexadecimal digits, names in quotes
 * - `flags`: a bitmask with names
 * - `label`: a bitmask whose names are in quotes
 * - `quoted`: strings in quotes
 * - `index`: a name in quotes, or the number behind it where it has none
 * - `time`: seconds
 */
export type Notation = Simple | readonly Notation[]
type Simple = 'plain' | 'hex' | 'hex1' | 'hex2' | 'hex4' | 'mark' | 'flags' | 'label' | 'quoted' | 'index' | 'time'

/** A number, string or truth value as nft writes it; null where it cannot be written safely, or not be told. */
export function constantText(value: Json, as: Notation): string | null {
  if (typeof value === 'string' && value.startsWith('@')) return named(value)
  if (typeof as !== 'string') return null
  if (typeof value === 'boolean') return value ? 'exists' : 'missing'
  if (typeof value === 'number') return Number.isSafeInteger(value) && value >= 0 ? NUMBERS[as](value) : null
  if (typeof value !== 'string') return null
  if (/^0x[0-9a-f]+$/.test(value) && as !== 'quoted') return wide(value, as)
  switch (as) {
    case 'mark':
    case 'label':
    case 'quoted':
      return quoted(value)
    case 'index':
      return /^\d+$/.test(value) ? value : quoted(value)
    case 'plain':
    case 'hex':
    case 'hex1':
    case 'hex2':
    case 'hex4':
    case 'flags':
      return /^[\w.:/+-]+$/.test(value) ? value : null
    case 'time':
      return null
  }
}

/** One end of a range: there nft writes numbers for names, and its JSON has the names. */
export function boundText(value: Json, as: Notation): string | null {
  if (as === 'time') return typeof value === 'number' && Number.isSafeInteger(value) ? `${value}s` : null
  if (typeof value !== 'string') return constantText(value, as)
  const day = DAYS.indexOf(value)
  if (day >= 0 && as === 'quoted') return String(day)
  const named = !/[.:]|^0x/.test(value)
  return named ? null : constantText(value, as)
}

/** Null for what a quoted string of nft cannot hold: it knows no escapes, so that a quote would end it. */
export function quoted(text: string): string | null {
  return /^[^"\p{Cc}\p{Zl}\p{Zp}]*$/u.test(text) ? `"${text}"` : null
}

/** The name of a chain, set or flowtable, which nft writes bare; null where it would be read as something else. */
export function word(name: Json | undefined): string | null {
  return typeof name === 'string' && /^[a-z_.][\w/.-]*$/i.test(name) ? name : null
}

/** `@web` as it is. */
export function named(reference: Json | undefined): string | null {
  if (typeof reference !== 'string' || !reference.startsWith('@')) return null
  return word(reference.slice(1)) === null ? null : reference
}

/** @returns the span as `1h30m`; null below one second, since nft's JSON leaves fractions of a second out. */
export function timeText(seconds: Json | undefined): string | null {
  if (typeof seconds !== 'number' || !Number.isSafeInteger(seconds) || seconds < 1) return null
  const parts = [
    [Math.floor(seconds / 86_400), 'd'],
    [Math.floor(seconds / 3600) % 24, 'h'],
    [Math.floor(seconds / 60) % 60, 'm'],
    [seconds % 60, 's'],
  ] as const
  return parts.map(([count, unit]) => (count === 0 ? '' : `${count}${unit}`)).join('')
}

export function decimal(value: Json | undefined): string | null {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0 ? String(value) : null
}

/** The object, unless it holds a key besides those named: what we don't know must not get lost on the way to text. */
export function only(value: Json | undefined, ...keys: readonly string[]): JsonObject | null {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return null
  return Object.keys(value).every((key) => keys.includes(key)) ? (value as JsonObject) : null
}

/** Words with a space between them, empty ones left out; null when one of them is. */
export function line(...words: readonly (string | null)[]): string | null {
  return words.includes(null) ? null : words.filter((each) => each !== '').join(' ')
}

/** Texts with a separator between them; null when one of them is, or none is there. */
export function joined(texts: readonly (string | null)[], separator: string): string | null {
  return texts.length === 0 || texts.includes(null) ? null : texts.join(separator)
}

/** One value or several, as nft writes flags. */
export function several(value: Json | undefined): readonly Json[] {
  if (value === undefined || value === null) return []
  return Array.isArray(value) ? value : [value as Json]
}

/** One word or several out of those that we know; null when one is another. */
export function words(value: Json | undefined, known: readonly string[]): readonly string[] | null {
  const list = several(value)
  return list.every((each): each is string => typeof each === 'string' && known.includes(each)) ? list : null
}

const DAYS = ['Sunday', 'Monday', 'Tuesday', 'Wednesday', 'Thursday', 'Friday', 'Saturday']

const hex = (digits: number) => (value: number) => `0x${value.toString(16).padStart(digits, '0')}`

const NUMBERS: Readonly<Record<Simple, (value: number) => string | null>> = {
  plain: String,
  label: String,
  quoted: String,
  index: String,
  hex: hex(1),
  hex1: hex(1),
  hex2: hex(2),
  hex4: hex(4),
  mark: hex(8),
  flags: hex(1),
  time: timeText,
}

/** A number of more than 64 bits, which JSON has as a string of hexadecimal digits. */
function wide(value: string, as: Simple): string {
  return as === 'plain' ? BigInt(value).toString() : value
}
