import { addressText, BITS, network } from './addresses.ts'
import type { Drawing } from './nft-rule-sets.ts'
import type { Random } from './random.ts'

export const SOME_PORTS: readonly number[] = [0, 1, 22, 53, 80, 443, 1023, 1024, 8080, 32768, 65535]

/** One to a few ports and ranges that are apart from each other, as a set of intervals has to hold them. */
export function portElements(random: Random, most: number): readonly string[] {
  const drawn = Array.from({ length: most * 2 }, () =>
    random.chance(0.5) ? random.pick(SOME_PORTS) : random.int(0, 65535),
  )
  const points = [...new Set(drawn)].toSorted((a, b) => a - b)
  return apart(random, points, most).map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`))
}

export function addressElements(drawing: Drawing, family: 'ip' | 'ip6', most: number): readonly string[] {
  const { random } = drawing
  if (random.chance(0.4)) {
    const length = family === 'ip' ? random.int(14, 32) : random.int(46, 128)
    const nets = Array.from({ length: most }, () => network(family, randomAddress(drawing, family), length)[0])
    const mask = length === BITS[family] ? '' : `/${length}`
    return [...new Set(nets)].map((each) => `${addressText(family, each)}${mask}`)
  }
  const drawn = Array.from({ length: most * 2 }, () => randomAddress(drawing, family))
  const points = [...new Set(drawn)].toSorted((a, b) => (a < b ? -1 : 1))
  return apart(random, points, most).map(([first, last]) => {
    const ends = [first, last].map((each) => addressText(family, each))
    return first === last ? `${ends[0]}` : ends.join('-')
  })
}

/** The host's own now and then, so that rules about them are met. */
export function randomAddress({ random, guise }: Drawing, family: 'ip' | 'ip6'): bigint {
  const own = random.pick(guise.own[family])
  if (random.chance(0.3)) return own
  const [first, last] = network(family, own, family === 'ip' ? 15 : 48)
  return random.big(first, last)
}

export function interfaceNames(
  { random, guise }: Drawing,
  most: number,
  kind: 'whole' | 'any' = 'any',
): readonly string[] {
  const names = [...guise.interfaces, 'lo', 'ppp0', 'et']
  // Two patterns of which one holds the other are no set of intervals.
  if (kind === 'any' && random.chance(0.3))
    return random.some(['eth1*', 'wan*', 'lo', 'ppp*', 'eth0'], 1, most).map(quoted)
  return random.some(names, 1, most).map(quoted)
}

export function quoted(text: string): string {
  return `"${text}"`
}

/** Ascending points as single values and as ranges between two of them. */
function apart<T>(random: Random, points: readonly T[], most: number): readonly (readonly [T, T])[] {
  const found: (readonly [T, T])[] = []
  for (let at = 0; at < points.length && found.length < most; ) {
    const wide = at + 1 < points.length && random.chance(0.4)
    found.push([points[at] as T, points[wide ? at + 1 : at] as T])
    at += wide ? 2 : 1
  }
  return found
}

/** A field and one of the right sides that it may have, negated now and then. */
export function asked(
  random: Random,
  field: string,
  sides: readonly (readonly [weight: number, side: () => string])[],
): string {
  return `${field} ${random.chance(0.22) ? '!= ' : ''}${random.weighted(sides)()}`
}

export function list(elements: readonly string[]): string {
  return `{ ${elements.join(', ')} }`
}
