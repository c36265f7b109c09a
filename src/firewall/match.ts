import type { Node } from './decision.ts'
import {
  addressIn,
  addressTypeHolds,
  flagsHold,
  interfaceHolds,
  portHolds,
  protocolHolds,
  SYN_TEST,
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
import { opaque, packetKey, type Question } from './question.ts'
import type { Match, Rule, Test } from './rules.ts'
import { trackingHolds, untracked } from './tracking-tests.ts'

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
    if (OF_THE_FIRST_FRAGMENT.has(match.name)) return no(decisions)
    if (OF_EACH_FRAGMENT.has(match.name)) return opaque(question, `${match.text} ${packet.kind} fragment`, null)
  }
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
      if (packet.fragment) return yes(decisions)
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

/** A source set asked about the client in one direction is the destination set in the other. */
function setHolds(question: Question, packet: Packet, match: Match, site: string): Node {
  const [test] = match.tests
  if (match.tests.length !== 1 || test === undefined || test.option !== 'match-set')
    return unsure(question.decisions, site)
  const [name, flags] = test.values as readonly [string, string | undefined]
  const piece = packet.fragment && flags?.includes(',') ? ' fragment' : ''
  const role = flags === 'src' ? packet.source : flags === 'dst' ? packet.destination : `${flags} ${packet.path}`
  const holds = opaque(question, `set ${name} ${role}${piece}`, question.writtenSets.has(name) ? site : null)
  return test.negated ? not(question.decisions, holds) : holds
}
