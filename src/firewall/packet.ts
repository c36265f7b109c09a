import type { Family, Match } from './rules.ts'

export const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const
export type State = (typeof STATES)[number]

/** A field that is known, or any value at all; `any` names the variable, so that two packets of one flow share it. */
export type Field<T> = { readonly is: T } | { readonly any: string }

/** A class of packets that the rules are asked about. */
export type Packet = {
  readonly family: Family
  /** `back` is forwarded too, the other way: what we cannot know of a packet may differ from one way to the other. */
  readonly path: 'in' | 'out' | 'forward' | 'back'
  /** `tcp`, `udp`, `icmp` (either family's) or any. */
  readonly protocol: Field<string>
  /** Names of address variables: `client` and `server` in a flow. */
  readonly source: string
  readonly destination: string
  readonly sourcePort: Field<number>
  readonly destinationPort: Field<number>
  /** An interface's name; any never means `lo` unless its variable's name ends in `+lo`. Empty where there is none. */
  readonly in: Field<string>
  readonly out: Field<string>
  /** TCP flags that are set, or null for any. */
  readonly flags: readonly string[] | null
  readonly icmpType: number | null
  /** `raw`: the packet has not met connection tracking yet. */
  readonly state: Field<State | 'raw'>
  /** The packet's place in its connection; null where that is not known. */
  readonly direction: 'original' | 'reply' | null
  /** False: nothing translated its addresses. */
  readonly translated: boolean | null
  /** Whether its addresses are the host's own; null where that is not known. */
  readonly local: { readonly source: boolean | null; readonly destination: boolean | null }
  /** A later piece of a datagram: its ports are not there, or what stands in their place is read as such. */
  readonly fragment?: 'unread' | 'read'
  /** Packets of one flow that may differ in length, options and the like have different kinds. */
  readonly kind: string
}

/** Flows to a port of the host itself or, `forwarded`, those that it forwards to that port of other hosts. */
export type Service = { readonly protocol: 'tcp' | 'udp'; readonly port: number; readonly forwarded?: true }

export const SYN: readonly string[] = ['SYN']
/** Flags of the packets that follow a SYN, by direction. */
export const LATER_IN: readonly (readonly string[])[] = [
  ['ACK'],
  ['PSH', 'ACK'],
  ['FIN', 'ACK'],
  ['FIN', 'PSH', 'ACK'],
  ['RST'],
  ['RST', 'ACK'],
]
export const LATER_OUT: readonly (readonly string[])[] = [['SYN', 'ACK'], ...LATER_IN]

/** A packet from a client to a service of this host. */
export function request(family: Family, service: Service, over: 'wire' | 'lo'): Packet {
  return {
    ...flowPacket(family, service),
    path: 'in',
    source: 'client',
    destination: 'server',
    sourcePort: { any: 'client port' },
    destinationPort: { is: service.port },
    in: over === 'lo' ? { is: 'lo' } : { any: 'in' },
    out: { is: '' },
    direction: 'original',
    local: { source: over === 'lo', destination: true },
    kind: 'request',
  }
}

/** A packet from the service back to its client. */
export function reply(family: Family, service: Service, over: 'wire' | 'lo'): Packet {
  return {
    ...flowPacket(family, service),
    path: 'out',
    source: 'server',
    destination: 'client',
    sourcePort: { is: service.port },
    destinationPort: { any: 'client port' },
    in: { is: '' },
    out: over === 'lo' ? { is: 'lo' } : { any: 'out' },
    direction: 'reply',
    local: { source: true, destination: over === 'lo' },
    kind: 'reply',
  }
}

/** The other side of loopback: the request as it leaves, or the reply as it comes in. */
export function overLoopback(packet: Packet): Packet {
  const lo = { is: 'lo' }
  const none = { is: '' }
  return packet.path === 'in'
    ? { ...packet, path: 'out', in: none, out: lo, kind: `${packet.kind} out` }
    : { ...packet, path: 'in', in: lo, out: none, kind: `${packet.kind} in` }
}

/** A packet on its way through this host to a service of another one. */
export function forwardedRequest(family: Family, service: Service): Packet {
  return {
    ...request(family, service, 'wire'),
    path: 'forward',
    out: { any: 'out' },
    local: NOT_OURS,
    kind: 'forwarded request',
  }
}

/** The answer, which may come and go by other interfaces. */
export function forwardedReply(family: Family, service: Service): Packet {
  return {
    ...reply(family, service, 'wire'),
    path: 'back',
    in: { any: 'back in' },
    out: { any: 'back out' },
    local: NOT_OURS,
    kind: 'forwarded reply',
  }
}

