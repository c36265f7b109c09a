import { basesOn, seenBy } from './bases.ts'
import { type Placed, ruleFrom } from './edits.ts'
import { ruleMatches } from './match.ts'
import { NEEDS_TRACKING } from './match-kinds.ts'
import { isWritable } from './nft-rules.ts'
import { icmpMatches, keptMatches, loopbackMatch, type NftParts, nftRule, nftSpec } from './nft-write.ts'
import type { Packet } from './packet.ts'
import { type Question, siteFor } from './question.ts'
import { rulesMet } from './reach.ts'
import { chainOf, type Family, type LiveRules, type Match, type Rule, type Target, type Test } from './rules.ts'
import { effectOf } from './targets.ts'

/**
 * A rule that does for untracked packets what another does for tracked ones. `ports` are filled in when twins of several
 * ports are put together; an ICMP twin has none.
 */
export type Twin = Omit<Placed, 'spec' | 'rule'> & { readonly parts: TwinParts | NftParts }
export type TwinParts = {
  readonly head: readonly string[]
  readonly port: { readonly protocol: string; readonly side: 'dport' | 'sport'; readonly tests: string } | null
  readonly tail: readonly string[]
  readonly jump: string
}

/** Whose way through the rules is to be copied, and for whom: same packets but for state and flags. */
export type Likeness = {
  readonly like: Packet
  readonly become: readonly Packet[]
  readonly side: 'dport' | 'sport' | null
  /** Limits the twin to loopback: `-i lo` or `-o lo`. */
  readonly only: string | null
  /** What the twin asks beyond the rule that it twins. */
  readonly besides?: Match
}

/**
 * Twins of every rule on the way of `like` that a packet of `become` would miss, each right below the rule it twins.
 * `from` adds twins for rules without state as well, from that rule of its chain on, and puts all of that chain's above it.
 */
export function twinsOf(
  question: Question,
  live: readonly LiveRules[],
  likeness: Likeness,
  from: readonly { readonly table: string; readonly chain: string; readonly index: number }[] = [],
): readonly Twin[] {
  const twins: Twin[] = []
  for (const each of live) {
    const { backend, rules } = each
    for (const base of basesOn(each, likeness.like.path)) {
      const like = seenBy(likeness.like, base)
      for (const { chain, index, rule } of rulesMet(question, rules, base, like, false).met) {
        if (!decides(rule, chainOf(rules, base.table, rule.target?.name ?? '') !== undefined)) continue
        const early = from
          .filter((each) => each.table === base.table && each.chain === chain && each.index <= index)
          .reduce((least, each) => Math.min(least, each.index), Number.POSITIVE_INFINITY)
        const copied = early !== Number.POSITIVE_INFINITY
        const site = siteFor(question, base.table, chain, rule)
        const matches = ruleMatches(question, like, rule, site)
        const missed = likeness.become.some(
          (packet) => ruleMatches(question, seenBy(packet, base), rule, site) !== matches,
        )
        if (!missed && !copied) continue
        const parts = backend === 'native' ? nftParts(rule, likeness, base.table) : partsOf(rule, likeness)
        if (parts === null) continue
        const around = chainOf(rules, base.table, chain)?.rules ?? []
        const below = copied ? aboveRule(around, early) : belowRule(around, index)
        twins.push({ backend, family: familyOf(like.family, base.table), table: base.table, chain, below, parts })
      }
      const first = from
        .filter((each) => each.table === base.table && each.chain === base.chain)
        .reduce((least, each) => Math.min(least, each.index), Number.POSITIVE_INFINITY)
      if (first !== Number.POSITIVE_INFINITY && chainOf(rules, base.table, base.chain)?.policy === 'ACCEPT') {
        const around = chainOf(rules, base.table, base.chain)?.rules ?? []
        const accept = backend === 'native' ? NFT_ACCEPT : POLICY_ACCEPT
        const parts = backend === 'native' ? nftParts(accept, likeness, base.table) : partsOf(accept, likeness)
        if (parts === null) continue
        const family = familyOf(like.family, base.table)
        twins.push({ backend, family, table: base.table, chain: base.chain, below: aboveRule(around, first), parts })
      }
    }
  }
  return [...new Map(twins.map((twin) => [JSON.stringify(twin), twin])).values()]
}

/** Writes a twin for some ports; `key` becomes its comment. */
export function twinRule(
  parts: Twin['parts'],
  ports: readonly string[],
  key: string,
): { readonly spec: string; readonly rule: Rule } {
  if ('target' in parts) {
    const spec = nftSpec(parts, ports, key)
    return { spec, rule: nftRule(parts, ports, spec) }
  }
  const spec = iptablesSpec(parts, ports, key)
  return { spec, rule: ruleFrom(spec) }
}

