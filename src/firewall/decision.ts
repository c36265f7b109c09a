import { NodeTable, ResultCache } from './node-table.ts'
import { OverBudget, Work } from './work.ts'

/**
 * Decision diagrams over finite variables, hash-consed: equal functions are the same number. A variable is asked bit by
 * bit, so a test of a range costs as many nodes as its cells have digits, however many cells there are. Variables are
 * ordered by first use. Works within a budget of nodes and of steps, and throws `OverBudget` beyond it.
 */
export class Decisions {
  readonly #terminals: string[] = []
  readonly #terminalIds = new Map<string, Node>()
  readonly #variables: Placed[] = []
  readonly #variableIds = new Map<string, Placed>()
  /** By level: whose bit it is. */
  readonly #owners: Placed[] = []
  readonly #nodes = new NodeTable()
  readonly #operations = new Map<string, number>()
  readonly #combined = new ResultCache()
  readonly #chosen = new ResultCache()
  readonly #budget: number
  /** What asking the rules spends as well. */
  readonly work: Work

  constructor(budget = 200_000, work = new Work()) {
    this.#budget = budget
    this.work = work
  }

  /** A constant. */
  terminal(value: string): Node {
    const existing = this.#terminalIds.get(value)
    if (existing !== undefined) return existing
    const id = -1 - this.#terminals.length
    this.#terminals.push(value)
    this.#terminalIds.set(value, id)
    return id
  }

