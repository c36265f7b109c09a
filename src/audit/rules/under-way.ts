import type { AuditRule } from '../audit-rule.ts'

/** What is seen meanwhile is not how the host will stay. */
export const underWay: AuditRule = {
  id: 'under-way',
  severity: 'info',
  summary: 'a change of ctfleet that is not over, or takes itself back',
  judge: ({ locked }) =>
    locked === null ? [] : [{ title: locked.message, evidence: [], threshold: null, remedy: locked.next }],
}
