/**
 * The branches of decision diagrams, each kept once: equal branches are the same number. Flat arrays, since a large rule set
 * makes hundreds of thousands of them, and as objects they would cost more to collect than to make.
 */
export class NodeTable {
  #capacity = FIRST_CAPACITY
  #levels = new Int32Array(FIRST_CAPACITY)
  #lows = new Int32Array(FIRST_CAPACITY)
  #highs = new Int32Array(FIRST_CAPACITY)
  /** By hash the first branch, by branch the next one with that hash; one more than its number, 0 is none. */
  #heads = new Int32Array(FIRST_CAPACITY * 2)
  #nexts = new Int32Array(FIRST_CAPACITY)
  #size = 0

  get size(): number {
    return this.#size
  }

  level(node: number): number {
    return this.#levels[node] as number
  }

  low(node: number): number {
    return this.#lows[node] as number
  }

  high(node: number): number {
    return this.#highs[node] as number
  }

  /** The branch with these children; -1 where there is none yet. */
  find(level: number, low: number, high: number): number {
    let at = (this.#heads[this.#slot(level, low, high)] as number) - 1
    while (at >= 0 && !(this.#levels[at] === level && this.#lows[at] === low && this.#highs[at] === high)) {
      at = (this.#nexts[at] as number) - 1
    }
    return at
  }

  /** A branch that `find` did not find. */
  add(level: number, low: number, high: number): number {
    if (this.#size === this.#capacity) this.#grow()
    const node = this.#size
    this.#size += 1
    this.#levels[node] = level
    this.#lows[node] = low
    this.#highs[node] = high
    this.#link(node)
    return node
  }

  #link(node: number): void {
    const slot = this.#slot(this.#levels[node] as number, this.#lows[node] as number, this.#highs[node] as number)
    this.#nexts[node] = this.#heads[slot] as number
    this.#heads[slot] = node + 1
  }

  #slot(level: number, low: number, high: number): number {
    return mixed(level, low, high) & (this.#heads.length - 1)
  }

  #grow(): void {
    this.#capacity *= 2
    this.#levels = grown(this.#levels)
    this.#lows = grown(this.#lows)
    this.#highs = grown(this.#highs)
    this.#nexts = new Int32Array(this.#capacity)
    this.#heads = new Int32Array(this.#capacity * 2)
    for (let node = 0; node < this.#size; node += 1) this.#link(node)
  }
}

/**
 * Results that were worked out before, by three numbers. It forgets: a new result takes the place of another one with its hash,
 * and what is asked again is worked out again.
 */
export class ResultCache {
  #slots = new Int32Array(FIRST_CAPACITY * WIDTH)
  #stored = 0

  /** `undefined` where it is not known, or not any more. */
  get(a: number, b: number, c: number): number | undefined {
    const slots = this.#slots
    const at = this.#at(a, b, c)
    return slots[at + 4] === 1 && slots[at] === a && slots[at + 1] === b && slots[at + 2] === c
      ? slots[at + 3]
      : undefined
  }

  set(a: number, b: number, c: number, result: number): void {
    this.#stored += 1
    if (this.#stored * WIDTH > this.#slots.length && this.#slots.length < MOST_SLOTS * WIDTH) {
      this.#slots = new Int32Array(this.#slots.length * 4)
      this.#stored = 1
    }
    const slots = this.#slots
    const at = this.#at(a, b, c)
    slots[at] = a
    slots[at + 1] = b
    slots[at + 2] = c
    slots[at + 3] = result
    slots[at + 4] = 1
  }

  #at(a: number, b: number, c: number): number {
    return (mixed(a, b, c) & (this.#slots.length / WIDTH - 1)) * WIDTH
  }
}

const FIRST_CAPACITY = 1024
/** Three numbers, the result, and whether there is one; the rest is for alignment. */
const WIDTH = 8
const MOST_SLOTS = 2 ** 18

function grown(array: Int32Array): Int32Array<ArrayBuffer> {
  const larger = new Int32Array(array.length * 2)
  larger.set(array)
  return larger
}

function mixed(a: number, b: number, c: number): number {
  let hash = Math.imul(a ^ 0x9e3779b9, 0x85ebca6b)
  hash = Math.imul((hash ^ (hash >>> 13)) + b, 0xc2b2ae35)
  hash = Math.imul((hash ^ (hash >>> 16)) + c, 0x27d4eb2f)
  return hash ^ (hash >>> 15)
}
