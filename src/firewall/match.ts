import type { Node } from './decision.ts'
import {
  addressIn,
  addressTypeHolds,
  flagsHold,
  interfaceHolds,
  portHolds,
  protocolHolds,
  routeTypeHolds,
} from './header-tests.ts'
import { icmpTypeOf } from './icmp.ts'
import { and, constant, no, not, or, unsure, yes } from './logic.ts'
import {
  ALWAYS,
  INVERTS_WITHOUT_TRACKING,
  KNOWN,
  METERED,
  NEEDS_TRACKING,
  OF_EACH_FRAGMENT,
  OF_THE_FIRST_FRAGMENT,
  OF_THE_FLOW,
  OF_THE_PACKET,
  VOLATILE,
} from './match-kinds.ts'
import { type Packet, STATES } from './packet.ts'
import { opaque, packetKeys, type Question } from './question.ts'
import type { Match, Rule, Test } from './rules.ts'
import { trackingHolds, untracked } from './tracking-tests.ts'

/** Where a rule's matches hold: yes, no, or unsure where we do not know what a test means. `site` names the rule. */
export function ruleMatches(question: Question, packet: Packet, rule: Rule, site: string): Node {
  const { decisions } = question
  const never = no(decisions)
  let node = headerMatches(question, packet, rule)
  for (const match of partsOf(rule).rest) {
    if (node === never) break
    node = and(decisions, node, matchHolds(question, packet, match, site))
  }
  return node
}

/** Where those of a rule's matches hold that look at addresses, ports, protocol and interfaces alone. */
export function headerMatches(question: Question, packet: Packet, rule: Rule): Node {
  const { decisions, memory } = question
  let answers = memory.headerTests.get(rule)
  if (answers === undefined) {
    answers = []
    memory.headerTests.set(rule, answers)
  }
  const { header } = packetKeys(question, packet)
  const known = answers[header]
  if (known !== undefined) return known
  let node = yes(decisions)
  for (const match of partsOf(rule).plain) node = and(decisions, node, matchHolds(question, packet, match, ''))
  answers[header] = node
  return node
}

/** Whether addresses, ports, protocol and interfaces are all that a rule looks at. */
export function isPlain(rule: Rule): boolean {
  return partsOf(rule).rest.length === 0
}

type Parts = {
  readonly plain: readonly Match[]
  readonly rest: readonly Match[]
  /** What more it looks at is the packet's state alone. */
  readonly ofState: boolean
}

/** Whether an answer may be open and then bear the rule's name. */
export function bearsName(rule: Rule): boolean {
  return !partsOf(rule).ofState
}

function partsOf(rule: Rule): Parts {
  const known = parts.get(rule)
  if (known !== undefined) return known
  const isPlainMatch = ({ name, tests }: Match) =>
    ALWAYS.has(name) || (KNOWN.has(name) && tests.every(({ option }) => !NOT_OF_THE_HEADER.has(option)))
  const rest = rule.matches.filter((match) => !isPlainMatch(match))
  const found = {
    plain: rest.length === 0 ? rule.matches : rule.matches.filter(isPlainMatch),
    rest,
    ofState: rest.every(({ tests }) => tests.every(({ option }) => OF_STATE.has(option)) && tests.length > 0),
  }
  parts.set(rule, found)
  return found
}

const parts = new WeakMap<Rule, Parts>()
const OF_STATE: ReadonlySet<string> = new Set(['state', 'ctstate', 'syn', 'tcp-flags', 'any-flag'])
const NOT_OF_THE_HEADER: ReadonlySet<string> = new Set(['syn', 'tcp-flags', 'any-flag', 'tcp-option'])

function matchHolds(question: Question, packet: Packet, match: Match, site: string): Node {
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
  if (packet.fragment) {
    // nf_tables reads a later piece as if its header stood there (measured on 6.18).
    if (OF_THE_FIRST_FRAGMENT.has(match.name)) {
      return packet.fragment === 'read'
        ? opaque(question, `${match.text} ${packet.kind} fragment`, null)
        : no(decisions)
    }
    if (OF_EACH_FRAGMENT.has(match.name)) return opaque(question, `${match.text} ${packet.kind} fragment`, null)
  }
  if (METERED.has(match.name)) return opaque(question, `${match.text} ${packet.kind} ${site}`, site, true)
  if (VOLATILE.has(match.name)) return opaque(question, `${match.text} ${packet.kind} ${site}`, site)
  if (match.name === 'mark') {
    return opaque(question, `${match.text} ${packet.path}`, question.marksByState ? site : null)
  }
  if (match.name === 'set') return setHolds(question, packet, match, site)
  if (match.name === 'row') {
    const role = match.tests[0]?.option === 'source' ? packet.source : packet.destination
    return opaque(question, `${match.text} ${role}`, null)
  }
  // Over loopback both directions come in.
  if (OF_THE_FLOW.has(match.name)) return opaque(question, `${labelOf(match)} ${packet.path} ${packet.direction}`, null)
  if (OF_THE_PACKET.has(match.name)) return opaque(question, `${labelOf(match)} ${packet.kind}`, null)
  if (!KNOWN.has(match.name)) return unsure(decisions)
  return and(decisions, ...match.tests.map((test) => testHolds(question, packet, test, match)))
}

