import type { Family } from './rules.ts'

export const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const
export type State = (typeof STATES)[number]

/** A field that is known, or any value at all; `any` names the variable, so that two packets of one flow share it. */
export type Field<T> = { readonly is: T } | { readonly any: string }

/** A class of packets that the rules are asked about. */
export type Packet = {
  readonly family: Family
  readonly path: 'in' | 'out' | 'forward'
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
  /** A later piece of a datagram: it has no ports, and no test of a protocol's own header holds. */
  readonly fragment?: true
  /** Packets of one flow that may differ in length, options and the like have different kinds. */
  readonly kind: string
}

export type Service = { readonly protocol: 'tcp' | 'udp'; readonly port: number }

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

/** An ICMP message of one type, from or to anywhere. */
export function icmpMessage(family: Family, icmpType: number, path: 'in' | 'out'): Packet {
  return {
    ...flowPacket(family, { protocol: 'tcp', port: 0 }),
    path,
    protocol: { is: 'icmp' },
    source: path === 'in' ? 'client' : 'server',
    destination: path === 'in' ? 'server' : 'client',
    sourcePort: { is: -1 },
    destinationPort: { is: -1 },
    in: path === 'in' ? { any: 'in' } : { is: '' },
    out: path === 'out' ? { any: 'out' } : { is: '' },
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
