import type { Json } from '../model/json.ts'
import { type Fields, isFields, valuesOf, word } from './nft-values.ts'
import type { Match, Test } from './rules.ts'

/** What an expression is compared with, and how; `text` is all of it in nft's words. */
export type Compared = { readonly op: string; readonly right: Json; readonly text: string; readonly negated: boolean }

/** State first: a packet without a connection fails every other question about one, whether it is negated or not. */
export function trackingMatches(body: Fields, { op, right, text, negated }: Compared): readonly Match[] | null {
  const key = word(body.key)
  if (key === 'state') return [stateMatch({ op, right, text, negated })]
  const values = valuesOf(right)
  if (values === null) return null
  if (key === 'status' && !negated && values.every((each) => each === 'dnat' || each === 'snat')) {
    if (op !== 'in' && values.length > 1) return null
    return [one('conntrack', { option: 'ctstate', negated, values: [values.join(',').toUpperCase()] }, text)]
  }
  if (key === 'direction' && values.length === 1) return [one('conntrack', { option: 'ctdir', negated, values }, text)]
  const option = CONNECTION_SIDES.get(`${word(body.dir)} ${key.replace(/^ip6 /, 'ip ')}`)
  if (option !== undefined) {
    const joined = option.endsWith('port') ? values.map((each) => each.replace('-', ':')) : values
    return [one('conntrack', { option, negated, values: [joined.join(',')] }, text)]
  }
  return null
}

/** A packet has one state; every packet has one, also one without a connection. */
function stateMatch({ op, right, text, negated }: Compared): Match {
  const parts = isFields(right) && Array.isArray(right['|']) ? (right['|'] as Json) : right
  const values = valuesOf(parts)
  const asSet = isFields(right) && right.set !== undefined
  const several = Array.isArray(parts)
  if (values === null || !values.every((each) => STATE_NAMES.has(each))) return oddStateMatch(text)
  // Compared as a whole, several states are never equal to the one that a packet has.
  if (several && !asSet && (op === '==' || op === '!=')) return negated ? anyState(text) : oddStateMatch(text)
  return one('conntrack', { option: 'ctstate', negated, values: [values.join(',').toUpperCase()] }, text)
}

/** Not known what it asks for, but packets without a connection may be among them. */
export function oddStateMatch(text: string): Match {
  return {
    ...anyState(text),
    tests: [...anyState(text).tests, { option: 'expression', negated: false, values: [text] }],
  }
}

function anyState(text: string): Match {
  const values = [[...STATE_NAMES].join(',').toUpperCase()]
  return one('conntrack', { option: 'ctstate', negated: false, values }, text)
}

export function asksState(left: Json): boolean {
  return /"ct":\{[^}]*"key":"state"/.test(JSON.stringify(left))
}

export function one(name: string, test: Test, text: string): Match {
  return { name, tests: [test], text }
}

/** Not `ct original saddr`, an address without its family: nft 1.0.6 lists 198.18.0.0/16 as 0.0.198.18 there (measured). */
const CONNECTION_SIDES: ReadonlyMap<string, string> = new Map([
  ['original ip saddr', 'ctorigsrc'],
  ['original ip daddr', 'ctorigdst'],
  ['reply ip saddr', 'ctreplsrc'],
  ['reply ip daddr', 'ctrepldst'],
  ['original proto-src', 'ctorigsrcport'],
  ['original proto-dst', 'ctorigdstport'],
  ['reply proto-src', 'ctreplsrcport'],
  ['reply proto-dst', 'ctrepldstport'],
])
const STATE_NAMES: ReadonlySet<string> = new Set(['new', 'established', 'related', 'invalid', 'untracked'])
