import type { Json } from '../model/json.ts'
import { modText, SELECTORS } from './nft-text-selectors.ts'
import { statefulText } from './nft-text-stateful.ts'
import {
  boundText,
  constantText,
  decimal,
  joined,
  line,
  type Notation,
  named,
  only,
  quoted,
  timeText,
  word,
} from './nft-text-values.ts'

/** An expression as nft writes it in a place whose constants have this notation; null where we cannot write it. */
export function textOf(expression: Json, as: Notation): string | null {
  if (Array.isArray(expression)) {
    return joined(
      expression.map((each: Json) => textOf(each, as)),
      ',',
    )
  }
  const [kind, body] = oneKey(expression)
  if (kind === null) return constantText(expression, as)
  if (Object.hasOwn(SELECTORS, kind)) return SELECTORS[kind]?.(body)?.text ?? null
  return Object.hasOwn(COMPOSED, kind) ? (COMPOSED[kind]?.(body, as) ?? null) : null
}

/** How constants are written that are compared with this expression. */
export function notationOf(expression: Json): Notation {
  const [kind, body] = oneKey(expression)
  if (kind === null) return 'plain'
  if (Object.hasOwn(SELECTORS, kind)) return SELECTORS[kind]?.(body)?.notation ?? 'plain'
  if (kind === 'concat') return Array.isArray(body) ? body.map(notationOf) : 'plain'
  return isOperator(kind) && Array.isArray(body) ? notationOf((body as readonly Json[])[0] ?? null) : 'plain'
}

export function isOperation(expression: Json): boolean {
  const [kind] = oneKey(expression)
  return kind !== null && isOperator(kind)
}

/** The only key of an object and its value. */
export function oneKey(value: Json): readonly [kind: string | null, body: Json] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [null, null]
  const [only, ...more] = Object.entries(value)
  return only === undefined || more.length > 0 ? ['', null] : only
}

/** `vmap { 22 : accept }` and `map { … }` without the key before them. */
export function mappingText(data: Json | undefined, key: Notation, as: Notation): string | null {
  if (typeof data === 'string') return named(data)
  const [kind, elements] = oneKey(data ?? null)
  if (kind !== 'set' || !Array.isArray(elements)) return null
  return braces((elements as readonly Json[]).map((each) => pairText(each, key, as)))
}

/** A set's element, with what hangs on it; in nft's order, which is not that of the JSON. */
export function elementText(element: Json, as: Notation): string | null {
  if (element === '*') return '*'
  const [kind, body] = oneKey(element)
  if (kind !== 'elem') return textOf(element, as)
  const { val, timeout, expires: _, comment, ...statements } = only(body, ...Object.keys(body ?? {})) ?? {}
  return line(
    elementText(val ?? null, as),
    ...Object.entries(statements).map(([name, each]) => statefulText(name, each)),
    timeout === undefined ? '' : line('timeout', timeText(timeout)),
    comment === undefined ? '' : line('comment', typeof comment === 'string' ? quoted(comment) : null),
  )
}

/** How tightly an operator binds: less is tighter. */
const OPERATORS: { readonly [operator: string]: number } = { '<<': 1, '>>': 1, '&': 2, '^': 3, '|': 4 }

const COMPOSED: { readonly [kind: string]: (body: Json, as: Notation) => string | null } = {
  concat: (body, as) =>
    Array.isArray(body)
      ? joined(
          (body as readonly Json[]).map((each, at) => textOf(each, typeof as === 'string' ? as : (as[at] ?? 'plain'))),
          ' . ',
        )
      : null,
  set: (body, as) =>
    Array.isArray(body) ? braces((body as readonly Json[]).map((each) => elementText(each, as))) : null,
  map: (body, as) => {
    const { key = null, data } = only(body, 'key', 'data') ?? {}
    return line(textOf(key, 'plain'), 'map', mappingText(data, notationOf(key), as))
  },
  prefix: (body, as) => {
    const { addr = null, len } = only(body, 'addr', 'len') ?? {}
    return joined([textOf(addr, as), decimal(len)], '/')
  },
  range: (body, as) => {
    const [from, to] = pair(body) ?? []
    if (from === undefined || to === undefined) return null
    // nft lists such a range, which it then does not take, where it put two comparisons together.
    if (typeof from === 'number' && typeof to === 'number' && from >= to) return null
    return joined([boundText(from, as), boundText(to, as)], '-')
  },
  elem: (body, as) => elementText({ elem: body }, as),
  jhash: (body) => {
    const { expr = null, ...hash } = only(body, 'mod', 'seed', 'offset', 'expr') ?? {}
    return line('jhash', textOf(expr, 'plain'), modText(hash))
  },
  accept: (body) => verdict('accept', body),
  drop: (body) => verdict('drop', body),
  continue: (body) => verdict('continue', body),
  return: (body) => verdict('return', body),
  jump: (body) => line('jump', word(only(body, 'target')?.target)),
  goto: (body) => line('goto', word(only(body, 'target')?.target)),
  ...Object.fromEntries(Object.keys(OPERATORS).map((operator) => [operator, operation(operator)])),
}

function verdict(name: string, body: Json): string | null {
  return body === null ? name : null
}

function operation(operator: string): (body: Json, as: Notation) => string | null {
  return (body, as) => {
    const operands = Array.isArray(body) ? (body as readonly Json[]) : []
    const [left, ...others] = operands
    if (left === undefined || others.length === 0) return null
    const both = isConstant(left) ? as : notationOf(left)
    const right = operator === '<<' || operator === '>>' ? 'plain' : both
    const texts = operands.map((each, at) => operandText(operator, each, at === 0 ? both : right))
    return joined(texts, ` ${operator} `)
  }
}

function operandText(operator: string, operand: Json, as: Notation): string | null {
  const text = textOf(operand, as)
  const [kind] = oneKey(operand)
  const looser = kind !== null && isOperator(kind) && (OPERATORS[kind] as number) > (OPERATORS[operator] as number)
  return looser && text !== null ? `(${text})` : text
}

function isOperator(kind: string): boolean {
  return Object.hasOwn(OPERATORS, kind)
}

function isConstant(expression: Json): boolean {
  const [kind, body] = oneKey(expression)
  if (kind === null) return true
  return isOperator(kind) && Array.isArray(body) && isConstant((body as readonly Json[])[0] ?? null)
}

function pairText(entry: Json, key: Notation, as: Notation): string | null {
  const [from, to] = pair(entry) ?? []
  return from === undefined || to === undefined ? null : joined([elementText(from, key), textOf(to, as)], ' : ')
}

export function pair(value: Json): readonly [Json, Json] | null {
  return Array.isArray(value) && value.length === 2 ? [value[0] as Json, value[1] as Json] : null
}

function braces(elements: readonly (string | null)[]): string | null {
  const inside = joined(elements, ', ')
  return inside === null ? null : `{ ${inside} }`
}
