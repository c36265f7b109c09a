import type { State } from '../../src/firewall/packet.ts'
import { type Datagram, type Flag, protocolNumber, STRANGERS } from './datagram.ts'

/** How connection tracking sees one packet. */
export type Tracked = { readonly state: State; readonly direction: 'original' | 'reply' | null }

/**
 * What the kernel's connection tracking says of packets that are far apart: one flow each, or a flow's first few packets in
 * order. `met` is asked before the rules, `passed` told when they let the packet by: only then a new flow is remembered.
 */
export class Tracker {
  readonly #flows = new Map<string, Flow>()
  readonly #replies = new Map<string, Flow>()

  met(datagram: Datagram): Tracked {
    const { body } = datagram
    if (body.protocol === 'icmp' && isError(datagram)) return this.#aboutAnother(body.about)
    if (datagram.family === 'ip6' && body.protocol === 'icmp' && NEVER_TRACKED.has(body.type)) {
      return { state: 'UNTRACKED', direction: null }
    }
    if (body.protocol === STRANGERS[datagram.family]) return INVALID
    if (body.protocol === 'tcp' && !flagsAreSane(body.flags)) return INVALID
    const reply = this.#replies.get(keyOf(datagram))
    if (reply !== undefined) {
      reply.answered = true
      return { state: 'ESTABLISHED', direction: 'reply' }
    }
    const flow = this.#flows.get(keyOf(datagram))
    if (flow !== undefined) {
      // A SYN alone is out, and no answer was seen: TCP's next packet from there cannot be this one.
      if (body.protocol === 'tcp' && !flow.answered && flow.began === 'SYN') return INVALID
      return { state: flow.answered ? 'ESTABLISHED' : 'NEW', direction: 'original' }
    }
    return mayBegin(datagram) ? { state: 'NEW', direction: 'original' } : INVALID
  }

  passed(datagram: Datagram, { state }: Tracked): void {
    const key = keyOf(datagram)
    if (state !== 'NEW' || this.#flows.has(key)) return
    const { body } = datagram
    const flow = {
      began: body.protocol === 'tcp' && body.flags.includes('SYN') ? 'SYN' : 'other',
      answered: false,
    } as const
    const kept: Flow = { ...flow }
    this.#flows.set(key, kept)
    this.#replies.set(replyKeyOf(datagram), kept)
  }

  /** nf_conntrack_inet_error looks for the flow whose other direction the quoted packet took. */
  #aboutAnother(about: Datagram | null): Tracked {
    if (about === null) return INVALID
    return this.#flows.has(keyOf(about)) || this.#replies.has(keyOf(about))
      ? { state: 'RELATED', direction: null }
      : INVALID
  }
}

/** What tells flows apart, in the direction of this packet. */
export function keyOf(datagram: Datagram): string {
  const { source, destination, body } = datagram
  const ends = `${protocolNumber(datagram)} ${source} ${destination}`
  if (body.protocol === 'tcp' || body.protocol === 'udp') return `${ends} ${body.sourcePort} ${body.destinationPort}`
  return body.protocol === 'icmp' ? `${ends} ${body.type} ${body.id}` : ends
}

export function replyKeyOf(datagram: Datagram): string {
  const { source, destination, body } = datagram
  const turned = { ...datagram, source: destination, destination: source }
  if (body.protocol === 'tcp' || body.protocol === 'udp') {
    return keyOf({ ...turned, body: { ...body, sourcePort: body.destinationPort, destinationPort: body.sourcePort } })
  }
  if (body.protocol !== 'icmp') return keyOf(turned)
  return keyOf({ ...turned, body: { ...body, type: ANSWERED_BY[datagram.family].get(body.type) ?? -1 } })
}

type Flow = { readonly began: 'SYN' | 'other'; answered: boolean }

const INVALID: Tracked = { state: 'INVALID', direction: null }

/** Requests, by the type of their answer (nf_conntrack_proto_icmp.c, nf_conntrack_proto_icmpv6.c). */
const ANSWERED_BY = {
  ip: new Map([
    [8, 0],
    [13, 14],
    [15, 16],
    [17, 18],
  ]),
  ip6: new Map([
    [128, 129],
    [139, 140],
  ]),
}
/** Neighbour discovery and multicast listeners are left alone (noct_valid_new). */
const NEVER_TRACKED: ReadonlySet<number> = new Set([130, 131, 132, 133, 134, 135, 136, 143])

function isError({ family, body }: Datagram): boolean {
  if (body.protocol !== 'icmp') return false
  return family === 'ip' ? [3, 4, 5, 11, 12].includes(body.type) : body.type < 128
}

function mayBegin({ family, body }: Datagram): boolean {
  if (body.protocol === 'icmp') return ANSWERED_BY[family].has(body.type)
  if (body.protocol !== 'tcp') return true
  const { flags } = body
  if (flags.includes('RST') || flags.includes('FIN')) return false
  // With tcp_loose a flow is picked up in its middle, but not at the answer to its SYN.
  return flags.includes('SYN') !== flags.includes('ACK')
}

/** tcp_valid_flags in nf_conntrack_proto_tcp.c. */
function flagsAreSane(flags: readonly Flag[]): boolean {
  const told = (['FIN', 'SYN', 'RST', 'ACK', 'URG'] as const).filter((flag) => flags.includes(flag)).join()
  return SANE.has(told)
}

const SANE: ReadonlySet<string> = new Set([
  'SYN',
  'SYN,URG',
  'SYN,ACK',
  'RST',
  'RST,ACK',
  'FIN,ACK',
  'FIN,ACK,URG',
  'ACK',
  'ACK,URG',
])
