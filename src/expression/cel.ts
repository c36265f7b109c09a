import { TypeError as CheckError, Environment, EvaluationError, ParseError } from '@marcbachmann/cel-js'
import { regexSearcher } from '../regex/regex.ts'
import { type Budget, newBudget } from './budget.ts'
import type { Shape } from './shape.ts'

/**
 * The one place that knows the CEL library. Every number is a double here, so that `count / max > 0.8` means what it
 * says: whole-number literals are read as doubles, and the operators also take the whole numbers that `size()` gives.
 */
export type Program = {
  /** The library's name of the type that the expression gives. */
  readonly type: string
  run(bindings: { readonly [name: string]: unknown }): unknown
}

export type Rejection = {
  readonly message: string
  /** Character offset in the expression. */
  readonly offset: number
  /** The names that lead to the one that is unknown, where that is the matter. */
  readonly unknownName: { readonly parent: readonly string[]; readonly name: string } | null
}

export function compileCel(text: string, names: Shape): Program | { readonly rejected: Rejection } {
  const reject = (message: string, offset: number) => ({ rejected: { message, offset, unknownName: null } })
  try {
    const parsed = environmentFor(names).parse(text)
    const budget = newBudget()
    const objection = prepare(parsed.ast, budget)
    if (objection !== undefined) return reject(objection.message, objection.offset)
    const checked = parsed.check()
    if (!checked.valid) return { rejected: rejectionOf(checked.error, text) }
    return { type: checked.type ?? 'dyn', run: (bindings) => budget.within(() => parsed(bindings)) }
  } catch (error) {
    if (error instanceof ParseError || error instanceof CheckError || error instanceof EvaluationError)
      return { rejected: rejectionOf(error, text) }
    // Thousands of parentheses end in the parser's own recursion.
    if (error instanceof RangeError) return reject('too deeply nested', 0)
    throw error
  }
}

/** How an evaluation failed: at a name that is not there (`absent`), or otherwise. */
export function failureOf(error: unknown): { readonly absent: readonly string[] | null; readonly message: string } {
  if (!(error instanceof EvaluationError || error instanceof CheckError || error instanceof ParseError))
    return { absent: null, message: error instanceof Error ? error.message : String(error) }
  const absent = error.code === 'no_such_key' || error.code === 'unknown_variable' ? pathOf(error.node) : null
  return { absent, message: error.summary }
}

/** A node of the library's syntax tree, as far as we look into it. */
type Node = { readonly op: string; args: unknown; readonly pos: number; readonly meta: Meta }

/** What a call was turned into: another node, or a macro. */
type Meta = { readonly alternate?: unknown; macro?: Macro; async?: boolean }

type Macro = {
  typeCheck(checker: Checker, macro: unknown, context: unknown): unknown
  evaluate(runner: Runner, macro: unknown, context: unknown): unknown
}

/** An environment, and those that have one more name. */
type Grown = {
  readonly environment: Environment
  readonly grown: Map<string, { readonly shape: Shape | string; readonly by: Grown }>
}

/**
 * Making an environment of the facts costs tens of milliseconds. Playbooks share all names but their last, `vars`, which
 * grows with each value: so it grows from one that has the others.
 */
function environmentFor(names: Shape): Environment {
  let here = ROOT
  for (const [name, shape] of Object.entries(names)) {
    const before = here.grown.get(name)
    if (before?.shape === shape) {
      here = before.by
      continue
    }
    const by: Grown = { environment: here.environment.clone(), grown: new Map() }
    if (typeof shape === 'string') by.environment.registerVariable(name, shape)
    else by.environment.registerVariable({ name, schema: shape })
    here.grown.set(name, { shape, by })
    here = by
  }
  return here.environment
}

const ROOT: Grown = { environment: baseEnvironment(), grown: new Map() }