/** What is asked, and of which table's sets. */
function labelOf({ text, tests }: Match): string {
  const [test] = tests
  return test?.option === 'table' ? `${test.values[0]} ${text}` : text
}

function testHolds(question: Question, packet: Packet, test: Test, match: Match): Node {
  const { decisions } = question
  const holds = plainTest(question, packet, test, match)
  return test.negated ? not(decisions, holds) : holds
}

function plainTest(question: Question, packet: Packet, test: Test, match: Match): Node {
  const { decisions } = question
  const value = test.values[0] ?? ''
  switch (test.option) {
    case 'source':
    case 'src-range':
      return addressIn(question, packet.source, value)
    case 'destination':
    case 'dst-range':
      return addressIn(question, packet.destination, value)
    case 'in':
      return or(decisions, ...test.values.map((each) => interfaceHolds(question, packet.in, each)))
    case 'out':
      return or(decisions, ...test.values.map((each) => interfaceHolds(question, packet.out, each)))
    case 'protocol':
      return or(decisions, ...test.values.map((each) => protocolHolds(question, packet, each)))
    case 'nfproto':
      return constant(decisions, test.values.includes(question.space.family === 'ip' ? 'ipv4' : 'ipv6'))
    case 'fragment':
      if (packet.fragment) return yes(decisions)
      // Connection tracking puts fragments together before any rule sees them.
      return packet.protocol && 'is' in packet.protocol ? no(decisions) : opaque(question, 'fragment', null)
    case 'dport':
    case 'dports':
      return portHolds(question, packet.destinationPort, value)
    case 'sport':
    case 'sports':
      return portHolds(question, packet.sourcePort, value)
    case 'ports':
      return or(
        decisions,
        portHolds(question, packet.sourcePort, value),
        portHolds(question, packet.destinationPort, value),
      )
    case 'syn':
    case 'tcp-flags':
    case 'any-flag':
      return flagsHold(question, packet, test, match)
    case 'tcp-option':
      return opaque(question, `${match.text} ${packet.kind}`, null)
    case 'src-type':
      return addressTypeHolds(question, packet, 'source', value)
    case 'dst-type':
      return addressTypeHolds(question, packet, 'destination', value)
    case 'fib-source':
      return routeTypeHolds(question, packet, 'source', value)
    case 'fib-destination':
      return routeTypeHolds(question, packet, 'destination', value)
    case 'icmp-type':
    case 'icmpv6-type':
      return or(decisions, ...test.values.map((each) => icmpHolds(question, packet, each)))
    default:
      return unsure(decisions)
  }
}

function icmpHolds(question: Question, packet: Packet, value: string): Node {
  const { decisions, space } = question
  const type = icmpTypeOf(value, space.family)
  if (type === null) return unsure(decisions)
  if (type === 'any') return yes(decisions)
  if (packet.icmpType !== null && packet.icmpType !== type.type) return no(decisions)
  if (packet.icmpType === null) return opaque(question, `icmp type ${type.type}/${type.code ?? ''}`, null)
  return type.code === null
    ? yes(decisions)
    : opaque(question, `icmp code ${type.type}/${type.code} ${packet.path}`, null)
}

/** A source set asked about the client in one direction is the destination set in the other. */
function setHolds(question: Question, packet: Packet, match: Match, site: string): Node {
  const [test] = match.tests
  if (match.tests.length !== 1 || test === undefined || test.option !== 'match-set') return unsure(question.decisions)
  const [name, flags] = test.values as readonly [string, string | undefined]
  const piece = packet.fragment && flags?.includes(',') ? ' fragment' : ''
  // Over loopback both directions come in.
  const other = `${flags} ${packet.path} ${packet.direction}`
  const role = flags === 'src' ? packet.source : flags === 'dst' ? packet.destination : other
  const holds = opaque(question, `set ${name} ${role}${piece}`, question.writtenSets.has(name) ? site : null)
  return test.negated ? not(question.decisions, holds) : holds
}
