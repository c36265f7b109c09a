import type { AuditRule } from '../audit-rule.ts'
import { isAbout, portsToName, portText, type UntrackedRule, untrackedRules } from '../untracked-rules.ts'

/**
 * One direction left untracked and the other not: the tracked one makes entries all the same (tcp_loose picks up what comes
 * in the middle), so the table fills on, and where it does not, packets are INVALID.
 */
export const notrackHalf: AuditRule = {
  id: 'notrack-half',
  severity: 'warning',
  summary: 'rules that leave only one direction of a flow untracked',
  judge: ({ analysis: { live } }) => {
    if (!live.known) return [{ untold: 'whether rules leave only half of a flow untracked', why: live.why }]
    const { rules, isWhole } = untrackedRules(live.value)
    // What is not read here may well be the other half.
    if (!isWhole) return []
    const half = rules.filter((rule) => !rule.isLoopback && !rules.some((other) => completes(rule, other)))
    if (half.length === 0) return []
    return [
      {
        title: `only half left untracked: ${[...new Set(half.map(halfText))].join('; ')}`,
        evidence: half.map(({ site }) => site),
        threshold: null,
        remedy: `ctfleet plan --strategy notrack --ports ${portsToName(half)} --limit HOST`,
      },
    ]
  },
}

/** Answers go out where questions came in, or, of a flow that passes through, come in as well. */
function completes(rule: UntrackedRule, other: UntrackedRule): boolean {
  if (other.isLoopback || other.family !== rule.family || other.protocol !== rule.protocol) return false
  if (other.side === rule.side || (rule.at === 'out' && other.at === 'out')) return false
  return rule.ports.every(([first, last]) => isAbout(other, first) && isAbout(other, last))
}

function halfText(rule: UntrackedRule): string {
  const missing = rule.side === 'dport' ? 'from it' : 'to it'
  return `${rule.family === 'ip' ? 'IPv4' : 'IPv6'} ${portText(rule)}, but not the packets ${missing}`
}