function baseEnvironment(): Environment {
  const environment = new Environment({
    unlistedVariablesAreDyn: false,
    homogeneousAggregateLiterals: false,
    limits: { maxAstNodes: 2000, maxDepth: 60, maxListElements: 500, maxMapEntries: 500 },
  })
  const arithmetic: readonly (readonly [string, (a: number, b: number) => number])[] = [
    ['+', (a, b) => a + b],
    ['-', (a, b) => a - b],
    ['*', (a, b) => a * b],
    ['/', (a, b) => a / b],
  ]
  for (const [operator, apply] of arithmetic) {
    const handler = (a: number | bigint, b: number | bigint) => apply(Number(a), Number(b))
    environment.registerOperator(`double ${operator} int: double`, handler)
    environment.registerOperator(`int ${operator} double: double`, handler)
  }
  for (const [a, b] of [
    ['double', 'double'],
    ['double', 'int'],
    ['int', 'double'],
    ['int', 'int'],
  ] as const) {
    environment.registerFunction(`max(${a}, ${b}): double`, (...all: Numeric[]) => Math.max(...all.map(Number)))
    environment.registerFunction(`min(${a}, ${b}): double`, (...all: Numeric[]) => Math.min(...all.map(Number)))
  }
  environment.registerOperator('double == int: bool', (a: Numeric, b: Numeric) => Number(a) === Number(b))
  environment.registerOperator('double % double: double', (a: number, b: number) => a % b)
  environment.registerFunction('floor(double): double', (a: number) => Math.floor(a))
  environment.registerFunction('ceil(double): double', (a: number) => Math.ceil(a))
  environment.registerFunction('assume(ast, ast): double', assume)
  return environment
}

type Numeric = number | bigint

type Runner = { run(node: unknown, context: unknown): unknown; tryEval(node: unknown, context: unknown): unknown }
type Checker = {
  getType(name: string): unknown
  check(node: unknown, context: unknown): { readonly name: string }
  createError(code: string, message: string, node: unknown): Error
}

/**
 * `assume(facts.conntrack.entryBytes, 320)`: the reading, or this number where the host did not tell. Only for a number
 * that errs on the safe side; it stands in the playbook for everyone to see, where a default in the code would not.
 */
function assume({ args }: { args: readonly Node[] }): unknown {
  const [reading, instead] = args
  return {
    typeCheck(checker: Checker, _macro: unknown, context: unknown) {
      const type = checker.check(reading, context)
      const path = pathOf(reading)
      if (path?.[0] !== 'facts' || type.name !== 'double')
        throw checker.createError(
          'invalid_macro_argument',
          'assume() takes one number under `facts.` and what to assume',
          reading,
        )
      const fallback = checker.check(instead, context)
      if (fallback.name !== 'double')
        throw checker.createError('invalid_macro_argument', 'assume() can only assume a number', instead)
      return fallback
    },
    evaluate(runner: Runner, _macro: unknown, context: unknown) {
      const value = runner.tryEval(reading, context)
      return value instanceof Error ? runner.run(instead, context) : value
    },
  }
}

/** Turns whole-number literals into doubles, and names what the language has but we do not offer. */
function prepare(root: unknown, budget: Budget): { message: string; offset: number } | undefined {
  const seen = new WeakSet<object>()
  let objection: { message: string; offset: number } | undefined

  const visit = (part: unknown, keepWhole: boolean): void => {
    if (typeof part !== 'object' || part === null || seen.has(part)) return
    seen.add(part)
    if (Array.isArray(part)) {
      for (const each of part) visit(each, keepWhole)
      return
    }
    if (!isNode(part)) return
    const { op, args } = part
    if (op === 'value') {
      if (typeof args === 'bigint' && !keepWhole) part.args = Number(args)
      return
    }
    if (op === 'call' && Array.isArray(args) && args[0] === 'has')
      objection ??= { message: 'has() is not offered: an unknown fact must stay unknown', offset: part.pos }
    if (op === 'rcall' && Array.isArray(args) && args[0] === 'bind')
      objection ??= { message: 'bind() is not offered', offset: part.pos }
    if (op === 'rcall' && Array.isArray(args) && args[0] === 'matches') objection ??= matchInTime(part, args, budget)
    countRounds(part, budget)
    // An index, and the argument of a method such as substring(1), must stay whole.
    if (op === '[]' && Array.isArray(args)) {
      visit(args[0], false)
      visit(args[1], true)
    } else if (op === 'rcall' && Array.isArray(args)) {
      visit(args[1], false)
      for (const argument of args[2] ?? []) visit(argument, isNode(argument) && argument.op === 'value')
    } else visit(args, false)
  }

  visit(root, false)
  return objection
}

