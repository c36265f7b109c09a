import type { Decisions, Node } from './decision.ts'
import { icmpTypeOf } from './icmp.ts'
import { and, constant, no, not, or, unsure, yes } from './logic.ts'
import { type Field, type Packet, STATES } from './packet.ts'
import type { Match, Rule, Table, Test } from './rules.ts'
import { addressRanges, cellIn, interfaceIn, portRanges, protocolName, type Range, type Space } from './space.ts'

/** What the rules of a host are asked with: one space and one diagram for all questions that are compared. */
export type Question = {
  readonly decisions: Decisions
  readonly space: Space
  /** Sets that rules write to: what is in them changes with the packets. */
  readonly writtenSets: ReadonlySet<string>
  /** Some rule marks packets by their state, so a mark may differ once tracking does. */
  readonly marksByState: boolean
  /** Address tests that were asked before. */
  readonly addressTests: Map<string, Node>
  /** Rules and whole tables that were asked before; rule sets that are tried share most of them. */
  readonly ruleTests: WeakMap<Rule, Map<string, Node>>
  readonly fates: WeakMap<Table, Map<string, Node>>
  readonly packets: { readonly keys: WeakMap<Packet, string>; readonly texts: Map<string, string> }
}

/** Where a rule's matches hold: yes, no, or unsure where we do not know what a test means. `site` names the rule. */
export function ruleMatches(question: Question, packet: Packet, rule: Rule, site: string): Node {
  // A rule stands in one place: its site is always the same, or not asked for.
  const key = `${packetKey(question, packet)}${site === '' ? '' : '!'}`
  const known = question.ruleTests.get(rule)?.get(key)
  if (known !== undefined) return known
  const node = and(question.decisions, ...rule.matches.map((match) => matchHolds(question, packet, match, site)))
  question.ruleTests.set(rule, (question.ruleTests.get(rule) ?? new Map<string, Node>()).set(key, node))
  return node
}

/** Equal for packets that every rule treats alike. */
export function packetKey({ packets }: Question, packet: Packet): string {
  const known = packets.keys.get(packet)
  if (known !== undefined) return known
  const text = JSON.stringify(packet)
  const key = packets.texts.get(text) ?? String(packets.texts.size)
  packets.texts.set(text, key)
  packets.keys.set(packet, key)
  return key
}

export function matchHolds(question: Question, packet: Packet, match: Match, site: string): Node {
  const { decisions } = question
  if (NEEDS_TRACKING.has(match.name) && 'any' in packet.state) {
    const variable = { name: packet.state.any, size: STATES.length, volatile: null }
    return decisions.branch(variable, (cell) =>
      matchHolds(question, { ...packet, state: { is: STATES[cell] as (typeof STATES)[number] } }, match, site),
    )
  }
  if (match.name === 'conntrack' || match.name === 'state') return trackingHolds(question, packet, match, site)
  if (NEEDS_TRACKING.has(match.name)) {
    if (untracked(packet)) {
      const inverted = match.tests.some(({ negated }) => negated)
      return constant(decisions, inverted && INVERTS_WITHOUT_TRACKING.has(match.name))
    }
    return opaque(question, `${match.text} ${packet.kind}`, site)
  }
  if (ALWAYS.has(match.name)) return yes(decisions)
  if (METERED.has(match.name)) return opaque(question, `${match.text} ${packet.kind} ${site}`, site, true)
  if (VOLATILE.has(match.name)) return opaque(question, `${match.text} ${packet.kind} ${site}`, site)
  if (match.name === 'mark') {
    return opaque(question, `${match.text} ${packet.path}`, question.marksByState ? site : null)
  }
  if (match.name === 'set') return setHolds(question, packet, match, site)
  if (OF_THE_FLOW.has(match.name)) return opaque(question, `${match.text} ${packet.path}`, null)
  if (OF_THE_PACKET.has(match.name)) return opaque(question, `${match.text} ${packet.kind}`, null)
  if (!KNOWN.has(match.name)) return unsure(decisions, site)
  return and(decisions, ...match.tests.map((test) => testHolds(question, packet, test, match, site)))
}

