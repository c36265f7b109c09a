import { type Decisions, kindOf, type Node } from './decision.ts'

/** Three-valued logic over decision diagrams with the terminals `yes`, `no` and `unsure` (with a cause behind its bar). */
export function yes(decisions: Decisions): Node {
  return decisions.terminal('yes')
}

export function no(decisions: Decisions): Node {
  return decisions.terminal('no')
}

export function unsure(decisions: Decisions, cause: string): Node {
  return decisions.terminal(`unsure|${cause}`)
}

export function constant(decisions: Decisions, value: boolean): Node {
  return decisions.terminal(value ? 'yes' : 'no')
}

export function not(decisions: Decisions, node: Node): Node {
  return decisions.map('not', node, (value) => (value === 'yes' ? 'no' : value === 'no' ? 'yes' : value))
}

export function and(decisions: Decisions, ...nodes: readonly Node[]): Node {
  return nodes.reduce(
    (left, right) =>
      decisions.combine('and', left, right, (a, b) => {
        if (a === 'no' || b === 'no') return 'no'
        return a === 'yes' ? b : a
      }),
    yes(decisions),
  )
}

export function or(decisions: Decisions, ...nodes: readonly Node[]): Node {
  return nodes.reduce(
    (left, right) =>
      decisions.combine('or', left, right, (a, b) => {
        if (a === 'yes' || b === 'yes') return 'yes'
        return a === 'no' ? b : a
      }),
    no(decisions),
  )
}

/** A choice between answers or fates; unsure carries over where it matters. */
export function either(decisions: Decisions, test: Node, then: Node, otherwise: Node): Node {
  const causes = [...decisions.valuesOf(test)].filter((value) => kindOf(value) === 'unsure')
  return decisions.choose(test, then, otherwise, causes[0] ?? 'unsure')
}
