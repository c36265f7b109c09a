import { policyJsonSchema } from '../../src/audit/policy-schema.ts'
import { factsJsonSchema } from '../../src/facts/document.ts'
import { playbookJsonSchema } from '../../src/playbook/schema.ts'
import { reportJsonSchema, savedPlanJsonSchema } from '../../src/report/json/schema.ts'
import { auditJsonSchema } from '../../src/report/json/schema-audit.ts'
import { eventJsonSchema } from '../../src/report/json/schema-event.ts'
import { noticeJsonSchema } from '../../src/report/json/schema-notice.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'

/** The files of schemas/, by name. */
export const PUBLISHED: Readonly<Record<string, object>> = {
  'playbook.json': playbookJsonSchema(STEP_KINDS),
  'policy.json': policyJsonSchema(),
  'plan.json': savedPlanJsonSchema(),
  'report.json': reportJsonSchema(),
  'audit.json': auditJsonSchema(),
  'facts.json': factsJsonSchema(),
  'event.json': eventJsonSchema(),
  'notice.json': noticeJsonSchema(),
}

/** As it stands in the file. */
export function textOf(schema: object): string {
  return `${JSON.stringify(schema, null, 2)}\n`
}
