import { z } from '../input/schema.ts'
import type { StepKind } from './playbook.ts'
import { DEFAULT_GATES, gateSchema } from './verify.ts'

/** More than any remedy needs; keeps a file that a program wrote from filling the memory. */
const MOST = 100

const expression = z.string().min(1).describe('A CEL expression over facts, analysis and vars')
const cel = z.strictObject({ cel: expression })
const sentence = z.string().min(1)
const worded = z
  .union([sentence, cel])
  .describe('A sentence; an expression may give a list of its parts, in which numbers are grouped')

/** A playbook file, but for what each step and each gate wants: those are checked apart. */
export function playbookSchema(kinds: readonly StepKind[]) {
  const step = z.strictObject({
    name: sentence.optional().describe('What the step is for'),
    when: expression.optional().describe('Leave the step out where this does not hold'),
    ...Object.fromEntries(kinds.map(({ kind, summary }) => [kind, z.unknown().optional().describe(summary)])),
  })
  return z.strictObject({
    name: z
      .string()
      .regex(/^[a-z][a-z0-9-]*$/, 'expected a name of small letters, digits and dashes')
      .describe('The word to give to --strategy'),
    title: sentence.describe('One line for a person: what it does'),
    about: z.string().default('').describe('What to know before choosing it'),
    requires: z
      .array(z.strictObject({ when: expression, otherwise: worded }))
      .max(MOST)
      .default([])
      .describe('Conditions that must hold, each with the sentence to say where it does not'),
    vars: z
      .record(z.string().regex(/^[A-Za-z_]\w*$/, 'expected a name of letters, digits and underscores'), z.unknown())
      .refine((vars) => Object.keys(vars).length <= MOST, `expected at most ${MOST} variables`)
      .default({})
      .describe(
        'Values worked out for each host; a later one may use those before it. NAME_because is a sentence that says why NAME is what it is, first_aid one that says what can be typed on a host that the playbook does not fit',
      ),
    notes: z
      .array(z.strictObject({ when: expression.optional(), say: worded }))
      .max(MOST)
      .default([])
      .describe('What a person must know before saying yes, where the condition holds'),
    steps: z.array(step).min(1).max(MOST),
    verify: z
      .array(z.unknown())
      .max(MOST)
      .default([...DEFAULT_GATES])
      .describe('What must hold over a new connection before the change is confirmed; a new login always must'),
  })
}

type JsonSchema = { [keyword: string]: unknown }

/** The JSON Schema of playbook files, for editors: every value of a step may also be `{ cel: … }`. */
export function playbookJsonSchema(kinds: readonly StepKind[]): JsonSchema {
  const schema: JsonSchema = z.toJSONSchema(playbookSchema(kinds), { io: 'input' })
  const step = at(schema, 'properties', 'steps', 'items')
  const properties = at(step, 'properties')
  for (const { kind, summary, want } of kinds) {
    const { $schema: _version, ...own } = z.toJSONSchema(want, { io: 'input', unrepresentable: 'any' }) as JsonSchema
    properties[kind] = { ...withExpressions(own), description: summary }
  }
  at(schema, 'properties', 'verify').items = withoutVersion(z.toJSONSchema(gateSchema, { io: 'input' }))
  step.oneOf = kinds.map(({ kind }) => ({ required: [kind] }))
  return { ...schema, title: 'ctfleet playbook', $defs: { cel: withoutVersion(z.toJSONSchema(cel, { io: 'input' })) } }
}

const CEL = { $ref: '#/$defs/cel' }

/** The same schema, where each value inside may be an expression instead. */
function withExpressions(schema: JsonSchema): JsonSchema {
  const inside = (part: unknown) => (isSchema(part) ? { anyOf: [withExpressions(part), CEL] } : part)
  const changed: JsonSchema = { ...schema }
  if (isSchema(schema.properties))
    changed.properties = Object.fromEntries(Object.entries(schema.properties).map(([key, part]) => [key, inside(part)]))
  if (isSchema(schema.items)) changed.items = inside(schema.items)
  for (const branches of ['anyOf', 'oneOf', 'allOf'] as const) {
    const parts = schema[branches]
    if (Array.isArray(parts))
      changed[branches] = parts.map((part: unknown) => (isSchema(part) ? withExpressions(part) : part))
  }
  return changed
}

function at(schema: JsonSchema, ...path: readonly string[]): JsonSchema {
  return path.reduce<JsonSchema>((here, key) => {
    const next = here[key]
    if (!isSchema(next)) throw new TypeError(`the playbook schema has no ${path.join('.')}`)
    return next
  }, schema)
}

function withoutVersion({ $schema: _version, ...schema }: JsonSchema): JsonSchema {
  return schema
}

function isSchema(part: unknown): part is JsonSchema {
  return typeof part === 'object' && part !== null && !Array.isArray(part)
}
