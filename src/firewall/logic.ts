import type { Decisions, Node } from './decision.ts'

/** Three-valued logic over decision diagrams with the terminals `yes`, `no` and `unsure`. */
export function yes(decisions: Decisions): Node {
  return decisions.terminal('yes')
}

export function no(decisions: Decisions): Node {
  return decisions.terminal('no')
}

export function unsure(decisions: Decisions): Node {
  return decisions.terminal('unsure')
}

export function constant(decisions: Decisions, value: boolean): Node {
  return decisions.terminal(value ? 'yes' : 'no')
}

export function not(decisions: Decisions, node: Node): Node {
  return decisions.map('not', node, (value) => (value === 'yes' ? 'no' : value === 'no' ? 'yes' : value))
}

export function and(decisions: Decisions, ...nodes: readonly Node[]): Node {
  const [all, never] = [yes(decisions), no(decisions)]
  let left = all
  for (const right of nodes) {
    if (left === never || right === all) continue
    left = left === all || right === never ? right : decisions.combine('and', left, right, bothHold)
  }
  return left
}

export function or(decisions: Decisions, ...nodes: readonly Node[]): Node {
  const [all, never] = [yes(decisions), no(decisions)]
  let left = never
  for (const right of nodes) {
    if (left === all || right === never) continue
    left = left === never || right === all ? right : decisions.combine('or', left, right, oneHolds)
  }
  return left
}

/** A choice between answers or fates; unsure carries over where it matters. */
export function either(decisions: Decisions, test: Node, then: Node, otherwise: Node): Node {
  return decisions.choose(test, then, otherwise)
}

function bothHold(a: string, b: string): string {
  if (a === 'no' || b === 'no') return 'no'
  return a === 'yes' ? b : a
}

function oneHolds(a: string, b: string): string {
  if (a === 'yes' || b === 'yes') return 'yes'
  return a === 'no' ? b : a
}
