import type { Earlier } from '../audit/audit-rule.ts'
import { auditOf, isOff } from '../audit/judge.ts'
import { traitsOf } from '../audit/out-of-line.ts'
import type { Policy } from '../audit/policy.ts'
import type { AuditResult } from '../model/audit.ts'
import type { Sample } from '../model/history.ts'
import type { Host } from '../model/host.ts'
import type { FactsResult, LeftOut } from '../model/result.ts'
import type { Playbook } from '../playbook/playbook.ts'
import { openSession } from '../transport/catalog.ts'
import { withDrift } from './drift-host.ts'
import { gatherFacts } from './facts-host.ts'
import { judgeHost } from './judge-host.ts'
import type { Telling } from './story.ts'
import type { Applied } from './verify-host.ts'
import { leftOutBy, type Where } from './where.ts'

/** What is looked for, the same for every host. */
export type Audit = {
  readonly policy: Policy
  /** Whose remedies are named. */
  readonly playbooks: readonly Playbook[]
  /** Null: all hosts are meant. */
  readonly where: Where | null
  /** What was applied last and still stands, by host: there drift is looked for. Absent: nowhere. */
  readonly applied?: ReadonlyMap<string, Applied> | undefined
  /** What was last read of each host before, by its name. Absent: what was lost since then is not asked. */
  readonly earlier?: ReadonlyMap<string, Sample> | undefined
}

/** Holds a host against the policy; nothing on it changes. What only the fleet can tell is not in it. */
export async function auditHost(
  host: Host,
  audit: Audit,
  { signal, onStage, onFacts }: Telling,
): Promise<AuditResult | LeftOut> {
  onStage('connecting')
  const opened = await openSession(host, signal)
  if ('refused' in opened) return { host: host.name, status: 'unreachable', fault: opened.refused }
  await using session = opened
  onStage('reading')
  const gathered = await gatherFacts(session)
  if ('refused' in gathered) return { host: host.name, status: 'failed', fault: gathered.refused }
  const { facts, notRoot } = gathered
  onFacts?.(facts)
  const read = { host: host.name, status: 'read', facts, ...(notRoot === null ? {} : { notRoot }) } as const
  const result = auditRecorded(read, audit)
  const applied = audit.applied?.get(host.name)
  if (result.status !== 'audited' || applied === undefined || isOff(audit.policy, 'drift')) return result
  onStage('checking')
  return await withDrift(result, { host, facts, applied, policy: audit.policy }, session)
}

/** The same from facts that were read already; a host that could not be read stays what it was. */
export function auditRecorded(read: FactsResult, { policy, playbooks, where, earlier }: Audit): AuditResult | LeftOut {
  const { host } = read
  switch (read.status) {
    case 'unreachable':
    case 'failed':
      return { host, status: read.status, fault: read.fault }
    case 'not-reached':
      return { host, status: 'not-reached', why: read.why }
    case 'read': {
      const { facts, notRoot } = read
      const leftOut = leftOutBy(where, host, facts)
      if (leftOut !== null) return leftOut
      const { thresholds } = policy
      const judged = judgeHost(facts, { strategy: 'auto', playbooks, ports: null, thresholds })
      const findings = auditOf({ facts, ...judged, thresholds, earlier: earlierOf(earlier?.get(host)) }, policy)
      return { host, status: 'audited', findings, traits: traitsOf(facts), notRoot }
    }
  }
}

function earlierOf(sample: Sample | undefined): Earlier | null {
  return sample === undefined ? null : { sample, seconds: (Date.now() - Date.parse(sample.at)) / 1000 }
}
