import type { Node } from './decision.ts'
import { and, constant, no, or, unsure, yes } from './logic.ts'
import type { Field, Packet } from './packet.ts'
import { cellTest, opaque, type Question } from './question.ts'
import type { Match, Test } from './rules.ts'
import { addressRanges, flagsPass, flagTestOf, interfaceIn, portRanges, protocolName } from './space.ts'

export function flagsHold(question: Question, packet: Packet, test: Test, match: Match): Node {
  const asked = flagTestOf(test)
  if (packet.flags === null || asked === null) {
    return opaque(question, `tcp flags ${asked === null ? match.text : JSON.stringify(asked)}`, null)
  }
  return constant(question.decisions, flagsPass(packet.flags, asked))
}

/** The type that a lookup of the route finds, as `-m addrtype` of IPv4 and nft's `fib … type` ask it: each address has one. */
export function routeTypeHolds(
  question: Question,
  packet: Packet,
  side: 'source' | 'destination',
  value: string,
): Node {
  const { decisions } = question
  const types = value.toUpperCase().split(',')
  const local = packet.local[side]
  if (local === true) return constant(decisions, types.includes('LOCAL'))
  const others = types.filter((type) => local === null || type !== 'LOCAL')
  return or(decisions, ...others.map((type) => opaque(question, `type ${type} of ${packet[side]}`, null)))
}

/**
 * addrtype_mt6 in net/netfilter/xt_addrtype.c: UNICAST, MULTICAST and UNSPEC are asked of the address itself, and all that are
 * named must hold; the others are looked up, of which one is enough. An address of the host's own is unicast too.
 */
export function addressTypeHolds(
  question: Question,
  packet: Packet,
  side: 'source' | 'destination',
  value: string,
): Node {
  const { decisions, space } = question
  if (space.family === 'ip') return routeTypeHolds(question, packet, side, value)
  const types = value.toUpperCase().split(',')
  const own = types.filter((type) => OF_THE_ADDRESS.has(type))
  const routed = types.filter((type) => !OF_THE_ADDRESS.has(type))
  const holds = (type: string) =>
    packet.local[side] === true
      ? constant(decisions, type === 'UNICAST')
      : opaque(question, `address is ${type} of ${packet[side]}`, null)
  return and(
    decisions,
    ...own.map(holds),
    ...(routed.length === 0 ? [] : [routeTypeHolds(question, packet, side, routed.join(','))]),
  )
}

const OF_THE_ADDRESS: ReadonlySet<string> = new Set(['UNICAST', 'MULTICAST', 'UNSPEC'])

export function addressIn(question: Question, role: string, value: string): Node {
  const { space } = question
  const key = `${role} in ${value}`
  const known = question.fieldTests.get(key)
  if (known !== undefined) return known
  const ranges = addressRanges(value, space.family)
  const node =
    ranges === null
      ? opaque(question, `address ${value} of ${role}`, null)
      : cellTest(question, role, space.addresses, ranges)
  question.fieldTests.set(key, node)
  return node
}

export function portHolds(question: Question, port: Field<number>, value: string): Node {
  const key = `${'is' in port ? port.is : port.any} port in ${value}`
  const known = question.fieldTests.get(key)
  if (known !== undefined) return known
  const node = portTest(question, port, value)
  question.fieldTests.set(key, node)
  return node
}

function portTest(question: Question, port: Field<number>, value: string): Node {
  const { decisions, space } = question
  const ranges = portRanges(value)
  if ('is' in port) {
    if (port.is === -1) return no(decisions)
    if (ranges === null) return unsure(decisions)
    return constant(
      decisions,
      ranges.some(([first, last]) => first <= port.is && port.is <= last),
    )
  }
  if (ranges === null) return opaque(question, `${port.any} ${value}`, null)
  return cellTest(question, port.any, space.ports, ranges)
}

export function interfaceHolds(question: Question, field: Field<string>, pattern: string): Node {
  const { decisions, space } = question
  if ('is' in field) return constant(decisions, interfaceIn(field.is, pattern))
  const cells = field.any.endsWith('+lo') ? [...space.interfaces, 'lo'] : space.interfaces
  return decisions.branch({ name: field.any, size: cells.length, volatile: null }, (cell) =>
    constant(decisions, interfaceIn(cells[cell] as string, pattern)),
  )
}

export function protocolHolds(question: Question, packet: Packet, value: string): Node {
  const { decisions, space } = question
  const wanted = protocolName(value, space.family)
  if (wanted === 'all') return yes(decisions)
  const { protocol } = packet
  if ('is' in protocol) return constant(decisions, protocol.is === wanted)
  return decisions.branch({ name: protocol.any, size: space.protocols.length, volatile: null }, (cell) =>
    constant(decisions, space.protocols[cell] === wanted),
  )
}
