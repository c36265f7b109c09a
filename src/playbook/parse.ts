import { type Compiled, compile } from '../expression/expression.ts'
import type { Shape } from '../expression/shape.ts'
import { type Complaint, InputError, inReadingOrder } from '../input/complaint.ts'
import { checkAgainst } from '../input/schema.ts'
import { parseYamlDocument, type YamlDocument } from '../input/yaml-document.ts'
import { pathText } from '../input/yaml-tree.ts'
import type { Json } from '../model/json.ts'
import { expressionHint } from './expression-hint.ts'
import { NAMES } from './names.ts'
import type { Playbook, PlaybookStep, StepKind, Template } from './playbook.ts'
import { playbookSchema } from './schema.ts'
import { readGates } from './verify.ts'

/**
 * Reads a playbook and checks all that can be checked without a host: form, expressions, names, types, and what each
 * step wants wherever it stands as a plain value.
 * @throws InputError with every mistake in the text.
 */
export function parsePlaybook(text: string, file: string, kinds: readonly StepKind[]): Playbook {
  const document = parseYamlDocument(text, file, playbookSchema(kinds))
  if (!document.ok) throw new InputError(document.complaints.map(withNextMove))
  const { value: written } = document
  const complaints: Complaint[] = []
  const reader = readerOf(document, file, complaints)

  const varTypes: { [name: string]: string } = {}
  let names: Shape = { ...NAMES, vars: varTypes }
  const vars = Object.entries(written.vars).map(([name, value]) => {
    const template = reader.template(value as Json, ['vars', name], names)
    names = { ...names, vars: { ...(names.vars as Shape), [name]: typeOf(template) } }
    return { name, template }
  })
  const requires = written.requires.flatMap(({ when, otherwise }, index) => {
    const condition = reader.condition(when, ['requires', index, 'when'], names)
    const sentence = reader.template(otherwise, ['requires', index, 'otherwise'], names)
    return condition === undefined ? [] : [{ when: condition, otherwise: sentence }]
  })
  const notes = written.notes.map(({ when, say }, index) => ({
    when: when === undefined ? null : (reader.condition(when, ['notes', index, 'when'], names) ?? null),
    say: reader.template(say, ['notes', index, 'say'], names),
  }))
  const steps = written.steps.flatMap((step, index) => reader.step(step, ['steps', index], names, kinds))
  const verify = readGates(written.verify, ['verify'], reader.complain)
  if (complaints.length > 0) throw new InputError(inReadingOrder(complaints))
  const { name, title, about } = written
  return { name, title, about: about.trim(), file, requires, vars, notes, steps, verify }
}

/** What is no playbook at all, or has not begun to be one, is begun best from one that is. */
function withNextMove(complaint: Complaint): Complaint {
  const { path, message, hint } = complaint
  if (hint !== null || /[.[]/.test(path) || (path !== '' && !message.startsWith('is missing'))) return complaint
  return { ...complaint, hint: 'begin with one that is fine: ctfleet playbook show tune --source' }
}

type Path = readonly (string | number)[]
type Document = Extract<YamlDocument<unknown>, { ok: true }>

/** Turns what is written into what can be evaluated, and notes what cannot. */
function readerOf(document: Document, file: string, complaints: Complaint[]) {
  const complain = (path: Path, message: string, hint: string | null, offset?: number) => {
    complaints.push({ file, ...document.at(path, offset), path: pathText(path), message, hint })
  }

  const expression = (text: string, path: Path, names: Shape, expected: 'bool' | 'any'): Compiled | undefined => {
    const compilation = compile(text, names, expected)
    if (compilation.ok) return compilation.compiled
    complain(path, compilation.message, expressionHint(text, compilation), compilation.offset)
    return undefined
  }

  const template = (value: Json, path: Path, names: Shape): Template => {
    if (typeof value !== 'object' || value === null) return { type: 'plain', value }
    if (Array.isArray(value))
      return { type: 'list', items: value.map((item: Json, index) => template(item, [...path, index], names)) }
    const text = expressionIn(value)
    if (text !== undefined) {
      const compiled = expression(text, [...path, 'cel'], names, 'any')
      return compiled === undefined ? { type: 'plain', value: null } : { type: 'computed', expression: compiled }
    }
    return {
      type: 'map',
      entries: Object.entries(value).map(([key, item]) => [key, template(item, [...path, key], names)]),
    }
  }

  /** Complains of what the kind's schema has against the plain parts; what an expression will give is not known yet. */
  const checkWant = (want: Json, path: Path, { want: schema }: StepKind) => {
    const checked = checkAgainst(schema, want)
    if (checked.ok) return
    const computed = expressionPaths(want, [])
    for (const complaint of checked.complaints) {
      const inExpression = computed.some((each) => each.every((key, index) => complaint.path[index] === key))
      if (inExpression) continue
      const here = [...path, ...complaint.path.map((key) => (typeof key === 'number' ? key : String(key)))]
      const isMissing = complaint.message.startsWith('is missing')
      const wants = isMissing && 'shape' in schema ? Object.keys(schema.shape as object).join(', ') : ''
      const hint = complaint.hint ?? (wants === '' ? null : `${path.at(-1)} wants ${wants}: docs/playbooks.md, Steps`)
      complain(complaint.key === null ? here : [...here, complaint.key], complaint.message, hint)
    }
  }

  const step = (
    written: { readonly [key: string]: unknown },
    path: Path,
    names: Shape,
    kinds: readonly StepKind[],
  ): readonly PlaybookStep[] => {
    const when = typeof written.when === 'string' ? expression(written.when, [...path, 'when'], names, 'bool') : null
    const [kind, another] = kinds.filter((each) => Object.hasOwn(written, each.kind))
    if (kind === undefined) {
      complain(path, 'is no step: it names no kind of change', `one of ${kinds.map((each) => each.kind).join(', ')}`)
      return []
    }
    if (another !== undefined)
      complain(
        [...path, another.kind],
        `a step makes one change, and this one also has ${kind.kind}`,
        'write a step for each',
      )
    const want = written[kind.kind] as Json
    checkWant(want, [...path, kind.kind], kind)
    const name = typeof written.name === 'string' ? written.name : null
    return [{ kind, name, when: when ?? null, want: template(want, [...path, kind.kind], names) }]
  }

  return {
    complain,
    template,
    step,
    condition: (text: string, path: Path, names: Shape) => expression(text, path, names, 'bool'),
  }
}

/** The text of `{ cel: … }`, which is what an expression looks like wherever a value may stand. */
function expressionIn(value: Json): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const [only, another] = Object.entries(value)
  return only?.[0] === 'cel' && another === undefined && typeof only[1] === 'string' ? only[1] : undefined
}

function expressionPaths(value: Json, path: Path): readonly Path[] {
  if (expressionIn(value) !== undefined) return [path]
  if (typeof value !== 'object' || value === null) return []
  if (Array.isArray(value)) return value.flatMap((item: Json, index) => expressionPaths(item, [...path, index]))
  return Object.entries(value).flatMap(([key, item]) => expressionPaths(item, [...path, key]))
}

function typeOf(template: Template): string {
  switch (template.type) {
    case 'computed':
      return template.expression.type
    case 'plain': {
      const types: { readonly [type: string]: string } = { number: 'double', string: 'string', boolean: 'bool' }
      return types[typeof template.value] ?? 'dyn'
    }
    case 'list':
      return 'list<dyn>'
    case 'map':
      return 'dyn'
  }
}
