import { basesOn } from '../../firewall/bases.ts'
import { chainOf, type Family, type LiveRules, policySite, siteOf } from '../../firewall/rules.ts'
import { effectOf } from '../../firewall/targets.ts'
import type { Facts, Listener } from '../../model/facts.ts'
import { known, type Reading } from '../../model/reading.ts'
import type { AuditRule, Found } from '../audit-rule.ts'
import { isAbout, portsToName, portText, untrackedRules } from '../untracked-rules.ts'

/** What was done for IPv4 alone, on a host that answers on IPv6 too. */
export const ipv6Forgotten: AuditRule = {
  id: 'ipv6-forgotten',
  severity: 'warning',
  summary: 'rules for IPv4 alone on a host that answers on IPv6',
  judge: ({ facts, analysis: { live } }) => {
    const heard = heardOnIpv6(facts)
    if (heard.known && heard.value.length === 0) return []
    if (!heard.known) return [{ untold: 'whether this host answers on IPv6', why: heard.why }]
    if (!live.known) return [{ untold: 'whether IPv6 has the rules that IPv4 has', why: live.why }]
    return [...openTo(live.value, heard.value), ...trackedStill(live.value, heard.value)]
  },
}

/** Listeners that others reach over IPv6: of a socket for all addresses the kernel tells `::`. */
function heardOnIpv6({ listeners: { sockets, addresses } }: Facts): Reading<readonly Listener[]> {
  if (!addresses.known) return addresses
  const isReached = addresses.value.some((each) => each.includes(':') && each !== '::1' && !/^fe[89ab]/i.test(each))
  if (!isReached) return known([])
  if (!sockets.known) return sockets
  return known(sockets.value.filter(({ address }) => address.includes(':') && address !== '::1'))
}

function openTo(live: readonly LiveRules[], heard: readonly Listener[]): readonly Found[] {
  const closed = closedBy(live, 'ip')
  if (closed === null || closedBy(live, 'ip6') !== null) return []
  return [
    {
      title: 'what comes in is refused unless allowed on IPv4, and all of it is let in on IPv6',
      evidence: [`IPv4: ${closed}`, `listening on IPv6: ${socketsText(heard)}`],
      threshold: null,
      remedy:
        'on HOST: write the rules for IPv6 (ip6tables, or tables of family inet), and see to it that they are loaded at boot',
    },
  ]
}

/** The policy, or the rule without any condition, by which what no rule allows does not come in; null where there is none. */
function closedBy(live: readonly LiveRules[], family: Family): string | null {
  for (const each of live.filter(({ rules }) => rules.family === family)) {
    for (const { table, chain: name } of basesOn(each, 'in')) {
      const chain = chainOf(each.rules, table, name)
      if (chain === undefined) continue
      if (chain.policy === 'DROP') return policySite(table, name)
      const all = chain.rules.find(
        ({ matches, target }) =>
          target !== null &&
          effectOf(target.name, target.options) === 'drop' &&
          matches.every(({ name: kind }) => kind === 'comment' || kind === 'counters'),
      )
      if (all !== undefined) return siteOf(table, name, all)
    }
  }
  return null
}

function trackedStill(live: readonly LiveRules[], heard: readonly Listener[]): readonly Found[] {
  const { rules, isWhole } = untrackedRules(live)
  if (!isWhole) return []
  const asked = rules.filter(({ at, side, isLoopback }) => at === 'in' && side === 'dport' && !isLoopback)
  const of = (family: Family) => asked.filter((rule) => rule.family === family)
  const alone = of('ip').filter((rule) => {
    const listening = heard.filter(({ protocol, port }) => protocol === rule.protocol && isAbout(rule, port))
    return listening.some(({ port }) => !of('ip6').some((six) => six.protocol === rule.protocol && isAbout(six, port)))
  })
  if (alone.length === 0) return []
  return [
    {
      title: `left untracked on IPv4 and tracked on IPv6: ${[...new Set(alone.map(portText))].join(', ')}`,
      evidence: alone.map(({ site }) => site),
      threshold: null,
      remedy: `ctfleet plan --strategy notrack --ports ${portsToName(alone)} --limit HOST`,
    },
  ]
}

function socketsText(heard: readonly Listener[]): string {
  const names = [...new Set(heard.map(({ protocol, port }) => `${port}/${protocol}`))]
  return names.length <= 12 ? names.join(', ') : `${names.slice(0, 12).join(', ')} and ${names.length - 12} more`
}