function iptablesSpec(parts: TwinParts, ports: readonly string[], key: string): string {
  const { port } = parts
  const portWords =
    port === null
      ? []
      : ports.length === 1 && !ports[0]?.includes(':')
        ? [`-m ${port.protocol} --${port.side} ${ports[0]}${port.tests}`]
        : [
            ...(port.tests === '' ? [] : [`-m ${port.protocol}${port.tests}`]),
            `-m multiport --${port.side}s ${ports.join(',')}`,
          ]
  return [...parts.head, ...portWords, ...parts.tail, `-m comment --comment "${key}"`, parts.jump].join(' ')
}

/** What a policy of ACCEPT does behind the last rule. */
const NFT_ACCEPT: Rule = { spec: 'accept', matches: [], target: { name: 'accept', goto: false, options: [] } }
const POLICY_ACCEPT: Rule = { spec: '-j ACCEPT', matches: [], target: { name: 'ACCEPT', goto: false, options: [] } }

const OF_PORTS: ReadonlySet<string> = new Set(['tcp', 'udp', 'multiport'])
const NOT_COPIED: ReadonlySet<string> = new Set([
  'comment',
  'counters',
  'protocol',
  'fragment',
  'in',
  'out',
  'source',
  'destination',
])
/** A twin would spend from the same purse as the rule it twins. */
const SPENDING: ReadonlySet<string> = new Set([
  'limit',
  'hashlimit',
  'recent',
  'statistic',
  'quota',
  'nth',
  'random',
  'connlimit',
  'ct count',
  'numgen',
  'dynset',
])

function decides(rule: Rule, jumps: boolean): boolean {
  if (rule.target === null) return false
  if (jumps) return true
  return ['accept', 'drop', 'return'].includes(effectOf(rule.target.name, rule.target.options))
}

/** A twin for nft; null where its way cannot be copied by state alone. */
function nftParts(rule: Rule, { like, become, side, only, besides }: Likeness, table: string): NftParts | null {
  const tracking = rule.matches.filter(({ name }) => NEEDS_TRACKING.has(name))
  const plain = tracking.every(
    ({ name, tests }) => name === 'conntrack' && tests.every(({ option }) => NFT_STATE_TESTS.has(option)),
  )
  if (!plain || rule.target === null || !isWritable(rule)) return null
  // A verdict that is not written in nft's words.
  if (rule.target.text?.startsWith('{')) return null
  if (rule.matches.some(({ name }) => SPENDING.has(name))) return null
  const ownIcmp = rule.matches.some(({ name }) => name.startsWith('icmp'))
  const icmp = like.icmpType === null || ownIcmp ? [] : icmpMatches(like.family, like.icmpType)
  const limited = side === null || rule.matches.some(({ name }) => name === 'nfproto')
  const loopback = only === null ? [] : [loopbackMatch(only.startsWith('-i') ? 'in' : 'out', false)]
  return {
    family: table.startsWith('inet ') && !limited ? like.family : null,
    matches: [...loopback, ...keptMatches(rule, side, only), ...icmp, ...(besides === undefined ? [] : [besides])],
    port: side === null ? null : { protocol: 'is' in like.protocol ? like.protocol.is : '', side },
    state: stateName(become),
    target: rule.target,
  }
}

const NFT_STATE_TESTS: ReadonlySet<string> = new Set(['ctstate', 'ctdir', 'ctorigdstport', 'ctreplsrcport'])

function familyOf(family: Family, table: string): Twin['family'] {
  return table.startsWith('inet ') ? 'inet' : family
}

/** Rules that are one to nft stay together. */
function belowRule(rules: readonly Rule[], index: number): number {
  let at = index
  while (rules[at]?.handle !== undefined && rules[at + 1]?.handle === rules[at]?.handle) at += 1
  return at
}

function aboveRule(rules: readonly Rule[], index: number): number {
  let at = index
  while (rules[at]?.handle !== undefined && rules[at - 1]?.handle === rules[at]?.handle) at -= 1
  return at - 1
}

