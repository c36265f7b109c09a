/**
 * Decision diagrams over finite variables, hash-consed: equal functions are the same number. A terminal is a word, and its
 * kind is what stands before the first bar: `accept|3` says accept, and that origin 3 decided.
 * Variables are ordered by first use. Works within a budget of nodes and throws `OverBudget` beyond it.
 */
export class Decisions {
  readonly #terminals: string[] = []
  readonly #terminalIds = new Map<string, Node>()
  readonly #variables: Variable[] = []
  readonly #variableIds = new Map<string, number>()
  readonly #branches: Branch[] = []
  readonly #branchIds = new Map<string, Node>()
  readonly #memo = new Map<string, Node>()
  readonly #budget: number

  constructor(budget = 200_000) {
    this.#budget = budget
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

  /** The function that asks one variable and answers per cell; `volatile` marks what may change from packet to packet. */
  branch(variable: Variable, childOf: (cell: number) => Node): Node {
    const at = this.#variable(variable)
    const children = Array.from({ length: variable.size }, (_, cell) => childOf(cell))
    const test = (cell: number) =>
      this.#node(at, cellTest(variable.size, cell, this.terminal('yes'), this.terminal('no')))
    if (children.every((child) => child < 0)) return this.#node(at, children)
    return children.reduce(
      (otherwise, child, cell) => this.choose(test(cell), child, otherwise, 'unsure'),
      children[0] as Node,
    )
  }

  /** `then` where the test says yes, `otherwise` where no; where unsure, what both agree on, else `unsure`. */
  choose(test: Node, then: Node, otherwise: Node, unsure: string): Node {
    if (then === otherwise) return then
    if (test < 0) {
      const answer = this.valueOf(test)
      if (answer === 'yes') return then
      if (answer === 'no') return otherwise
    }
    const key = `? ${test} ${then} ${otherwise} ${unsure}`
    const memo = this.#memo.get(key)
    if (memo !== undefined) return memo
    const top = Math.min(this.#top(test), this.#top(then), this.#top(otherwise))
    const result =
      top === Number.POSITIVE_INFINITY
        ? this.terminal(kindOf(this.valueOf(then)) === kindOf(this.valueOf(otherwise)) ? this.valueOf(then) : unsure)
        : this.#node(
            top,
            this.#cells(top).map((cell) =>
              this.choose(this.#at(test, top, cell), this.#at(then, top, cell), this.#at(otherwise, top, cell), unsure),
            ),
          )
    this.#memo.set(key, result)
    return result
  }

  /** Combines two functions value by value; `name` stands for `combine` in the memory of results. */
  combine(name: string, left: Node, right: Node, combine: (left: string, right: string) => string): Node {
    const key = `${name} ${left} ${right}`
    const memo = this.#memo.get(key)
    if (memo !== undefined) return memo
    const top = Math.min(this.#top(left), this.#top(right))
    const result =
      top === Number.POSITIVE_INFINITY
        ? this.terminal(combine(this.valueOf(left), this.valueOf(right)))
        : this.#node(
            top,
            this.#cells(top).map((cell) =>
              this.combine(name, this.#at(left, top, cell), this.#at(right, top, cell), combine),
            ),
          )
    this.#memo.set(key, result)
    return result
  }

  map(name: string, node: Node, change: (value: string) => string): Node {
    return this.combine(name, node, node, change)
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
      if (each >= 0) found.add(this.#variables[this.#top(each)] as Variable)
    })
    return [...found]
  }

  /** An assignment under which the function has a wanted value, or null. */
  witness(node: Node, wanted: (value: string) => boolean): Assignment | null {
    const dead = new Set<Node>()
    const search = (at: Node): [string, number][] | null => {
      if (dead.has(at)) return null
      if (at < 0) {
        if (wanted(this.valueOf(at))) return []
      } else {
        const { variable, children } = this.#branches[at] as Branch
        for (const [cell, child] of children.entries()) {
          const rest = search(child)
          if (rest !== null) return [[(this.#variables[variable] as Variable).name, cell], ...rest]
        }
      }
      dead.add(at)
      return null
    }
    const found = search(node)
    return found === null ? null : new Map(found)
  }

  /** The value under an assignment; a variable that it does not name is in its first cell. */
  valueAt(node: Node, assignment: Assignment): string {
    let at = node
    while (at >= 0) {
      const { variable, children } = this.#branches[at] as Branch
      at = children[assignment.get((this.#variables[variable] as Variable).name) ?? 0] as Node
    }
    return this.valueOf(at)
  }

  #variable(variable: Variable): number {
    const existing = this.#variableIds.get(variable.name)
    if (existing !== undefined) return existing
    this.#variables.push(variable)
    this.#variableIds.set(variable.name, this.#variables.length - 1)
    return this.#variables.length - 1
  }

  #node(variable: number, children: readonly Node[]): Node {
    if (children.every((child) => child === children[0])) return children[0] as Node
    const key = `${variable}:${children.join(',')}`
    const existing = this.#branchIds.get(key)
    if (existing !== undefined) return existing
    if (this.#branches.length >= this.#budget) throw new OverBudget(this.#budget)
    this.#branches.push({ variable, children })
    this.#branchIds.set(key, this.#branches.length - 1)
    return this.#branches.length - 1
  }

  #top(node: Node): number {
    return node < 0 ? Number.POSITIVE_INFINITY : (this.#branches[node] as Branch).variable
  }

  #at(node: Node, variable: number, cell: number): Node {
    if (node < 0) return node
    const branch = this.#branches[node] as Branch
    return branch.variable === variable ? (branch.children[cell] as Node) : node
  }

  #cells(variable: number): readonly number[] {
    return Array.from({ length: (this.#variables[variable] as Variable).size }, (_, cell) => cell)
  }

  #walk(node: Node, visit: (node: Node) => void): void {
    const seen = new Set<Node>()
    const go = (at: Node) => {
      if (seen.has(at)) return
      seen.add(at)
      visit(at)
      if (at >= 0) for (const child of (this.#branches[at] as Branch).children) go(child)
    }
    go(node)
  }
}

/** A terminal (negative) or a branch. */
export type Node = number
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

export class OverBudget extends Error {
  override readonly name = 'OverBudget'
  constructor(budget: number) {
    super(`the rules need more than ${budget} decision nodes`)
  }
}

export function kindOf(value: string): string {
  const bar = value.indexOf('|')
  return bar === -1 ? value : value.slice(0, bar)
}

type Branch = { readonly variable: number; readonly children: readonly Node[] }

function cellTest(size: number, cell: number, yes: Node, no: Node): readonly Node[] {
  return Array.from({ length: size }, (_, each) => (each === cell ? yes : no))
}
