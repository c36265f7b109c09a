import type { Family } from '../../src/firewall/rules.ts'
import { addressBytes } from './addresses.ts'

/** A packet with every field known. */
export type Datagram = {
  readonly family: Family
  readonly source: bigint
  readonly destination: bigint
  /** Time to live, or hop limit. */
  readonly ttl: number
  readonly body: Body
}

export type Body =
  | (Ports & { readonly protocol: 'tcp'; readonly flags: readonly Flag[]; readonly seq: number; readonly ack: number })
  | (Ports & { readonly protocol: 'udp' })
  | {
      readonly protocol: 'icmp'
      readonly type: number
      readonly code: number
      readonly id: number
      /** The packet that an error is about. */
      readonly about: Datagram | null
    }
  | { readonly protocol: number }

export type Ports = { readonly sourcePort: number; readonly destinationPort: number }

/** By their bits; what nft calls ECN is ECE elsewhere. */
export const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECN', 'CWR'] as const
export type Flag = (typeof FLAGS)[number]

/** The other family's ICMP: a protocol like any, but that nothing tracks it. */
export const STRANGERS: Readonly<Record<Family, number>> = { ip: 58, ip6: 1 }

export function protocolNumber({ family, body }: Datagram): number {
  switch (body.protocol) {
    case 'tcp':
      return 6
    case 'udp':
      return 17
    case 'icmp':
      return family === 'ip' ? 1 : 58
    default:
      return body.protocol
  }
}

/** The bytes on the wire behind the Ethernet header; in two pieces or the later one alone when wanted. */
export function packetBytes(datagram: Datagram, id: number, pieces: 'whole' | 'two' | 'later'): readonly Buffer[] {
  const payload = payloadOf(datagram, pieces !== 'whole')
  if (pieces === 'whole') return [withHeader(datagram, payload, null)]
  const later = withHeader(datagram, payload.subarray(CUT), { id, offset: CUT, more: false })
  if (pieces === 'later') return [later]
  return [withHeader(datagram, payload.subarray(0, CUT), { id, offset: 0, more: true }), later]
}

/** Behind every header of ours and a multiple of 8, as offsets of fragments are. */
const CUT = 32
const FILL = Buffer.alloc(40, 0x61)
const NONE = Buffer.alloc(0)

type Piece = { readonly id: number; readonly offset: number; readonly more: boolean }

function payloadOf(datagram: Datagram, filled: boolean): Buffer {
  const { body } = datagram
  switch (body.protocol) {
    case 'tcp': {
      const header = Buffer.alloc(20)
      header.writeUInt16BE(body.sourcePort, 0)
      header.writeUInt16BE(body.destinationPort, 2)
      header.writeUInt32BE(body.seq, 4)
      header.writeUInt32BE(body.ack, 8)
      header[12] = 5 << 4
      header[13] = body.flags.reduce((bits, flag) => bits | (1 << FLAGS.indexOf(flag)), 0)
      header.writeUInt16BE(0x4000, 14)
      return checked(datagram, Buffer.concat([header, filled || body.flags.includes('PSH') ? FILL : NONE]), 16)
    }
    case 'udp': {
      const header = Buffer.alloc(8)
      header.writeUInt16BE(body.sourcePort, 0)
      header.writeUInt16BE(body.destinationPort, 2)
      header.writeUInt16BE(8 + FILL.length, 4)
      return checked(datagram, Buffer.concat([header, FILL]), 6)
    }
    case 'icmp': {
      const header = Buffer.alloc(8)
      header[0] = body.type
      header[1] = body.code
      if (body.about === null) header.writeUInt16BE(body.id, 4)
      const about = body.about === null ? FILL : (packetBytes(body.about, 0, 'whole')[0] as Buffer)
      return checked(datagram, Buffer.concat([header, about]), 2)
    }
    default:
      // Zeros: GRE of version 0, which is tracked like any protocol without ports.
      return Buffer.alloc(FILL.length)
  }
}

/** Payload with its checksum at `at`; IPv4's ICMP has no pseudo header. */
function checked(datagram: Datagram, payload: Buffer, at: number): Buffer {
  const number = protocolNumber(datagram)
  const tail = Buffer.alloc(8)
  tail.writeUInt32BE(payload.length, 0)
  tail.writeUInt32BE(number, 4)
  const { family, source, destination } = datagram
  const pseudo = number === 1 ? [] : [addressBytes(family, source), addressBytes(family, destination), tail]
  const sum = checksum(Buffer.concat([...pseudo, payload]))
  payload.writeUInt16BE(sum === 0 && number === 17 ? 0xffff : sum, at)
  return payload
}

function withHeader(datagram: Datagram, payload: Buffer, piece: Piece | null): Buffer {
  const { family, source, destination, ttl } = datagram
  const addresses = [addressBytes(family, source), addressBytes(family, destination)]
  if (family === 'ip') {
    const header = Buffer.alloc(12)
    header[0] = 0x45
    header.writeUInt16BE(20 + payload.length, 2)
    header.writeUInt16BE(piece?.id ?? 1, 4)
    header.writeUInt16BE(piece === null ? 0x4000 : (piece.more ? 0x2000 : 0) | (piece.offset / 8), 6)
    header[8] = ttl
    header[9] = protocolNumber(datagram)
    const whole = Buffer.concat([header, ...addresses])
    whole.writeUInt16BE(checksum(whole), 10)
    return Buffer.concat([whole, payload])
  }
  const header = Buffer.alloc(8)
  header[0] = 0x60
  header.writeUInt16BE(payload.length + (piece === null ? 0 : 8), 4)
  header[6] = piece === null ? protocolNumber(datagram) : 44
  header[7] = ttl
  if (piece === null) return Buffer.concat([header, ...addresses, payload])
  const fragment = Buffer.alloc(8)
  fragment[0] = protocolNumber(datagram)
  fragment.writeUInt16BE(piece.offset | (piece.more ? 1 : 0), 2)
  fragment.writeUInt32BE(piece.id, 4)
  return Buffer.concat([header, ...addresses, fragment, payload])
}

function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += ((bytes[at] as number) << 8) | (bytes[at + 1] ?? 0)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
