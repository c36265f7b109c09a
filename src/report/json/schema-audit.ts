import { z } from '../../input/schema.ts'
import type { AuditResult, Suspect } from '../../model/audit.ts'
import { SEVERITIES } from '../../model/finding.ts'
import { fault, keysOf, text, texts, time } from './schema.ts'

const STATUSES: Readonly<Record<AuditResult['status'], string>> = {
  audited: 'held against every rule',
  unreachable: 'no way in',
  failed: 'its facts could not be read',
  'not-reached': 'never asked',
}
const CERTAINTIES: Readonly<Record<Suspect['certainty'], true>> = { certain: true, likely: true, possible: true }

const severity = z.enum(SEVERITIES)
const reading = z
  .union([
    z.looseObject({ known: z.literal(true), value: z.unknown() }),
    z.looseObject({ known: z.literal(false), why: text }),
  ])
  .describe('A value, or why it is not known')
const suspect = z.looseObject({ who: text, certainty: z.enum(keysOf(CERTAINTIES)), evidence: texts })
const finding = z.looseObject({
  rule: text,
  severity,
  title: text,
  evidence: texts.describe('The readings that it rests on'),
  threshold: text.nullable().describe('From where on it counts, in words'),
  remedy: text.nullable().describe('What to type or do'),
  waived: z
    .looseObject({ reason: text, until: text.describe('The last day on which it holds') })
    .nullable()
    .describe('Not null: it does not count for now'),
  by: z.array(suspect).optional().describe('Of drift: who may have done it, surest first'),
})
const host = z.looseObject({
  host: text,
  status: z.enum(keysOf(STATUSES)).describe(
    Object.entries(STATUSES)
      .map(([name, meaning]) => `${name}: ${meaning}`)
      .join('; '),
  ),
  findings: z.array(finding).describe('Worst first'),
  traits: z
    .looseObject({ max: reading, buckets: reading, timeouts: reading, managers: reading })
    .nullable()
    .describe('What hosts of one group are expected to have in common'),
  notRoot: fault.nullable().describe('Why root was not to be had'),
  fault: fault.nullable(),
  why: text.nullable(),
})

const change = z.looseObject({ host: text.nullable().describe('Null: against the policy itself'), finding })
const changed = z.looseObject({ host: text.nullable(), finding, before: finding })
const since = z.looseObject({
  audit: z
    .looseObject({ id: text, startedAt: time, by: text })
    .nullable()
    .describe('What it is compared with; null: there was none, so all counts as new'),
  new: z.array(change),
  worse: z.array(changed).describe('Graver than before'),
  better: z.array(changed),
  gone: z.array(change).describe('As they were then'),
  lost: z
    .array(z.looseObject({ host: text }))
    .describe('Hosts that could be audited then, or are new, and could not be now'),
  back: texts.describe('Hosts that could not be audited then, and could be now'),
  left: texts.describe('Hosts of then that were not asked about now'),
})

/** What audit prints with `--format json`. */
const auditSchema = z.looseObject({
  version: z.literal(1),
  at: time,
  policy: text.nullable().describe('Its file; null: no policy of your own'),
  failOn: severity,
  source: z.looseObject({}).nullable().describe('Where recorded facts came from; null: the hosts were asked'),
  counts: z.looseObject({
    hosts: z.int(),
    audited: z.int(),
    critical: z.int(),
    warning: z.int(),
    info: z.int(),
    waived: z.int().describe('Not among those before'),
  }),
  rules: z.array(z.looseObject({ id: text, summary: text, severity, off: z.boolean() })),
  policyFindings: z.array(finding).describe('What there is against the policy itself'),
  hosts: z.array(host),
  leftOut: texts.optional().describe('Hosts for which --where is false'),
  unsure: z
    .array(z.looseObject({ host: text, why: text }))
    .optional()
    .describe('Hosts of which that cannot be told'),
  since: since
    .optional()
    .describe('With --since-last: what changed; hosts and counts are then of what is new or worse'),
})

export function auditJsonSchema(): object {
  return { ...z.toJSONSchema(auditSchema), title: 'ctfleet audit' }
}
