import { decidedBy } from '../../firewall/decider.ts'
import type { Node } from '../../firewall/decision.ts'
import { fate, passes, questionFor } from '../../firewall/evaluate.ts'
import { and, not } from '../../firewall/logic.ts'
import { type Packet, reply, request, type Service, SYN } from '../../firewall/packet.ts'
import type { Family, LiveRules } from '../../firewall/rules.ts'
import { OverBudget } from '../../firewall/work.ts'
import type { AuditRule, Found, Untold } from '../audit-rule.ts'
import { type UntrackedRule, untrackedRules } from '../untracked-rules.ts'

/**
 * Packets that are untracked have no state: an accept that asks for one does not take them. Of ctfleet's own rules diagnosis
 * knows which accepts are gone; of anybody else's the rules are asked.
 */
export const notrackBroken: AuditRule = {
  id: 'notrack-broken',
  severity: 'critical',
  summary: 'ports left untracked without the accepts that this needs',
  judge: ({ findings, analysis: { live } }) => {
    const own = findings
      .filter(({ rule }) => rule === 'notrack-broken')
      .map(({ title, evidence }) => ({ title, evidence, threshold: null, remedy: MEND }))
    if (!live.known) return [...own, { untold: 'whether what is left untracked is let through', why: live.why }]
    return [...own, ...untrackedRules(live.value).rules.flatMap((rule) => brokenBy(rule, live.value))]
  },
}

const MEND = 'ctfleet plan --strategy notrack --limit HOST'

/** More nobody writes by hand; each takes a while to judge. */
const MOST_PORTS = 16
const BUDGET = 300_000

function brokenBy(rule: UntrackedRule, live: readonly LiveRules[]): readonly (Found | Untold)[] {
  if (rule.isOurs || rule.isLoopback || rule.at !== 'in' || rule.side !== 'dport') return []
  return rule.ports.slice(0, MOST_PORTS).flatMap(([port]): readonly (Found | Untold)[] => {
    const service = { protocol: rule.protocol, port }
    const lost = lostUntracked(live, service, rule.family)
    const name = `${rule.protocol} port ${port} in ${rule.family === 'ip' ? 'IPv4' : 'IPv6'}`
    if (lost === null) return []
    if ('why' in lost) return [{ untold: `whether ${name}, which is left untracked, is let through`, why: lost.why }]
    return [
      {
        title: `${name} is left untracked, and packets ${lost.way} it that were let through are dropped`,
        evidence: [`untracked by ${rule.site}`, `dropped by ${lost.site}`],
        threshold: null,
        remedy: `accept them without asking for a state; ctfleet writes what is needed: ctfleet plan --strategy notrack --ports ${port}/${rule.protocol} --limit HOST`,
      },
    ]
  })
}

type Lost = { readonly way: 'to' | 'from'; readonly site: string } | { readonly why: string }

/** Where packets of a service pass while they are tracked, and do not once they are not; null where nothing changes. */
function lostUntracked(all: readonly LiveRules[], service: Service, family: Family): Lost | null {
  const live = all.filter(({ rules }) => rules.family === family)
  try {
    const question = questionFor(family, live, { ports: [service.port], budget: BUDGET })
    const { decisions } = question
    const through = (packet: Packet): Node => passes(question, fate(question, live, packet))
    const isTcp = service.protocol === 'tcp'
    const asked = { ...request(family, service, 'wire'), flags: isTcp ? SYN : [] }
    const answered = { ...reply(family, service, 'wire'), flags: isTcp ? ['SYN', 'ACK'] : [] }
    for (const [way, packet, state] of [
      ['to', asked, 'NEW'],
      ['from', answered, 'ESTABLISHED'],
    ] as const) {
      const untracked: Packet = { ...packet, state: { is: 'UNTRACKED' } }
      const both = and(decisions, through({ ...packet, state: { is: state } }), not(decisions, through(untracked)))
      const surely = decisions.witness(both, (value) => value === 'yes')
      const at = surely ?? decisions.witness(both, (value) => value !== 'no')
      if (at === null) continue
      const site = decidedBy(question, live, untracked, at).site ?? 'a rule that was not found'
      return surely === null ? { why: `it hangs on ${site}` } : { way, site }
    }
    return null
  } catch (error) {
    if (error instanceof OverBudget) return { why: 'these rules are too many to tell' }
    throw error
  }
}
