import type { Family } from '../../src/firewall/rules.ts'

export const BITS: Readonly<Record<Family, 32 | 128>> = { ip: 32, ip6: 128 }

/** An address as text; the long form of IPv6, which every tool reads. */
export function addressText(family: Family, address: bigint): string {
  const bytes = addressBytes(family, address)
  if (family === 'ip') return [...bytes].join('.')
  return Array.from({ length: 8 }, (_, at) => bytes.readUInt16BE(at * 2).toString(16)).join(':')
}

/** In the network's order. */
export function addressBytes(family: Family, address: bigint): Buffer {
  const length = BITS[family] / 8
  return Buffer.from(address.toString(16).padStart(length * 2, '0'), 'hex')
}

/** Plain text only: no mask, and for IPv6 at most one `::`. */
export function addressOf(text: string): bigint {
  if (!text.includes(':')) return text.split('.').reduce((sum, part) => sum * 256n + BigInt(part), 0n)
  const [head, tail] = text.split('::').map((half) => (half === '' ? [] : half.split(':')))
  const groups = [...(head ?? [])]
  if (tail !== undefined) groups.push(...Array.from({ length: 8 - groups.length - tail.length }, () => '0'), ...tail)
  return groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n)
}

/** First and last address of a network. */
export function network(family: Family, address: bigint, length: number): readonly [first: bigint, last: bigint] {
  const size = 1n << BigInt(BITS[family] - length)
  const first = (address / size) * size
  return [first, first + size - 1n]
}

/** Whether the kernel takes it as the source or destination of a packet that came over a wire. */
export function isPlainUnicast(family: Family, address: bigint): boolean {
  if (family === 'ip6') {
    const top = address >> 112n
    // fe80::/10 and below it ::/16 (loopback, mapped, compatible), multicast from ff00:: on.
    return top >= 0x100n && top < 0xfe80n
  }
  const top = Number(address >> 24n)
  return top > 0 && top < 224 && top !== 127
}
