import { z } from '../../input/schema.ts'
import type { AuditResult } from '../../model/audit.ts'
import { SEVERITIES } from '../../model/finding.ts'
import { keysOf, text, texts, time } from './schema.ts'

const UNASKED: Readonly<Record<Exclude<AuditResult['status'], 'audited'>, true>> = {
  unreachable: true,
  failed: true,
  'not-reached': true,
}

const severity = z.enum(SEVERITIES)
const told = z.looseObject({
  host: text.nullable().describe('Null: against the policy itself'),
  rule: text,
  severity,
  title: text.describe('Comes from the host: escape it where it is shown'),
  remedy: text.nullable().describe('What to type or do'),
})
const changed = told.extend({ was: severity.describe('Its severity before') })
const count = z.int()

/** What a command and a webhook of serve and schedule get. */
const noticeSchema = z.looseObject({
  version: z.literal(1),
  type: z.literal('audit-changed'),
  schedule: text,
  inventory: text,
  policy: text.nullable().describe('Its file; null: no policy of your own'),
  audit: text.describe('Its id on record: ctfleet show ID; the same notice has the same'),
  at: time,
  comparedWith: text.nullable().describe('The audit that was told before; null: this is the first'),
  summary: text.describe('One sentence'),
  counts: z
    .looseObject({ new: count, worse: count, better: count, gone: count, lost: count, back: count })
    .describe('Of all; the lists have 100 entries at most'),
  new: z.array(told),
  worse: z.array(changed).describe('Graver than before'),
  better: z.array(changed),
  gone: z.array(told).describe('As they were then'),
  lost: z
    .array(z.looseObject({ host: text, status: z.enum(keysOf(UNASKED)), why: text }))
    .describe('Hosts that could be audited then, or are new, and could not be now'),
  back: texts.describe('Hosts that could not be audited then, and could be now'),
})

export function noticeJsonSchema(): object {
  return { ...z.toJSONSchema(noticeSchema), title: 'ctfleet notice' }
}