function partsOf(rule: Rule, likeness: Likeness): TwinParts | null {
  const { like, side, only } = likeness
  const state = stateOf(rule, like)
  if (state === null || rule.matches.some(({ name }) => SPENDING.has(name) || name === 'row')) return null
  const builtin = (name: string, flag: string) =>
    rule.matches
      .filter((match) => match.name === name)
      .flatMap(({ tests }) => tests.map((test) => flagText(test, flag)))
  const origin = like.direction === 'reply' ? (['-d', '-s'] as const) : (['-s', '-d'] as const)
  const addresses = state.tests.flatMap((test) => {
    if (test.option === 'ctorigsrc' || test.option === 'ctrepldst') return [flagText(test, origin[0])]
    return test.option === 'ctorigdst' || test.option === 'ctreplsrc' ? [flagText(test, origin[1])] : []
  })
  // iptables takes an address once.
  if (new Set(addresses.map((each) => each.replace(/^! /, '').slice(0, 2))).size < addresses.length) return null
  const plain = ['source', 'destination'].flatMap((name) =>
    rule.matches.some((match) => match.name === name) ? [name] : [],
  )
  if (addresses.some((each) => plain.includes(/-s /.test(each) ? 'source' : 'destination'))) return null
  const icmp = like.icmpType === null ? [] : icmpWords(rule, like)
  const protocol = 'is' in like.protocol ? like.protocol.is : ''
  const others = rule.matches.filter(
    ({ name }) => !NOT_COPIED.has(name) && !OF_PORTS.has(name) && !NEEDS_TRACKING.has(name) && !name.startsWith('icmp'),
  )
  const lists = rule.matches
    .filter(({ name }) => name === 'multiport')
    .flatMap(({ tests }) => tests.filter((test) => side !== null && test.option === `${otherSide(side)}s`))
  return {
    head: [
      ...builtin('source', '-s'),
      ...builtin('destination', '-d'),
      ...addresses,
      ...(only === null ? [...builtin('in', '-i'), ...builtin('out', '-o')] : [only]),
      `-p ${protocol === 'icmp' ? (like.family === 'ip' ? 'icmp' : 'ipv6-icmp') : protocol}`,
    ],
    port: side === null ? null : { protocol, side, tests: `${clientTests(rule, side)}${besidesText(likeness)}` },
    tail: [
      ...icmp,
      ...lists.map((test) => `-m multiport ${testText(test)}`),
      ...others.map(matchText),
      `${state.option} ${stateName(likeness.become)}`,
    ],
    jump: jumpText(rule.target as Target),
  }
}

function stateName(become: readonly Packet[]): string {
  const state = become[0]?.state
  return state !== undefined && 'is' in state ? state.is : 'UNTRACKED'
}

function stateOf(rule: Rule, like: Packet): { readonly option: string; readonly tests: readonly Test[] } | null {
  const tracking = rule.matches.filter(({ name }) => NEEDS_TRACKING.has(name))
  if (tracking.some(({ name }) => name !== 'state' && name !== 'conntrack')) return null
  const tests = tracking.flatMap((match) => match.tests)
  const known = ['state', 'ctstate', 'ctproto', 'ctdir', ...CONNECTION_TESTS]
  if (!tests.every(({ option }) => known.includes(option))) return null
  if (like.direction === null && tests.some(({ option }) => CONNECTION_TESTS.includes(option))) return null
  const old = tracking.some(({ name }) => name === 'state')
  return { option: old ? '-m state --state' : '-m conntrack --ctstate', tests }
}

const CONNECTION_TESTS: readonly string[] = [
  'ctorigsrc',
  'ctorigdst',
  'ctreplsrc',
  'ctrepldst',
  // The service's own port, which the twin names anyway.
  'ctorigdstport',
  'ctreplsrcport',
]

/** What the rule says about the client's port and TCP options; the service's port and the flags of a SYN are left out. */
function clientTests(rule: Rule, side: 'dport' | 'sport'): string {
  return rule.matches
    .filter(({ name }) => name === 'tcp' || name === 'udp')
    .flatMap(({ tests }) => tests.filter(({ option }) => option === otherSide(side) || option === 'tcp-option'))
    .map((test) => ` ${testText(test)}`)
    .join('')
}

function besidesText({ besides }: Likeness): string {
  return (besides?.tests ?? []).map((test) => ` ${testText(test)}`).join('')
}

function otherSide(side: 'dport' | 'sport'): 'dport' | 'sport' {
  return side === 'dport' ? 'sport' : 'dport'
}

function icmpWords(rule: Rule, like: Packet): readonly string[] {
  const own = rule.matches.filter(({ name, tests }) => name.startsWith('icmp') && tests.length > 0)
  if (own.length > 0) return own.map(matchText)
  return [like.family === 'ip' ? `-m icmp --icmp-type ${like.icmpType}` : `-m icmp6 --icmpv6-type ${like.icmpType}`]
}

function matchText({ name, tests }: Match): string {
  return [`-m ${name}`, ...tests.map(testText)].join(' ')
}

function testText({ option, negated, values }: Test): string {
  return [`${negated ? '! ' : ''}--${option}`, ...values.map(word)].join(' ')
}

function flagText({ negated, values }: Test, flag: string): string {
  return [`${negated ? '! ' : ''}${flag}`, ...values.map(word)].join(' ')
}

function jumpText({ name, goto, options }: Target): string {
  return [goto ? '-g' : '-j', word(name), ...options.map(testText)].join(' ')
}

function word(text: string): string {
  return /^[\w.:,/+@=%-]+$/.test(text) && !text.startsWith('-') ? text : `"${text.replaceAll(/[\\"]/g, '\\$&')}"`
}
