/** Draws that are the same for the same seed, on every machine (mulberry32). */
export class Random {
  #state: number

  constructor(seed: number) {
    this.#state = seed >>> 0
  }

  /** A whole number from `from` to `to`, both included. */
  int(from: number, to: number): number {
    return from + Math.floor(this.#next() * (to - from + 1))
  }

  big(from: bigint, to: bigint): bigint {
    const size = to - from + 1n
    let drawn = 0n
    for (let bits = 0; bits < 160; bits += 32) drawn = (drawn << 32n) | BigInt(this.int(0, 0xffffffff))
    return from + (drawn % size)
  }

  chance(probability: number): boolean {
    return this.#next() < probability
  }

  pick<T>(from: readonly T[]): T {
    if (from.length === 0) throw new Error('nothing to pick from')
    return from[this.int(0, from.length - 1)] as T
  }

  /** Each choice as often as its weight says. */
  weighted<T>(choices: readonly (readonly [weight: number, choice: T])[]): T {
    let left = this.#next() * choices.reduce((sum, [weight]) => sum + weight, 0)
    for (const [weight, choice] of choices) {
      left -= weight
      if (left < 0) return choice
    }
    return (choices.at(-1) as readonly [number, T])[1]
  }

  some<T>(from: readonly T[], least: number, most: number): readonly T[] {
    const wanted = Math.min(from.length, this.int(least, most))
    const left = [...from]
    return Array.from({ length: wanted }, () => left.splice(this.int(0, left.length - 1), 1)[0] as T)
  }

  #next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0
    let mixed = this.#state
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 0x100000000
  }
}
