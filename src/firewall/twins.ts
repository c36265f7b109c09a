import { basesOn, seenBy } from './bases.ts'
import type { Placed } from './edits.ts'
import { ruleMatches } from './match.ts'
import { NEEDS_TRACKING } from './match-kinds.ts'
import type { Packet } from './packet.ts'
import { type Question, siteFor } from './question.ts'
import { rulesMet } from './reach.ts'
import { chainOf, type LiveRules, type Match, type Rule, type Target, type Test } from './rules.ts'
import { effectOf } from './targets.ts'

/**
 * A rule that does for untracked packets what another does for tracked ones. `ports` are filled in when twins of several
 * ports are put together; an ICMP twin has none.
 */
export type Twin = Omit<Placed, 'spec'> & { readonly parts: TwinParts }
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
        const parts = missed || copied ? partsOf(rule, likeness) : null
        if (parts === null) continue
        const below = copied ? early - 1 : index
        twins.push({ backend, family: like.family, table: base.table, chain, below, parts })
      }
      const first = from
        .filter((each) => each.table === base.table && each.chain === base.chain)
        .reduce((least, each) => Math.min(least, each.index), Number.POSITIVE_INFINITY)
      if (first !== Number.POSITIVE_INFINITY && chainOf(rules, base.table, base.chain)?.policy === 'ACCEPT') {
        const parts = partsOf(POLICY_ACCEPT, likeness) as TwinParts
        twins.push({ backend, family: like.family, table: base.table, chain: base.chain, below: first - 1, parts })
      }
    }
  }
  return [...new Map(twins.map((twin) => [JSON.stringify(twin), twin])).values()]
}

/** Writes a twin for some ports; `key` becomes its comment. */
export function twinSpec(parts: TwinParts, ports: readonly string[], key: string): string {
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
])

function decides(rule: Rule, jumps: boolean): boolean {
  if (rule.target === null) return false
  if (jumps) return true
  return ['accept', 'drop', 'return'].includes(effectOf(rule.target.name, rule.target.options))
}

function partsOf(rule: Rule, likeness: Likeness): TwinParts | null {
  const { like, side, only } = likeness
  const state = stateOf(rule, like)
  if (state === null || rule.matches.some(({ name }) => SPENDING.has(name))) return null
  const builtin = (name: string, flag: string) =>
    rule.matches
      .filter((match) => match.name === name)
      .flatMap(({ tests }) => tests.map((test) => flagText(test, flag)))
  const origin = like.direction === 'reply' ? (['-d', '-s'] as const) : (['-s', '-d'] as const)
  const addresses = state.tests.flatMap((test) => {
    if (test.option === 'ctorigsrc' || test.option === 'ctrepldst') return [flagText(test, origin[0])]
    return test.option === 'ctorigdst' || test.option === 'ctreplsrc' ? [flagText(test, origin[1])] : []
  })
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
    port: side === null ? null : { protocol, side, tests: clientTests(rule, side) },
    tail: [
      ...icmp,
      ...lists.map((test) => `-m multiport ${testText(test)}`),
      ...others.map(matchText),
      `${state.option} ${'is' in (likeness.become[0] as Packet).state ? stateName(likeness) : ''}`,
    ],
    jump: jumpText(rule.target as Target),
  }
}

function stateName({ become }: Likeness): string {
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
