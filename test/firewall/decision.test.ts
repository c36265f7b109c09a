import fc from 'fast-check'
import { expect, test } from 'vitest'
import { Decisions, type Node } from '../../src/firewall/decision.ts'
import { and, not, or, unsure } from '../../src/firewall/logic.ts'
import { OverBudget } from '../../src/firewall/work.ts'

type Formula =
  | { readonly is: string }
  | { readonly not: Formula }
  | { readonly all: readonly Formula[] }
  | { readonly any: readonly Formula[] }

const formula = fc.letrec<{ formula: Formula }>((tie) => ({
  formula: fc.oneof(
    { maxDepth: 4 },
    fc.constantFrom('a', 'b', 'c', 'd').map((is): Formula => ({ is })),
    tie('formula').map((inner): Formula => ({ not: inner })),
    fc.array(tie('formula'), { minLength: 1, maxLength: 3 }).map((all): Formula => ({ all })),
    fc.array(tie('formula'), { minLength: 1, maxLength: 3 }).map((any): Formula => ({ any })),
  ),
})).formula

test('a diagram has the value of its formula under every assignment, and equal formulas are one node', () => {
  fc.assert(
    fc.property(formula, (of) => {
      const decisions = new Decisions()
      const node = build(decisions, of)
      for (let bits = 0; bits < 16; bits += 1) {
        const at = new Map(['a', 'b', 'c', 'd'].map((name, index) => [name, (bits >> index) & 1]))
        expect(decisions.valueAt(node, at)).toBe(holds(of, at) ? 'yes' : 'no')
      }
      expect(not(decisions, not(decisions, node))).toBe(node)
      const witness = decisions.witness(node, (value) => value === 'yes')
      if (witness !== null) expect(decisions.valueAt(node, witness)).toBe('yes')
      else expect(decisions.valueOf(node)).toBe('no')
    }),
  )
})

test('no outweighs unsure in and, yes in or', () => {
  const decisions = new Decisions()
  const maybe = unsure(decisions)
  const [yes, no] = [decisions.terminal('yes'), decisions.terminal('no')]
  expect(and(decisions, maybe, no)).toBe(no)
  expect(and(decisions, maybe, yes)).toBe(maybe)
  expect(or(decisions, maybe, yes)).toBe(yes)
  expect(or(decisions, maybe, no)).toBe(maybe)
})

test('a diagram beyond its budget is refused rather than built', () => {
  const decisions = new Decisions(2)
  const bit = (name: string) =>
    decisions.branch({ name, size: 2, volatile: null }, (cell) => decisions.terminal(cell === 1 ? 'yes' : 'no'))
  expect(() => ['a', 'b', 'c'].map(bit)).toThrow(OverBudget)
})

function build(decisions: Decisions, of: Formula): Node {
  if ('is' in of) {
    return decisions.branch({ name: of.is, size: 2, volatile: null }, (cell) =>
      decisions.terminal(cell === 1 ? 'yes' : 'no'),
    )
  }
  if ('not' in of) return not(decisions, build(decisions, of.not))
  if ('all' in of) return and(decisions, ...of.all.map((each) => build(decisions, each)))
  return or(decisions, ...of.any.map((each) => build(decisions, each)))
}

function holds(of: Formula, at: ReadonlyMap<string, number>): boolean {
  if ('is' in of) return at.get(of.is) === 1
  if ('not' in of) return !holds(of.not, at)
  return 'all' in of ? of.all.every((each) => holds(each, at)) : of.any.some((each) => holds(each, at))
}
