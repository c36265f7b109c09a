import type { Json } from '../model/json.ts'
import { compileCel, failureOf, type Program } from './cel.ts'
import type { Shape } from './shape.ts'

/** An expression that was checked against the names it may use; evaluating it can only fail by what a host holds. */
export type Compiled = {
  readonly text: string
  /** Type of the result, to declare a name that holds it. */
  readonly type: string
  readonly program: Program
}

export type Compilation =
  | { readonly ok: true; readonly compiled: Compiled }
  | {
      readonly ok: false
      readonly message: string
      /** Where in the expression, in characters from 0. */
      readonly offset: number
      /** For an unknown name: the name, and those that are known in its place. */
      readonly unknown: { readonly name: string; readonly known: readonly string[] } | null
    }

/** Checks syntax, names and types, all that can be known before there is a host. Never throws. */
export function compile(text: string, names: Shape, expected: 'bool' | 'any' = 'any'): Compilation {
  const outcome = compileCel(text, names)
  if ('rejected' in outcome) {
    const { message, offset, unknownName } = outcome.rejected
    if (unknownName === null) return { ok: false, message, offset, unknown: null }
    const { parent, name } = unknownName
    const known = namesUnder(names, parent)
    const place = parent.length === 0 ? '' : ` in ${parent.join('.')}`
    return { ok: false, message: `there is no ${name}${place}`, offset, unknown: { name, known } }
  }
  const fits = expected === 'any' || outcome.type === 'bool' || outcome.type === 'dyn'
  if (!fits)
    return {
      ok: false,
      message: `must be true or false, but gives a ${plainType(outcome.type)}`,
      offset: 0,
      unknown: null,
    }
  if (!isJsonType(outcome.type))
    return {
      ok: false,
      message: `gives a ${plainType(outcome.type)}, which no value here can be`,
      offset: 0,
      unknown: null,
    }
  return { ok: true, compiled: { text, type: declaredType(outcome.type), program: outcome } }
}

export type Evaluation =
  | { readonly type: 'value'; readonly value: Json }
  /** A reading that it needs is unknown. */
  | { readonly type: 'unsure'; readonly why: string }
  | { readonly type: 'failed'; readonly message: string }

/**
 * Evaluates over one host's values. An absent name that `whyUnknown` explains makes it unsure, unless the rest decides
 * without it, as CEL has it: `false && unknown` is false, `unknown || true` is true.
 * @param whyUnknown by dotted name: `facts.conntrack.count` → `permission denied`
 */
export function evaluate(
  compiled: Compiled,
  bindings: { readonly [name: string]: unknown },
  whyUnknown: ReadonlyMap<string, string>,
): Evaluation {
  try {
    return jsonResult(compiled.program.run(bindings))
  } catch (error) {
    const { absent, message } = failureOf(error)
    const why = absent === null ? undefined : whyUnknown.get(absent.join('.'))
    if (absent !== null && why !== undefined) return { type: 'unsure', why: `${absent.join('.')} is not known: ${why}` }
    return { type: 'failed', message: absent === null ? message : `this host has no ${absent.join('.')}` }
  }
}

/** Characters of an expression that are shown on either side of what is wrong in it. */
const AROUND = 40

/** The expression with a caret under one of its characters, for a complaint; of a long line what is near it. */
export function caret(text: string, offset: number): string {
  const start = text.lastIndexOf('\n', offset - 1) + 1
  const end = text.indexOf('\n', offset)
  const line = text.slice(start, end === -1 ? undefined : end)
  const at = Math.max(0, offset - start)
  if (line.length <= 2 * AROUND) return `${line}\n${' '.repeat(at)}^`
  const from = Math.max(0, Math.min(at - AROUND, line.length - 2 * AROUND))
  const before = from > 0 ? '…' : ''
  const after = from + 2 * AROUND < line.length ? '…' : ''
  const shown = before + line.slice(from, from + 2 * AROUND) + after
  return `${shown}\n${' '.repeat(before.length + at - from)}^`
}

function namesUnder(names: Shape, parent: readonly string[]): readonly string[] {
  let here: Shape | string | undefined = names
  for (const name of parent) {
    if (typeof here !== 'object') return []
    here = here[name]
  }
  return typeof here === 'object' ? Object.keys(here) : []
}

/** Whole numbers reach the next expression as doubles too. */
function declaredType(type: string): string {
  if (type === 'list') return 'list<dyn>'
  if (type === 'null' || type === 'map') return 'dyn'
  return type.replaceAll(/\bu?int\b/g, 'double')
}

function isJsonType(type: string): boolean {
  return !/\$|\b(?:bytes|type|google|optional)\b/.test(type)
}

function plainType(type: string): string {
  return type === 'double' || type === 'int' ? 'number' : type.startsWith('$') ? 'group of facts' : type
}

function jsonResult(value: unknown): Evaluation {
  try {
    return { type: 'value', value: toJson(value) }
  } catch (error) {
    if (!(error instanceof NoJson)) throw error
    return { type: 'failed', message: error.message }
  }
}

class NoJson extends Error {}

function toJson(value: unknown): Json {
  switch (typeof value) {
    case 'string':
    case 'boolean':
      return value
    case 'bigint':
      return toJson(Number(value))
    case 'number':
      if (Number.isFinite(value)) return value
      throw new NoJson(`gives ${value}: something was divided by zero`)
    case 'object':
      if (value === null) return null
      if (Array.isArray(value)) return value.map(toJson)
      if (value instanceof Map) return Object.fromEntries([...value].map(([key, item]) => [String(key), toJson(item)]))
      if (Object.getPrototypeOf(value) === Object.prototype)
        return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, toJson(item)]))
      break
    case 'undefined':
    case 'function':
    case 'symbol':
      break
  }
  throw new NoJson('gives something that is no plain value')
}