/**
 * Hosts choose the texts that are matched, and the library's own matching may take years for some: ours takes as long as the
 * text is.
 */
function matchInTime(
  node: Node,
  [, receiver, given]: readonly unknown[],
  budget: Budget,
): { message: string; offset: number } | undefined {
  const [pattern, another] = Array.isArray(given) ? given : []
  if (!isText(pattern) || another !== undefined)
    return { message: 'matches() takes a pattern written out here, not a computed one', offset: node.pos }
  const search = regexSearcher(pattern.args)
  if ('wrong' in search) return { message: `matches() cannot take this pattern: ${search.wrong}`, offset: pattern.pos }
  node.meta.async = false
  node.meta.macro = {
    typeCheck(checker, _macro, context) {
      const { name } = checker.check(receiver, context)
      if (name !== 'string' && name !== 'dyn')
        throw checker.createError('no_matching_overload', `matches() is of text, not of a ${name}`, node)
      return checker.getType('bool')
    },
    evaluate(runner, _macro, context) {
      const text = runner.run(receiver, context)
      if (typeof text !== 'string') throw new Error('matches() is of text, and this is none')
      return search(text, budget.spend)
    },
  }
  return undefined
}

/** A comprehension within another goes round as often as both lists are long, multiplied. */
function countRounds({ meta: { alternate } }: Node, budget: Budget): void {
  if (!isNode(alternate) || alternate.op !== 'comprehension') return
  const comprehension = alternate.args as { condition?: (soFar: unknown) => boolean; readonly step: unknown }
  const { condition } = comprehension
  comprehension.condition = (soFar) => {
    budget.spend(1)
    return condition === undefined || condition(soFar)
  }
}

function isNode(part: unknown): part is Node {
  return typeof part === 'object' && part !== null && 'op' in part && 'args' in part
}

function isText(part: unknown): part is Node & { readonly args: string } {
  return isNode(part) && part.op === 'value' && typeof part.args === 'string'
}

/** `facts.conntrack["count"]` as its names, or null where it is not only names. */
function pathOf(node: unknown): readonly string[] | null {
  if (!isNode(node)) return null
  if (node.op === 'id') return typeof node.args === 'string' ? [node.args] : null
  if ((node.op !== '.' && node.op !== '[]') || !Array.isArray(node.args)) return null
  const [left, right] = node.args as readonly unknown[]
  const name =
    typeof right === 'string'
      ? right
      : isNode(right) && typeof right.args === 'string' && right.op === 'value'
        ? right.args
        : null
  const parent = pathOf(left)
  return parent === null || name === null ? null : [...parent, name]
}

function rejectionOf(error: ParseError | CheckError | EvaluationError | undefined, text: string): Rejection {
  if (error === undefined) return { message: 'is not valid', offset: 0, unknownName: null }
  const path = failureOf(error).absent
  const name = path?.at(-1)
  // The range of a field access is its last name; that of everything else begins with it.
  const offset = Math.min(error.range?.start ?? 0, text.length)
  return {
    message: sentence(error),
    offset,
    unknownName: path === null || name === undefined ? null : { parent: path.slice(0, -1), name },
  }
}

function sentence(error: ParseError | CheckError | EvaluationError): string {
  if (error instanceof ParseError && error.summary.includes('EOF')) return 'the expression ends too early'
  return error.summary.charAt(0).toLowerCase() + error.summary.slice(1)
}
