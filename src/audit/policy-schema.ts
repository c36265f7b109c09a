import { z } from '../input/schema.ts'
import { SEVERITIES } from '../model/finding.ts'
import { RULE_IDS } from './catalog.ts'

const severity = z.enum(SEVERITIES)
const sentence = z.string().min(1)
const expression = z.string().min(1).describe('A CEL expression over facts, under the names that --where has')
const worded = z
  .union([sentence, z.strictObject({ cel: expression })])
  .describe('A sentence, or an expression that gives one, or a list of its parts')
const time = z
  .string()
  .regex(/^[1-9]\d{0,5}[smhd]$/, 'expected a time with its unit: 30m, 24h, 7d')
  .describe('30m, 24h, 7d')
const id = z.string().regex(/^[a-z][a-z0-9-]*$/, 'expected a name of small letters, digits and dashes')

/** A policy file; whether the rules that it names are there is checked apart. */
export const policySchema = z.strictObject({
  thresholds: z
    .strictObject({
      'near-full': z
        .number()
        .min(1)
        .max(100)
        .optional()
        .describe('Percent of max from where on a table is nearly full'),
      'logged-within': time.optional().describe('How long a logged "table full" counts'),
      'entries-per-bucket': z
        .number()
        .min(1)
        .max(1000)
        .optional()
        .describe('When full; more is a hash table too small'),
      'long-timeout': time.optional().describe('A timeout that is longer holds entries for too long'),
      'group-of': z
        .int()
        .min(3)
        .max(100_000)
        .optional()
        .describe('Hosts that a group must have before one of them can be out of line'),
    })
    .default({})
    .describe('From where on something counts'),
  rules: z
    .record(z.string(), z.union([severity, z.literal('off')]))
    .default({})
    .describe("ctfleet's own rules with another severity, or off"),
  own: z
    .array(
      z.strictObject({
        id: id.describe('A name of its own'),
        when: expression.describe('Where this holds it is a finding'),
        severity: severity.default('warning'),
        title: worded,
        remedy: worded.optional().describe('What to type or do; HOST stands for the host'),
      }),
    )
    .default([])
    .describe("Rules of the site's own"),
  waivers: z
    .array(
      z.strictObject({
        rule: z.string().min(1),
        hosts: sentence.describe('Which, as --limit takes it: web-1 · web-* · db:&eu'),
        reason: sentence,
        until: z
          .string()
          .regex(/^\d{4}-\d\d-\d\d$/, 'expected a day: 2027-01-31')
          .refine(isDay, 'there is no such day')
          .describe('The last day on which it holds'),
      }),
    )
    .default([])
    .describe('Findings that do not count for now'),
})

function isDay(text: string): boolean {
  const at = new Date(`${text}T00:00:00Z`)
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text)
}

/** The JSON Schema of policy files, for editors. */
export function policyJsonSchema(): object {
  const schema = z.toJSONSchema(policySchema, { io: 'input', unrepresentable: 'any' })
  const rules = schema.properties?.rules
  const named = typeof rules === 'object' ? { ...rules, propertyNames: { enum: [...RULE_IDS] } } : {}
  return { ...schema, properties: { ...schema.properties, rules: named }, title: 'ctfleet audit policy' }
}
