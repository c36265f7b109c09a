import { z } from 'zod'
import { quoted } from './complaint.ts'
import { didYouMean } from './nearest.ts'

export { z }

/** What a schema has against a value, in our words; where in the document is the caller's to find. */
export type SchemaComplaint = {
  readonly path: readonly PropertyKey[]
  /** The complaint is about this key of the map at `path`, not about its value. */
  readonly key: string | null
  readonly message: string
  readonly hint: string | null
}

export type Checked<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly complaints: readonly SchemaComplaint[] }

/** Checks a value that came as JSON. Every mistake is named, not only the first. */
export function checkAgainst<T>(schema: z.ZodType<T>, value: unknown): Checked<T> {
  const parsed = schema.safeParse(value)
  if (parsed.success) return { ok: true, value: parsed.data }
  return { ok: false, complaints: parsed.error.issues.flatMap((issue) => complaintsOf(issue, schema, value, [])) }
}

type Issue = z.core.$ZodIssue

function complaintsOf(
  issue: Issue,
  schema: z.core.$ZodType,
  root: unknown,
  above: readonly PropertyKey[],
): readonly SchemaComplaint[] {
  const path = [...above, ...issue.path]
  const found = valueAt(root, path)
  const say = (message: string, hint: string | null = null): readonly SchemaComplaint[] => [
    { path, key: null, message, hint },
  ]
  switch (issue.code) {
    case 'invalid_type': {
      const whole = schemasAt(schema, path).some((branch) => branch instanceof z.ZodNumber && branch.isInt)
      const expected = typeName(issue.expected === 'number' && whole ? 'int' : issue.expected)
      return say(
        found === undefined ? `is missing: expected ${expected}` : `expected ${expected}, found ${foundName(found)}`,
      )
    }
    case 'unrecognized_keys': {
      const known = keysAt(schema, path)
      return issue.keys.map((key) => ({
        path,
        key,
        message: `unknown key ${quoted(key)}`,
        hint: didYouMean(key, known) ?? (known.length === 0 ? null : `known here: ${known.join(', ')}`),
      }))
    }
    case 'invalid_value': {
      const choices = issue.values.map((value) => quoted(value))
      const expected = choices.length === 1 ? choices[0] : `one of ${choices.join(', ')}`
      if (found === undefined) return say(`is missing: expected ${expected}`)
      const near = typeof found === 'string' ? didYouMean(found, issue.values.filter(isText)) : null
      return say(`expected ${expected}, found ${foundName(found)}`, near)
    }
    case 'invalid_union': {
      const branch = likeliestBranch(issue.errors)
      if (branch === undefined) return say(`no form of it that is known here fits ${foundName(found)}`)
      return branch.flatMap((inner) => complaintsOf(inner, schema, root, path))
    }
    case 'too_small':
    case 'too_big':
      return say(`${sizeSentence(issue)}, found ${foundName(found)}`)
    case 'invalid_key':
      return say(issue.issues[0]?.message ?? 'this key is not allowed here')
    case 'invalid_format':
    case 'not_multiple_of':
    case 'invalid_element':
    case 'custom':
      return say(withoutCapital(issue.message))
  }
}

/** The branch that got furthest into the value, since that is the one a person most likely meant; then the one with the fewest complaints. */
function likeliestBranch(branches: readonly (readonly Issue[])[]): readonly Issue[] | undefined {
  const depth = (issues: readonly Issue[]) => Math.min(...issues.map((issue) => issue.path.length))
  return branches
    .filter((issues) => issues.length > 0)
    .toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)
    .at(0)
}

const TYPE_NAMES: { readonly [expected: string]: string } = {
  int: 'a whole number',
  number: 'a number',
  string: 'text',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
  null: 'nothing',
}

function typeName(expected: string): string {
  return TYPE_NAMES[expected] ?? expected
}

function foundName(value: unknown): string {
  if (value === null) return 'nothing'
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list'
  if (typeof value === 'object') return 'a map'
  return quoted(value)
}

function sizeSentence(issue: Extract<Issue, { code: 'too_small' | 'too_big' }>): string {
  const [bound, inclusive] =
    issue.code === 'too_small' ? [issue.minimum, issue.inclusive ?? true] : [issue.maximum, issue.inclusive ?? true]
  const relation =
    issue.code === 'too_small' ? (inclusive ? 'at least' : 'more than') : inclusive ? 'at most' : 'less than'
  const [one, many] = UNITS[issue.origin] ?? ['', '']
  return `expected ${relation} ${bound}${Number(bound) === 1 ? one : many}`
}

const UNITS: { readonly [origin: string]: readonly [one: string, many: string] } = {
  string: [' character', ' characters'],
  array: [' item', ' items'],
  set: [' item', ' items'],
}

function withoutCapital(message: string): string {
  return /^[A-Z][a-z]/.test(message) ? message.charAt(0).toLowerCase() + message.slice(1) : message
}

function isText(value: unknown): value is string {
  return typeof value === 'string'
}

function valueAt(root: unknown, path: readonly PropertyKey[]): unknown {
  let value = root
  for (const key of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, key)) return undefined
    value = Reflect.get(value, key)
  }
  return value
}

/** The keys that the schema knows at a path, over all branches of its unions. */
function keysAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly string[] {
  const branches = schemasAt(schema, path)
  return [...new Set(branches.flatMap((branch) => (branch instanceof z.ZodObject ? Object.keys(branch.shape) : [])))]
}

function schemasAt(schema: z.core.$ZodType, path: readonly PropertyKey[]): readonly z.core.$ZodType[] {
  let here = branchesOf(schema)
  for (const key of path) here = here.flatMap((branch) => stepInto(branch, key)).flatMap(branchesOf)
  return here
}

function stepInto(schema: z.core.$ZodType, key: PropertyKey): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) {
    const inner: unknown = schema.shape[String(key)]
    return inner instanceof z.ZodType ? [inner] : []
  }
  if (schema instanceof z.ZodArray) return [schema.element]
  if (schema instanceof z.ZodRecord) return [schema.valueType]
  return []
}

function branchesOf(schema: z.core.$ZodType): readonly z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => branchesOf(option))
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return branchesOf(schema.unwrap())
  if (schema instanceof z.ZodPipe) return branchesOf(schema.in)
  return [schema]
}