/** Matches that look at the packet's connection. */
export const NEEDS_TRACKING: ReadonlySet<string> = new Set([
  'state',
  'conntrack',
  'connmark',
  'connbytes',
  'connlabel',
  'connlimit',
  'helper',
  'cluster',
])

const INVERTS_WITHOUT_TRACKING: ReadonlySet<string> = new Set(['helper', 'connlabel'])
const ALWAYS: ReadonlySet<string> = new Set(['comment', 'counters', 'nfacct'])
/** Answers by how many packets it has met. */
export const METERED: ReadonlySet<string> = new Set([
  'limit',
  'hashlimit',
  'dstlimit',
  'recent',
  'statistic',
  'random',
  'nth',
  'quota',
  'quota2',
])
const VOLATILE: ReadonlySet<string> = new Set(['rateest', 'condition', 'psd', 'lscan', 'socket'])
/** Properties that all packets of a flow share in one direction. */
const OF_THE_FLOW: ReadonlySet<string> = new Set([
  'mac',
  'owner',
  'geoip',
  'physdev',
  'policy',
  'rpfilter',
  'realm',
  'devgroup',
  'cgroup',
  'pkttype',
])
const OF_THE_PACKET: ReadonlySet<string> = new Set([
  'length',
  'ttl',
  'hl',
  'tos',
  'dscp',
  'ecn',
  'string',
  'u32',
  'bpf',
  'tcpmss',
  'frag',
  'rt',
  'hbh',
  'dst',
  'ah',
  'esp',
  'ipv6header',
  'ipv4options',
  'time',
  'cpu',
])
const KNOWN: ReadonlySet<string> = new Set([
  'source',
  'destination',
  'in',
  'out',
  'protocol',
  'fragment',
  'tcp',
  'udp',
  'udplite',
  'sctp',
  'dccp',
  'multiport',
  'addrtype',
  'iprange',
  'icmp',
  'icmp6',
])

function testHolds(question: Question, packet: Packet, test: Test, match: Match, site: string): Node {
  const { decisions } = question
  const holds = plainTest(question, packet, test, match, site)
  return test.negated ? not(decisions, holds) : holds
}

function plainTest(question: Question, packet: Packet, test: Test, match: Match, site: string): Node {
  const { decisions, space } = question
  const value = test.values[0] ?? ''
  switch (test.option) {
    case 'source':
    case 'src-range':
      return addressIn(question, packet.source, value)
    case 'destination':
    case 'dst-range':
      return addressIn(question, packet.destination, value)
    case 'in':
      return interfaceHolds(question, packet.in, value)
    case 'out':
      return interfaceHolds(question, packet.out, value)
    case 'protocol':
      return protocolHolds(question, packet, value)
    case 'fragment':
      // Connection tracking puts fragments together before any rule sees them.
      return packet.protocol && 'is' in packet.protocol ? no(decisions) : opaque(question, 'fragment', null)
    case 'dport':
    case 'dports':
      return portHolds(question, packet.destinationPort, value, site)
    case 'sport':
    case 'sports':
      return portHolds(question, packet.sourcePort, value, site)
    case 'ports':
      return or(
        decisions,
        portHolds(question, packet.sourcePort, value, site),
        portHolds(question, packet.destinationPort, value, site),
      )
    case 'syn':
      return flagsHold(question, packet, SYN_TEST, match)
    case 'tcp-flags':
      return flagsHold(question, packet, test.values, match)
    case 'tcp-option':
      return opaque(question, `${match.text} ${packet.kind}`, null)
    case 'src-type':
      return addressTypeHolds(question, packet, 'source', value)
    case 'dst-type':
      return addressTypeHolds(question, packet, 'destination', value)
    case 'icmp-type':
    case 'icmpv6-type': {
      const type = icmpTypeOf(value, space.family)
      if (type === null) return unsure(decisions, site)
      if (type === 'any') return yes(decisions)
      if (packet.icmpType !== null && packet.icmpType !== type.type) return no(decisions)
      if (packet.icmpType === null) return opaque(question, `icmp type ${type.type}/${type.code ?? ''}`, null)
      return type.code === null
        ? yes(decisions)
        : opaque(question, `icmp code ${type.type}/${type.code} ${packet.path}`, null)
    }
    default:
      return unsure(decisions, site)
  }
}

