/** Chance that a seed settles: the same seed, the same throws. */
export type Dice = {
  /** True in `percent` of 100 throws. */
  chance(percent: number): boolean
  /** A whole number from 0 to below `sides`. */
  under(sides: number): number
  pick<T>(from: readonly [T, ...T[]]): T
  /** One of them, as often as its weight says. */
  weighted<T>(from: readonly (readonly [weight: number, what: T])[]): T
  /** So many different ones of them, or all, in their own order. */
  some<T>(from: readonly T[], count: number): readonly T[]
  /** All of them, in any order. */
  shuffled<T>(from: readonly T[]): readonly T[]
}

/** The generator is mulberry32. */
export function diceFrom(seed: number): Dice {
  let state = (Math.imul(seed, 2654435761) + 1013904223) | 0
  const next = () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
  const under = (sides: number) => Math.floor(next() * sides)
  return {
    under,
    chance: (percent) => next() * 100 < percent,
    pick: (from) => from[under(from.length)] as (typeof from)[number],
    weighted(from) {
      let left = next() * from.reduce((sum, [weight]) => sum + weight, 0)
      for (const [weight, what] of from) {
        left -= weight
        if (left < 0) return what
      }
      throw new RangeError('nothing to choose from')
    },
    some(from, count) {
      const chosen = new Set<number>()
      while (chosen.size < Math.min(count, from.length)) chosen.add(under(from.length))
      return from.filter((_, at) => chosen.has(at))
    },
    shuffled(from) {
      const left = [...from]
      return from.map(() => left.splice(under(left.length), 1)[0] as (typeof from)[number])
    },
  }
}
