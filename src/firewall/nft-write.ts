import { icmpTypeName } from './icmp.ts'
import { NEEDS_TRACKING } from './match-kinds.ts'
import type { Family, Match, Rule, Target } from './rules.ts'

/** A rule of ours for nft: what it says to the kernel, and what it says to the model. */
export type NftParts = {
  /** `ip` or `ip6`: limits a rule of an inet table to that family; null where the table or the rule does so. */
  readonly family: Family | null
  readonly matches: readonly Match[]
  readonly port: { readonly protocol: string; readonly side: 'dport' | 'sport' } | null
  readonly state: string | null
  readonly target: Target
}

/** The rule's text as `nft -s list` prints it, but for the order of its matches; `key` becomes its comment. */
export function nftSpec(
  { family, matches, port, state, target }: NftParts,
  ports: readonly string[],
  key: string,
): string {
  return [
    ...(family === null ? [] : [`meta nfproto ${family === 'ip' ? 'ipv4' : 'ipv6'}`]),
    ...matches.map(({ text }) => text),
    ...(port === null ? [] : [`${port.protocol} ${port.side} ${portSet(ports)}`]),
    ...(state === null ? [] : [`ct state ${state.toLowerCase()}`]),
    target.text ?? target.name,
    `comment "${key}"`,
  ]
    .filter((word) => word !== '')
    .join(' ')
}

export function nftRule(parts: NftParts, ports: readonly string[], spec: string): Rule {
  const { family, matches, port, state, target } = parts
  const test = (name: string, option: string, value: string): Match => ({
    name,
    tests: [{ option, negated: false, values: [value] }],
    text: '',
  })
  return {
    spec,
    matches: [
      ...(family === null ? [] : [test('nfproto', 'nfproto', family === 'ip' ? 'ipv4' : 'ipv6')]),
      ...matches,
      ...(port === null
        ? []
        : [test('protocol', 'protocol', port.protocol), test(port.protocol, port.side, ports.join(','))]),
      ...(state === null ? [] : [test('conntrack', 'ctstate', state)]),
    ],
    target,
  }
}

/**
 * What of a rule its twin keeps: all but the state, flags, and the service's own port and protocol, which it names itself:
 * nft takes no rule with two protocols, even where one is a set that holds the other.
 */
export function keptMatches(rule: Rule, side: 'dport' | 'sport' | null, only: string | null): readonly Match[] {
  const kept = rule.matches.filter(({ name, tests, text }) => {
    if (name === 'comment' || name === 'protocol' || NEEDS_TRACKING.has(name)) return false
    if (text.startsWith('ip6 nexthdr ')) return false
    if (only !== null && (name === 'in' || name === 'out')) return false
    return tests.every(({ option }) => option !== side && option !== 'tcp-flags' && option !== 'any-flag')
  })
  // The family may have been said by what was left out.
  if (kept.some(({ text }) => /^(ip6? |icmp|meta (nfproto|protocol) )/.test(text))) return kept
  return kept.map((match) => (match.name === 'nfproto' && match.text === '' ? withFamily(match) : match))
}

function withFamily(match: Match): Match {
  const family = match.tests[0]?.values[0] === 'ipv4' ? 'ip' : 'ip6'
  return { ...match, text: `meta protocol ${family}` }
}

/** `-i lo` in nft's words. */
export function loopbackMatch(side: 'in' | 'out', negated: boolean): Match {
  const text = `${side === 'in' ? 'iifname' : 'oifname'} ${negated ? '!= ' : ''}"lo"`
  return { name: side, tests: [{ option: side, negated, values: ['lo'] }], text }
}

/** Addresses of the host itself, or of anybody else. */
export function localMatch(side: 'saddr' | 'daddr', negated: boolean): Match {
  const option = side === 'saddr' ? 'fib-source' : 'fib-destination'
  return {
    name: 'fib',
    tests: [{ option, negated, values: ['LOCAL'] }],
    text: `fib ${side} type ${negated ? '!= ' : ''}local`,
  }
}

/** ICMP messages of one type, and their protocol, which nft takes for granted. */
export function icmpMatches(family: Family, type: number): readonly Match[] {
  const protocol = family === 'ip' ? 'icmp' : 'icmpv6'
  const option = family === 'ip' ? 'icmp-type' : 'icmpv6-type'
  return [
    {
      name: 'protocol',
      tests: [{ option: 'protocol', negated: false, values: [family === 'ip' ? 'icmp' : 'ipv6-icmp'] }],
      text: '',
    },
    {
      name: family === 'ip' ? 'icmp' : 'icmp6',
      tests: [{ option, negated: false, values: [String(type)] }],
      text: `${protocol} type ${icmpTypeName(type, family)}`,
    },
  ]
}

function portSet(ports: readonly string[]): string {
  const written = ports.map((port) => port.replace(':', '-'))
  return written.length === 1 ? (written[0] as string) : `{ ${written.join(', ')} }`
}
