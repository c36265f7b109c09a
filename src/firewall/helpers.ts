import { basesOn, rawBasesOn } from './bases.ts'
import { packetsOf, type Service } from './packet.ts'
import type { Question } from './question.ts'
import { rulesMet } from './reach.ts'
import { type LiveRules, siteOf } from './rules.ts'
import { effectOf } from './targets.ts'

/** The ports that a helper's module watches unless told otherwise, from each module's source under net/netfilter. */
const HELPER_PORTS: ReadonlyMap<string, readonly string[]> = new Map([
  ['ftp', ['tcp/21']],
  ['tftp', ['udp/69']],
  ['sip', ['tcp/5060', 'udp/5060']],
  ['h323', ['tcp/1720', 'udp/1719']],
  ['pptp', ['tcp/1723']],
  ['irc', ['tcp/6667']],
  ['amanda', ['udp/10080']],
  ['snmp', ['udp/161']],
  ['sane', ['tcp/6566']],
  ['netbios_ns', ['udp/137']],
])

/** One that clients take by chance (net.ipv4.ip_local_port_range): a rule that names a single port does not mean it. */
const CLIENT_PORT = { is: 49_152 }

/** What makes a service's connections need a conntrack helper: a rule of the raw table, or a loaded module; null where nothing does. */
export function helperOf(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  modules: readonly string[],
): { readonly name: string; readonly rule: string | null } | null {
  const { family } = question.space
  const packets = packetsOf(family, service).map(
    (packet) =>
      ({
        ...packet,
        sourcePort: 'any' in packet.sourcePort ? CLIENT_PORT : packet.sourcePort,
        destinationPort: 'any' in packet.destinationPort ? CLIENT_PORT : packet.destinationPort,
        flags: null,
        state: { is: 'raw' },
      }) as const,
  )
  for (const each of live) {
    for (const packet of packets) {
      // nft gives a connection its helper where it knows it, after tracking.
      const later = each.backend === 'native' ? basesOn(each, packet.path) : []
      for (const at of [...rawBasesOn(each, packet.path), ...later]) {
        for (const { chain, rule } of rulesMet(question, each.rules, at, packet, true).met) {
          const helper =
            rule.target !== null &&
            ['CT', 'ct'].includes(rule.target.name) &&
            rule.target.options.find(({ option }) => option === 'helper' || option === 'expectation')
          if (helper) return { name: helper.values.join(' '), rule: siteOf(at.table, chain, rule) }
        }
      }
    }
  }
  const watched = modules.find((module) => {
    const [, helper] = /^(?:nf|ip)_conntrack_(\w+)$/.exec(module) ?? []
    return HELPER_PORTS.get(helper ?? '')?.includes(`${service.protocol}/${service.port}`)
  })
  return watched === undefined ? null : { name: watched, rule: null }
}

/**
 * The rule of nft that settles how packets of a service are tracked before a rule of ours could leave them untracked: the first
 * to touch a packet wins.
 */
export function settledBefore(question: Question, live: readonly LiveRules[], service: Service): string | null {
  const { family } = question.space
  const packets = packetsOf(family, service)
  for (const each of live.filter(({ backend }) => backend === 'native')) {
    for (const packet of packets) {
      const asked = { ...packet, flags: null, state: { is: 'raw' } } as const
      for (const at of rawBasesOn(each, packet.path)) {
        const met = rulesMet(question, each.rules, at, asked, true).met
        const found = met.find(
          ({ rule }) => rule.target !== null && effectOf(rule.target.name, rule.target.options) === 'track',
        )
        if (found !== undefined) return siteOf(at.table, found.chain, found.rule)
      }
    }
  }
  return null
}