const SYN_TEST: readonly string[] = ['FIN,SYN,RST,ACK', 'SYN']
const ALL_FLAGS: readonly string[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG']

function flagsHold(question: Question, packet: Packet, values: readonly string[], match: Match): Node {
  const [mask, set] = values.map((list) => {
    const names = list.toUpperCase().split(',')
    return names.includes('ALL') ? ALL_FLAGS : names.filter((name) => name !== 'NONE')
  })
  if (packet.flags === null || mask === undefined || set === undefined) {
    return opaque(question, `tcp flags ${mask?.join() ?? match.text} ${set?.join() ?? ''}`, null)
  }
  const { flags } = packet
  return constant(
    question.decisions,
    mask.every((flag) => flags.includes(flag) === set.includes(flag)),
  )
}

/** conntrack_mt in net/netfilter/xt_conntrack.c: a packet without a connection fails every test but that of its state. */
function trackingHolds(question: Question, packet: Packet, match: Match, site: string): Node {
  const { decisions } = question
  const states = match.tests.filter(({ option }) => option === 'ctstate' || option === 'state')
  const others = match.tests.filter(({ option }) => option !== 'ctstate' && option !== 'state')
  const stateHolds = and(
    decisions,
    ...states.map((test) => {
      const holds = stateIn(question, packet, test.values[0] ?? '', site)
      return test.negated ? not(decisions, holds) : holds
    }),
  )
  if (others.length === 0) return stateHolds
  if (untracked(packet)) {
    if (states.length === 0) return no(decisions)
    // Kernels before 4.12 go on to compare an empty connection here.
    return and(decisions, stateHolds, unsure(decisions, site))
  }
  return and(
    decisions,
    stateHolds,
    ...others.map((test) => {
      const holds = connectionTest(question, packet, test, site)
      return test.negated ? not(decisions, holds) : holds
    }),
  )
}

function stateIn(question: Question, packet: Packet, value: string, site: string): Node {
  const { decisions } = question
  const wanted = value.toUpperCase().split(',')
  if (!('is' in packet.state) || packet.state.is === 'raw') return unsure(decisions, site)
  if (wanted.includes(packet.state.is)) return yes(decisions)
  const pseudo = wanted.filter((each) => each === 'DNAT' || each === 'SNAT')
  if (pseudo.length === 0 || untracked(packet) || packet.translated === false) return no(decisions)
  return or(decisions, ...pseudo.map((each) => opaque(question, `translated ${each}`, null)))
}

function connectionTest(question: Question, packet: Packet, test: Test, site: string): Node {
  const value = test.values.join(' ')
  const text = `${test.option} ${value}`
  if (test.option === 'ctproto') return protocolHolds(question, packet, value)
  if (packet.direction === null || packet.translated !== false) return opaque(question, `${text} ${packet.kind}`, site)
  const original = packet.direction === 'original'
  switch (test.option) {
    case 'ctdir':
      return constant(question.decisions, value.toUpperCase() === packet.direction.toUpperCase())
    case 'ctorigsrc':
    case 'ctrepldst':
      return addressIn(question, original ? packet.source : packet.destination, value)
    case 'ctorigdst':
    case 'ctreplsrc':
      return addressIn(question, original ? packet.destination : packet.source, value)
    case 'ctorigsrcport':
    case 'ctrepldstport':
      return portHolds(question, original ? packet.sourcePort : packet.destinationPort, value, site)
    case 'ctorigdstport':
    case 'ctreplsrcport':
      return portHolds(question, original ? packet.destinationPort : packet.sourcePort, value, site)
    default:
      return opaque(question, `${text} ${packet.kind} ${'is' in packet.state ? packet.state.is : ''}`, site)
  }
}

function untracked(packet: Packet): boolean {
  return 'is' in packet.state && ['UNTRACKED', 'INVALID', 'raw'].includes(packet.state.is)
}

/** A source set asked about the client in one direction is the destination set in the other. */
function setHolds(question: Question, packet: Packet, match: Match, site: string): Node {
  const [test] = match.tests
  if (match.tests.length !== 1 || test === undefined || test.option !== 'match-set')
    return unsure(question.decisions, site)
  const [name, flags] = test.values as readonly [string, string | undefined]
  const role = flags === 'src' ? packet.source : flags === 'dst' ? packet.destination : `${flags} ${packet.path}`
  const holds = opaque(question, `set ${name} ${role}`, question.writtenSets.has(name) ? site : null)
  return test.negated ? not(question.decisions, holds) : holds
}

function addressTypeHolds(question: Question, packet: Packet, side: 'source' | 'destination', value: string): Node {
  const { decisions } = question
  const types = value.toUpperCase().split(',')
  const local = packet.local[side]
  if (local === true) return constant(decisions, types.includes('LOCAL'))
  const others = types.filter((type) => local === null || type !== 'LOCAL')
  return or(decisions, ...others.map((type) => opaque(question, `type ${type} of ${packet[side]}`, null)))
}

export function addressIn(question: Question, role: string, value: string): Node {
  const { space } = question
  const key = `${role} in ${value}`
  const known = question.addressTests.get(key)
  if (known !== undefined) return known
  const ranges = addressRanges(value, space.family)
  const node =
    ranges === null
      ? opaque(question, `address ${value} of ${role}`, null)
      : cellTest(question, role, space.addresses, ranges)
  question.addressTests.set(key, node)
  return node
}

function portHolds(question: Question, port: Field<number>, value: string, site: string): Node {
  const { decisions, space } = question
  const ranges = portRanges(value)
  if ('is' in port) {
    if (port.is === -1) return no(decisions)
    if (ranges === null) return unsure(decisions, site)
    return constant(
      decisions,
      ranges.some(([first, last]) => first <= port.is && port.is <= last),
    )
  }
  if (ranges === null) return opaque(question, `${port.any} ${value}`, null)
  return cellTest(question, port.any, space.ports, ranges)
}

function interfaceHolds(question: Question, field: Field<string>, pattern: string): Node {
  const { decisions, space } = question
  if ('is' in field) return constant(decisions, interfaceIn(field.is, pattern))
  const cells = field.any.endsWith('+lo') ? [...space.interfaces, 'lo'] : space.interfaces
  return decisions.branch({ name: field.any, size: cells.length, volatile: null }, (cell) =>
    constant(decisions, interfaceIn(cells[cell] as string, pattern)),
  )
}

function protocolHolds(question: Question, packet: Packet, value: string): Node {
  const { decisions, space } = question
  const wanted = protocolName(value, space.family)
  if (wanted === 'all') return yes(decisions)
  const { protocol } = packet
  if ('is' in protocol) return constant(decisions, protocol.is === wanted)
  return decisions.branch({ name: protocol.any, size: space.protocols.length, volatile: null }, (cell) =>
    constant(decisions, space.protocols[cell] === wanted),
  )
}

function cellTest<T extends bigint | number>(
  question: Question,
  name: string,
  cuts: readonly T[],
  ranges: readonly Range<T>[],
): Node {
  const { decisions } = question
  return decisions.branch({ name, size: cuts.length, volatile: null }, (cell) => {
    const inside = cellIn(cuts, cell, ranges)
    return inside === null ? unsure(decisions, `${name} is cut too coarsely`) : constant(decisions, inside)
  })
}

function opaque(question: Question, name: string, site: string | null, metered = false): Node {
  const { decisions } = question
  const volatile = site === null ? null : { site, metered }
  return decisions.branch({ name, size: 2, volatile }, (cell) => constant(decisions, cell === 1))
}
