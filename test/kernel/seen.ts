import type { Assignment } from '../../src/firewall/decision.ts'
import { type Packet, STATES, type State } from '../../src/firewall/packet.ts'
import type { Question } from '../../src/firewall/question.ts'
import type { LiveRules } from '../../src/firewall/rules.ts'
import { interfaceIn, protocolName } from '../../src/firewall/space.ts'
import { type Datagram, protocolNumber } from './datagram.ts'

/** A packet as one base chain sees it. */
export type Seen = {
  readonly datagram: Datagram
  readonly path: Packet['path']
  readonly in: string
  readonly out: string
  readonly state: State | 'raw'
  readonly direction: 'original' | 'reply' | null
  readonly local: { readonly source: boolean; readonly destination: boolean }
  /** A later piece of a datagram. */
  readonly piece: boolean
}

/** With every field known. */
export function exactly({ space }: Question, seen: Seen, backend: LiveRules['backend']): Packet {
  const { datagram, piece } = seen
  const { body, family } = datagram
  const ported = !piece && (body.protocol === 'tcp' || body.protocol === 'udp')
  return {
    family,
    path: seen.path,
    protocol: { is: nameOf(space.protocols, datagram) },
    source: 'source',
    destination: 'destination',
    sourcePort: { is: ported ? body.sourcePort : -1 },
    destinationPort: { is: ported ? body.destinationPort : -1 },
    in: { is: seen.in },
    out: { is: seen.out },
    flags: body.protocol === 'tcp' ? body.flags : [],
    icmpType: body.protocol === 'icmp' ? body.type : null,
    state: { is: seen.state },
    direction: seen.direction,
    translated: false,
    local: seen.local,
    ...(piece ? { fragment: backend === 'legacy' ? 'unread' : 'read' } : {}),
    kind: 'packet',
  }
}

/** The same with ports, interfaces, protocol and state as variables, as classes of packets have them. */
export function inCells(packet: Packet): Packet {
  const { sourcePort, destinationPort, state } = packet
  const ported = (field: Packet['sourcePort'], name: string) => ('is' in field && field.is >= 0 ? { any: name } : field)
  const named = (field: Packet['in'], name: string) => ('is' in field && field.is !== '' ? { any: name } : field)
  return {
    ...packet,
    protocol: { any: 'protocol' },
    sourcePort: ported(sourcePort, 'source port'),
    destinationPort: ported(destinationPort, 'destination port'),
    in: named(packet.in, 'in+lo'),
    out: named(packet.out, 'out+lo'),
    state: 'is' in state && state.is === 'raw' ? state : { any: 'state' },
  }
}

/** What those variables are for this packet. */
export function cellsOf({ space }: Question, seen: Seen): Assignment {
  const { datagram } = seen
  const { body } = datagram
  const cells = new Map<string, number>([
    ['source', lastAtMost(space.addresses, datagram.source)],
    ['destination', lastAtMost(space.addresses, datagram.destination)],
    ['protocol', protocolCell(space.protocols, datagram)],
    ['in+lo', interfaceCell(space.interfaces, seen.in)],
    ['out+lo', interfaceCell(space.interfaces, seen.out)],
  ])
  if (seen.state !== 'raw') cells.set('state', STATES.indexOf(seen.state))
  if (body.protocol === 'tcp' || body.protocol === 'udp') {
    cells.set('source port', lastAtMost(space.ports, body.sourcePort))
    cells.set('destination port', lastAtMost(space.ports, body.destinationPort))
  }
  return cells
}

function lastAtMost<T extends bigint | number>(cuts: readonly T[], value: T): number {
  return cuts.findLastIndex((cut) => cut <= value)
}

/** The most exact pattern that names it; `lo` stands behind all of them. */
function interfaceCell(patterns: readonly string[], name: string): number {
  if (name === 'lo') return patterns.length
  const fit = patterns.filter((pattern) => interfaceIn(name, pattern))
  const best = fit.toSorted((a, b) => Number(a.endsWith('+')) - Number(b.endsWith('+')) || b.length - a.length)[0]
  return patterns.indexOf(best ?? '+')
}

function protocolCell(names: readonly string[], datagram: Datagram): number {
  const at = names.indexOf(nameOf(names, datagram))
  return at === -1 ? names.length - 1 : at
}

/** By the name that the rules use: the save tools print what /etc/protocols says, or the number where it says nothing. */
function nameOf(names: readonly string[], datagram: Datagram): string {
  const number = protocolNumber(datagram)
  const all = [protocolName(String(number), datagram.family), ...(PROTOCOL_NAMES[number] ?? [])]
  return all.find((name) => names.includes(name)) ?? (all[0] as string)
}

const PROTOCOL_NAMES: Readonly<Record<number, readonly string[]>> = {
  2: ['igmp'],
  4: ['ipencap', 'ipip'],
  41: ['ipv6'],
  47: ['gre'],
  50: ['esp'],
  51: ['ah'],
  58: ['ipv6-icmp'],
  88: ['eigrp'],
  89: ['ospf', 'ospfigp'],
  103: ['pim'],
  112: ['vrrp'],
  132: ['sctp'],
}