  /** The function that asks one variable and answers per cell. */
  branch(variable: Variable, childOf: (cell: number) => Node): Node {
    const { base, bits } = this.#place(variable)
    const last = variable.size - 1
    this.work.spend(variable.size)
    const answers = Array.from({ length: variable.size }, (_, cell) => childOf(cell))
    // Codes beyond the last cell stand for it, so that equal functions stay equal.
    const build = (bit: number, code: number): Node => {
      if (bit === bits || code >= last) return answers[Math.min(code, last)] as Node
      const low = build(bit + 1, code)
      const high = build(bit + 1, code + (1 << (bits - bit - 1)))
      const level = base + bit
      if (this.#top(low) > level && this.#top(high) > level) return this.#node(level, low, high)
      return this.choose(this.#node(level, this.terminal('no'), this.terminal('yes')), high, low)
    }
    return build(0, 0)
  }

  /** `yes` in the ranges of cells, which are ascending and apart, `no` elsewhere. */
  inside(variable: Variable, ranges: readonly CellRange[]): Node {
    const { base, bits } = this.#place(variable)
    const last = variable.size - 1
    const [yes, no] = [this.terminal('yes'), this.terminal('no')]
    const build = (bit: number, code: number, from: number, to: number): Node => {
      const end = code + (1 << (bits - bit)) - 1
      let at = from
      while (at < to && (ranges[at] as CellRange)[1] < code && (ranges[at] as CellRange)[1] < last) at += 1
      const range = at < to ? (ranges[at] as CellRange) : undefined
      if (range === undefined || range[0] > end) return no
      const reach = range[1] >= last ? Number.POSITIVE_INFINITY : range[1]
      if (range[0] <= code && reach >= end) return yes
      const middle = code + (1 << (bits - bit - 1))
      const low = build(bit + 1, code, at, to)
      const high = build(bit + 1, middle, at, to)
      return this.#node(base + bit, low, high)
    }
    return build(0, 0, 0, ranges.length)
  }

  /** `then` where the test says yes, `otherwise` where no; where unsure, what both agree on, else `unsure`. */
  choose(test: Node, then: Node, otherwise: Node): Node {
    if (then === otherwise) return then
    if (test < 0) {
      const answer = this.valueOf(test)
      if (answer === 'yes') return then
      if (answer === 'no') return otherwise
    }
    const level = Math.min(this.#top(test), this.#top(then), this.#top(otherwise))
    if (level === Number.POSITIVE_INFINITY) return this.terminal('unsure')
    const known = this.#chosen.get(test, then, otherwise)
    if (known !== undefined) return known
    this.work.spend(1)
    const result = this.#node(
      level,
      this.choose(this.#low(test, level), this.#low(then, level), this.#low(otherwise, level)),
      this.choose(this.#high(test, level), this.#high(then, level), this.#high(otherwise, level)),
    )
    this.#chosen.set(test, then, otherwise, result)
    return result
  }

  /** Combines two functions value by value; `name` stands for `combine` in the memory of results. */
  combine(name: string, left: Node, right: Node, combine: (left: string, right: string) => string): Node {
    const operation = this.#operations.get(name) ?? this.#operations.size
    this.#operations.set(name, operation)
    return this.#combine(operation, left, right, combine)
  }

  #combine(operation: number, left: Node, right: Node, combine: (left: string, right: string) => string): Node {
    const level = Math.min(this.#top(left), this.#top(right))
    if (level === Number.POSITIVE_INFINITY) return this.terminal(combine(this.valueOf(left), this.valueOf(right)))
    const known = this.#combined.get(operation, left, right)
    if (known !== undefined) return known
    this.work.spend(1)
    const result = this.#node(
      level,
      this.#combine(operation, this.#low(left, level), this.#low(right, level), combine),
      this.#combine(operation, this.#high(left, level), this.#high(right, level), combine),
    )
    this.#combined.set(operation, left, right, result)
    return result
  }

  map(name: string, node: Node, change: (value: string) => string): Node {
    return this.combine(name, node, node, change)
  }

  /** `yes` for the values of one variable that the function may take `yes` or `unsure` at, whatever the others are. */
  project(node: Node, name: string): Node {
    const kept = this.#variableIds.get(name)
    const [yes, no] = [this.terminal('yes'), this.terminal('no')]
    const memo = new Map<Node, Node>()
    const go = (at: Node): Node => {
      if (at < 0) return at === no ? no : yes
      const known = memo.get(at)
      if (known !== undefined) return known
      this.work.spend(1)
      const [low, high] = [go(this.#nodes.low(at)), go(this.#nodes.high(at))]
      const level = this.#top(at)
      const made = this.#owners[level] === kept ? this.#node(level, low, high) : this.choose(low, yes, high)
      memo.set(at, made)
      return made
    }
    return go(node)
  }

  valueOf(node: Node): string {
    return this.#terminals[-1 - node] ?? ''
  }

  /** Every value the function can take. */
  valuesOf(node: Node): ReadonlySet<string> {
    const values = new Set<string>()
    this.#walk(node, (each) => {
      if (each < 0) values.add(this.valueOf(each))
    })
    return values
  }

  /** Every variable the function depends on. */
  variablesOf(node: Node): readonly Variable[] {
    const found = new Set<Variable>()
    this.#walk(node, (each) => {
      if (each >= 0) found.add((this.#owners[this.#top(each)] as Placed).variable)
    })
    return [...found]
  }

  /** An assignment under which the function has a wanted value, or null. */
  witness(node: Node, wanted: (value: string) => boolean): Assignment | null {
    const dead = new Set<Node>()
    const path: [level: number, bit: 0 | 1][] = []
    const search = (at: Node): boolean => {
      if (dead.has(at)) return false
      this.work.spend(1)
      if (at < 0) {
        if (wanted(this.valueOf(at))) return true
      } else {
        for (const bit of [0, 1] as const) {
          path.push([this.#top(at), bit])
          if (search(bit === 0 ? this.#nodes.low(at) : this.#nodes.high(at))) return true
          path.pop()
        }
      }
      dead.add(at)
      return false
    }
    if (!search(node)) return null
    const cells = new Map<string, number>()
    for (const [level, bit] of path) {
      const { variable, base, bits } = this.#owners[level] as Placed
      cells.set(variable.name, (cells.get(variable.name) ?? 0) + (bit << (bits - 1 - (level - base))))
    }
    for (const [name, cell] of cells) {
      cells.set(name, Math.min(cell, (this.#variableIds.get(name) as Placed).variable.size - 1))
    }
    return cells
  }

  /** The value under an assignment; a variable that it does not name is in its first cell. */
  valueAt(node: Node, assignment: Assignment): string {
    let at = node
    while (at >= 0) {
      const level = this.#top(at)
      const { variable, base, bits } = this.#owners[level] as Placed
      const cell = assignment.get(variable.name) ?? 0
      at = ((cell >> (bits - 1 - (level - base))) & 1) === 0 ? this.#nodes.low(at) : this.#nodes.high(at)
    }
    return this.valueOf(at)
  }

  #place(variable: Variable): Placed {
    const existing = this.#variableIds.get(variable.name)
    if (existing !== undefined) return existing
    const bits = Math.max(1, Math.ceil(Math.log2(variable.size)))
    const placed: Placed = { variable, base: this.#owners.length, bits }
    this.#variables.push(placed)
    this.#variableIds.set(variable.name, placed)
    for (let bit = 0; bit < bits; bit += 1) {
      this.#owners.push(placed)
    }
    // A path through a diagram is walked by recursion, one call a level.
    if (this.#owners.length > MOST_LEVELS)
      throw new OverBudget(`the rules ask more than ${MOST_LEVELS} separate things`)
    return placed
  }

  #node(level: number, low: Node, high: Node): Node {
    if (low === high) return low
    const existing = this.#nodes.find(level, low, high)
    if (existing >= 0) return existing
    if (this.#nodes.size >= this.#budget) {
      throw new OverBudget(`the rules need more than ${this.#budget} decision nodes`)
    }
    return this.#nodes.add(level, low, high)
  }

  #top(node: Node): number {
    return node < 0 ? Number.POSITIVE_INFINITY : this.#nodes.level(node)
  }

  #low(node: Node, level: number): Node {
    return node >= 0 && this.#nodes.level(node) === level ? this.#nodes.low(node) : node
  }

  #high(node: Node, level: number): Node {
    return node >= 0 && this.#nodes.level(node) === level ? this.#nodes.high(node) : node
  }

  #walk(node: Node, visit: (node: Node) => void): void {
    const seen = new Set<Node>()
    const go = (at: Node) => {
      if (seen.has(at)) return
      seen.add(at)
      this.work.spend(1)
      visit(at)
      if (at < 0) return
      go(this.#nodes.low(at))
      go(this.#nodes.high(at))
    }
    go(node)
  }
}

/** A terminal (negative) or a branch. */
export type Node = number
export type CellRange = readonly [first: number, last: number]
export type Variable = {
  readonly name: string
  readonly size: number
  /**
   * The rule that makes this variable differ from packet to packet, or null for one that a flow keeps. A metered one
   * answers by how many packets it has met: it stays the same as long as the same packets meet it.
   */
  readonly volatile: { readonly site: string; readonly metered: boolean } | null
}
export type Assignment = ReadonlyMap<string, number>

const MOST_LEVELS = 2000

type Placed = { readonly variable: Variable; readonly base: number; readonly bits: number }