/** An answer that this host itself sends for the other one, to refuse a forwarded packet. */
export function refusalOfForwarded(family: Family, service: Service): Packet {
  return {
    ...reply(family, service, 'wire'),
    local: { source: null, destination: false },
    kind: 'refusal of a forwarded request',
  }
}

/** A forwarded flow of which a client takes the service's port for its own: it matches the same ports, the other way round. */
export function forwardedFromPort(
  family: Family,
  service: Service,
): { readonly request: Packet; readonly reply: Packet } {
  const own = { is: service.port }
  const other = { any: 'other port' }
  return {
    request: {
      ...forwardedRequest(family, service),
      sourcePort: own,
      destinationPort: other,
      kind: 'forwarded request from the port',
    },
    reply: {
      ...forwardedReply(family, service),
      sourcePort: other,
      destinationPort: own,
      kind: 'forwarded reply to the port',
    },
  }
}

/** The same to whatever port of whatever host, this one too: as it may be before its destination is translated. */
export function toAnywhere(packet: Packet): Packet {
  return { ...packet, destinationPort: { any: 'any port' }, local: { ...packet.local, destination: null } }
}

/** A broadcast or multicast that the host takes in: its destination is not one of the host's own addresses. */
export function toGroup(family: Family, service: Service, side: 'dport' | 'sport'): Packet {
  const [own, other] = [{ is: service.port }, { any: 'other port' }]
  return {
    ...request(family, service, 'wire'),
    destination: 'group',
    sourcePort: side === 'sport' ? own : other,
    destinationPort: side === 'dport' ? own : other,
    local: NOT_OURS,
    kind: `broadcast ${side}`,
  }
}

/** A packet of every kind that a service has, flags and states apart. */
export function packetsOf(family: Family, service: Service): readonly Packet[] {
  if (service.forwarded) {
    const groups = service.protocol === 'udp' ? (['dport', 'sport'] as const) : []
    return [
      forwardedRequest(family, service),
      forwardedReply(family, service),
      refusalOfForwarded(family, service),
      ...Object.values(forwardedFromPort(family, service)),
      ...groups.map((side) => toGroup(family, service, side)),
    ]
  }
  const over = [request(family, service, 'lo'), reply(family, service, 'lo')]
  return [
    request(family, service, 'wire'),
    reply(family, service, 'wire'),
    ...over,
    ...over.map((packet) => overLoopback(packet)),
  ]
}

/** A packet of TCP that opens a connection, and any but such a one. */
export const OPENING = openingMatch(false)
export const NOT_OPENING = openingMatch(true)

function openingMatch(negated: boolean): Match {
  return {
    name: 'tcp',
    tests: [{ option: 'tcp-flags', negated, values: ['SYN,ACK', 'SYN'] }],
    text: `tcp flags & (syn | ack) ${negated ? '!=' : '=='} syn`,
  }
}

/** An ICMP message of one type, from or to anywhere. */
export function icmpMessage(family: Family, icmpType: number, path: 'in' | 'out' | 'forward'): Packet {
  return {
    ...flowPacket(family, { protocol: 'tcp', port: 0 }),
    path,
    protocol: { is: 'icmp' },
    source: path === 'out' ? 'server' : 'client',
    destination: path === 'out' ? 'client' : 'server',
    sourcePort: { is: -1 },
    destinationPort: { is: -1 },
    in: path === 'out' ? { is: '' } : { any: 'in' },
    out: path === 'in' ? { is: '' } : { any: 'out' },
    flags: [],
    icmpType,
    direction: null,
    local: { source: path === 'out', destination: path === 'in' },
    kind: `icmp ${path}`,
  }
}

/** Any packet at all, in any state. */
export function anyPacket(family: Family, path: Packet['path']): Packet {
  return {
    family,
    path,
    protocol: { any: 'protocol' },
    source: 'source',
    destination: 'destination',
    sourcePort: { any: 'source port' },
    destinationPort: { any: 'destination port' },
    in: path === 'out' ? { is: '' } : { any: 'in+lo' },
    out: path === 'in' ? { is: '' } : { any: 'out+lo' },
    flags: null,
    icmpType: null,
    state: { any: 'state' },
    direction: null,
    translated: null,
    local: { source: null, destination: null },
    kind: 'any',
  }
}

const NOT_OURS: Packet['local'] = { source: false, destination: false }

function flowPacket(family: Family, service: Service) {
  return {
    family,
    protocol: { is: service.protocol as string },
    flags: service.protocol === 'tcp' ? SYN : [],
    icmpType: null,
    state: { is: 'NEW' as const },
    translated: false,
  }
}

/** The reset that a rule sends in answer to a packet. */
export function resetOf(reply: Packet, state: State): Packet {
  return { ...reply, flags: ['RST', 'ACK'], state: { is: state }, kind: `${reply.kind} reset` }
}
