import { parsePolicy } from '../../src/audit/parse-policy.ts'
import { DEFAULT_POLICY, type Policy } from '../../src/audit/policy.ts'
import { InputError, printComplaint } from '../../src/input/complaint.ts'
import type { AuditFinding, AuditResult } from '../../src/model/audit.ts'
import type { Facts } from '../../src/model/facts.ts'
import { known } from '../../src/model/reading.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { auditRecorded } from '../../src/run/audit-host.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'

const { playbooks } = loadPlaybooks('auto', STEP_KINDS)

/** One host's audit, from its facts. */
export function audited(facts: Facts, policy: Policy = DEFAULT_POLICY, host = 'web-1'): AuditResult {
  const result = auditRecorded({ host, status: 'read', facts }, { policy, playbooks, where: null })
  if (result.status === 'left-out' || result.status === 'unsure') throw new Error('nothing was to be left out')
  return result
}

export function findingsIn(facts: Facts, policy?: Policy): readonly AuditFinding[] {
  const result = audited(facts, policy)
  return result.status === 'audited' ? result.findings : []
}

/** What one rule found. */
export function foundBy(rule: string, facts: Facts, policy?: Policy): readonly AuditFinding[] {
  return findingsIn(facts, policy).filter((finding) => finding.rule === rule)
}

/** A policy's text, read; or what is wrong with it, a line each. */
export function policyOf(text: string): Policy {
  return parsePolicy(text, 'policy.yaml')
}

export function complaintsOf(text: string): readonly string[] {
  try {
    policyOf(text)
    return []
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.complaints.map(printComplaint)
  }
}

/** Rules as iptables-nft-save prints them; null: none of this family. */
export function rulesOf(ip: string | null, ip6: string | null = null): Pick<Facts['firewall'], 'nft'> {
  return { nft: { ip: known(ip), ip6: known(ip6) } }
}
