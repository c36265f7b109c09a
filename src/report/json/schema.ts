import { z } from '../../input/schema.ts'
import { SEVERITIES } from '../../model/finding.ts'
import type { GateName } from '../../model/plan.ts'
import type { HostStatus } from '../../model/result.ts'

/**
 * The JSON Schemas of what ctfleet writes for programs. Members may be added without a new `version`; none goes or changes its
 * meaning. So every object may have more than is named here.
 */

/** How a host ended; the compiler keeps the list whole. */
const STATUSES: Readonly<Record<HostStatus, string>> = {
  'not-reached': 'never begun',
  unreachable: 'no way in',
  failed: 'its facts could not be read',
  'same-machine': 'another name of a host that is handled already',
  healthy: 'nothing to do',
  'no-strategy': 'in trouble, and no strategy fits',
  blocked: 'a strategy was asked for that does not fit, or another transaction has the host',
  'already-right': 'as the strategy wants it',
  planned: 'changes wait to be applied',
  refused: 'untouched: no longer as the plan saw it',
  skipped: 'left for later',
  declined: 'a person said no',
  'under-way': 'what came of it only the host can tell',
  applied: 'in force',
  'rolled-back': 'as it was before',
  'needs-hands': 'neither before nor after',
}
const GATES: Readonly<Record<GateName, true>> = {
  'reads-back': true,
  login: true,
  ports: true,
  drops: true,
  invalid: true,
}

export const text = z.string()
export const texts = z.array(text)
export const time = text.describe('RFC 3339, UTC')
const digest = text.regex(/^[0-9a-f]+$/)
const table = z.looseObject({ entries: z.number(), max: z.number() })
const gateName = z.enum(keysOf(GATES))

export const fault = z
  .looseObject({
    code: text,
    message: text.describe("One sentence, without the host's name"),
    next: text.describe('What to type or do now'),
  })
  .describe('Why something could not be done')
const finding = z.looseObject({
  rule: text,
  severity: z.enum(SEVERITIES),
  title: text,
  evidence: texts,
  table: table.optional(),
  lost: z.looseObject({ packets: z.number(), seconds: z.number() }).optional(),
})
const verdict = z.looseObject({
  strategy: text,
  verdict: z.enum(['eligible', 'ineligible', 'unsure']),
  reasons: texts,
  vars: z.record(text, z.unknown()).describe('The values that the playbook worked out for this host'),
})
const gate = z.looseObject({
  gate: gateName,
  ports: z.array(z.int()).optional(),
  mostPerSecond: z.number().optional(),
  withinSeconds: z.number().optional(),
  beforePerSecond: z.number().optional(),
})
const outcome = z.looseObject({ gate: gateName, held: z.boolean(), message: text })
const change = z.looseObject({
  id: text,
  kind: text,
  title: text,
  phase: z.enum(['runtime', 'persist']).describe('persist: in place only once the change is confirmed'),
  before: z.unknown(),
  after: z.unknown(),
  shown: z.looseObject({ before: texts, after: texts }).describe('Both states as lines, for a diff'),
  volatile: z.boolean().describe('The state moves by itself'),
  notes: texts,
})
const status = z.enum(keysOf(STATUSES)).describe(
  Object.entries(STATUSES)
    .map(([name, meaning]) => `${name}: ${meaning}`)
    .join('; '),
)

const reported = z.looseObject({
  host: text,
  status,
  findings: z.array(finding),
  strategy: text.nullable(),
  considered: z.array(verdict),
  changes: z.array(change),
  kept: texts.describe('Steps that were at their goal already'),
  notes: texts,
  sessionLoss: texts,
  gates: z.array(gate),
  plan: digest.nullable().describe('Its id'),
  transaction: text.nullable(),
  until: time.nullable().describe('When an applied change takes itself back'),
  fault: fault.nullable(),
  why: text.nullable(),
  checked: z.array(outcome),
})

const approval = z.looseObject({
  host: text,
  plan: digest,
  by: text.describe('Login name and machine'),
  at: time,
  how: text,
  note: text.optional(),
})

/** What plan, show, apply, rollback, resume and report print with `--format json`: of a run also what is on record of it. */
const reportSchema = z.looseObject({
  version: z.literal(1),
  command: text.optional(),
  startedAt: time.optional(),
  endedAt: time.nullable().optional().describe('null: it was cut off, or goes on'),
  by: text.optional(),
  inventory: text.optional(),
  of: text.nullable().optional().describe('The run that this one takes back or closes'),
  approvals: z.array(approval).optional(),
  run: text.optional().describe('The id of the run, where there is one'),
  hosts: z.array(reported),
})

const plan = z.looseObject({
  id: digest.describe('SHA-256 of all else in it'),
  host: z.looseObject({ name: text, groups: texts, address: text, port: z.int(), user: text, transport: text }),
  strategy: text,
  boundTo: z.looseObject({ probe: text, digest: text }),
  machine: text.optional(),
  considered: z.array(verdict),
  findings: z.array(finding),
  changes: z.array(
    change.extend({ want: z.unknown(), probe: text, apply: text, undo: text, stage: text, unstage: text }),
  ),
  kept: texts,
  notes: texts,
  rollbackNotes: texts,
  sessionLoss: texts.optional(),
  gates: z.array(gate),
  script: text.describe('The bytes that run on the host, undo included'),
})

/** What `plan -o` saves. */
const savedPlanSchema = z.looseObject({
  version: z.literal(2),
  id: digest.describe('SHA-256 over the hosts; a plan that was edited is no plan'),
  createdAt: time,
  inventory: text,
  hosts: z.array(z.looseObject({ host: text, status, plan: plan.nullable().optional(), fault: fault.optional() })),
})

/** Of the plan that `plan -o` saves. */
export function savedPlanJsonSchema(): object {
  return { ...z.toJSONSchema(savedPlanSchema), title: 'ctfleet saved plan' }
}

/** Of what plan, show, apply, rollback, resume and report print with `--format json`. */
export function reportJsonSchema(): object {
  return { ...z.toJSONSchema(reportSchema), title: 'ctfleet report' }
}

export function keysOf<K extends string>(table: Readonly<Record<K, unknown>>): readonly K[] {
  return Object.keys(table) as K[]
}
