import type { Family, LiveRules, Rule, Test } from './rules.ts'

/**
 * What the rules can tell apart: addresses and ports cut at every border that a rule names, interface names by every
 * pattern. Two packets in the same cells meet the same answers.
 */
export type Space = {
  readonly family: Family
  /** First address of each cell, ascending; a cell ends where the next begins. */
  readonly addresses: readonly bigint[]
  readonly ports: readonly number[]
  /** A name, or a prefix with `+` for all other names that begin so; never `lo`. */
  readonly interfaces: readonly string[]
  readonly protocols: readonly string[]
  /** Every test of TCP flags that a rule makes. */
  readonly flagTests: readonly FlagTest[]
}

export type Range<T> = readonly [first: T, last: T]

export function spaceOf(family: Family, live: readonly LiveRules[], ports: readonly number[]): Space {
  const addresses = new Set<bigint>([0n])
  for (const [first, last] of addressRanges(family === 'ip' ? '127.0.0.0/8' : '::1/128', family) ?? []) {
    addresses.add(first)
    addresses.add(last + 1n)
  }
  const portCuts = new Set<number>([0, ...ports.flatMap((port) => [port, port + 1])])
  const interfaces = new Set<string>()
  const protocols = new Set<string>(['tcp', 'udp', protocolName('icmp', family)])
  const flagTests = new Map<string, FlagTest>()
  for (const { rules } of live) {
    for (const { chains } of rules.tables) {
      for (const chain of chains) {
        for (const rule of chain.rules) {
          const named = namedBy(rule, family)
          for (const cut of named.addresses) addresses.add(cut)
          for (const cut of named.ports) portCuts.add(cut)
          for (const name of named.interfaces) interfaces.add(name)
          for (const name of named.protocols) protocols.add(name)
          for (const flags of named.flags) flagTests.set(JSON.stringify(flags), flags)
        }
      }
    }
  }
  interfaces.delete('lo')
  interfaces.add('+')
  addresses.delete(1n << BigInt(bits(family)))
  portCuts.delete(65536)
  return {
    family,
    addresses: [...addresses].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0)),
    ports: [...portCuts].sort((a, b) => a - b),
    interfaces: [...interfaces],
    protocols: [...protocols, 'other'],
    flagTests: [...flagTests.values()],
  }
}

/** The borders and names that one rule's tests speak of; a rule is asked by many questions. */
type Named = {
  readonly addresses: readonly bigint[]
  readonly ports: readonly number[]
  readonly interfaces: readonly string[]
  readonly protocols: readonly string[]
  readonly flags: readonly FlagTest[]
}

function namedBy(rule: Rule, family: Family): Named {
  const known = NAMED[family].get(rule)
  if (known !== undefined) return known
  const addresses: bigint[] = []
  const ports: number[] = []
  const interfaces: string[] = []
  const protocols: string[] = []
  const flags: FlagTest[] = []
  for (const { tests } of rule.matches) {
    for (const test of tests) {
      const { option, values } = test
      const asked = flagTestOf(test)
      if (asked !== null) flags.push(asked)
      if (ADDRESS_OPTIONS.has(option)) {
        for (const value of values) {
          for (const [first, last] of addressRanges(value, family) ?? []) addresses.push(first, last + 1n)
        }
      } else if (PORT_OPTIONS.has(option)) {
        for (const value of values) for (const [first, last] of portRanges(value) ?? []) ports.push(first, last + 1)
      } else if (option === 'in' || option === 'out') interfaces.push(...values)
      else if (option === 'protocol' || option === 'ctproto') {
        for (const value of values) protocols.push(protocolName(value, family))
      }
    }
  }
  const named = { addresses, ports, interfaces, protocols, flags }
  NAMED[family].set(rule, named)
  return named
}

const NAMED: Readonly<Record<Family, WeakMap<Rule, Named>>> = { ip: new WeakMap(), ip6: new WeakMap() }

/** What `--syn` stands for. */
const SYN_TEST: readonly string[] = ['FIN,SYN,RST,ACK', 'SYN']
const ALL_FLAGS: readonly string[] = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG']

/** The flags that a test asks for; null where it asks for something else. */
export function flagTestOf({ option, values }: Test): FlagTest | null {
  if (option !== 'syn' && option !== 'tcp-flags' && option !== 'any-flag') return null
  const [first, second] = (option === 'syn' ? SYN_TEST : values).map((list) => {
    const names = list.toUpperCase().split(',')
    return names.includes('ALL') ? ALL_FLAGS : names.filter((name) => name !== 'NONE')
  })
  if (first === undefined) return null
  if (option === 'any-flag') return { mask: 'any', set: first }
  return second === undefined ? null : { mask: first, set: second }
}

/** `all` of the mask's flags are as in `set`, or, for `any`, at least one of `set` is there. */
export type FlagTest = { readonly mask: readonly string[] | 'any'; readonly set: readonly string[] }

export function flagsPass(flags: readonly string[], { mask, set }: FlagTest): boolean {
  if (mask === 'any') return set.some((flag) => flags.includes(flag))
  // A flag that is asked for and left out of the comparison is never found.
  return set.every((flag) => mask.includes(flag)) && mask.every((flag) => flags.includes(flag) === set.includes(flag))
}

/** Whether a pattern (`eth0`, `eth+`) covers a cell of the space's interfaces. */
export function interfaceIn(cell: string, pattern: string): boolean {
  if (!pattern.endsWith('+')) return cell === pattern
  return cell.replace(/\+$/, '').startsWith(pattern.slice(0, -1))
}

/** `10.0.0.0/8`, `10.0.0.0/255.0.0.0`, `10.1.2.3-10.1.2.9`, lists by comma; null for what is no contiguous range. */
export function addressRanges(value: string, family: Family): readonly Range<bigint>[] | null {
  const ranges: Range<bigint>[] = []
  for (const part of value.split(',')) {
    const range = part.includes('-') ? spanRange(part, family) : netRange(part, family)
    if (range === null) return null
    ranges.push(range)
  }
  return ranges
}

/** `80`, `ssh`, `1024:65535`, `:1023`, and lists of them by comma; null for a name that is not known. */
export function portRanges(value: string): readonly Range<number>[] | null {
  const ranges: Range<number>[] = []
  for (const part of value.split(',')) {
    const [from, to] = part.split(':')
    const first = from === '' ? 0 : portNumber(from as string)
    const last = to === undefined ? first : to === '' ? 65535 : portNumber(to)
    if (first === null || last === null || first > last) return null
    ranges.push([first, last])
  }
  return ranges
}

export function protocolName(value: string, family: Family): string {
  const name = value.toLowerCase()
  if (name === '0') return 'all'
  if (family === 'ip6' && ['58', 'icmpv6', 'ipv6-icmp', 'icmp6'].includes(name)) return 'icmp'
  if (family === 'ip6' && (name === 'icmp' || name === '1')) return 'icmp-of-ipv4'
  return (
    { '1': 'icmp', '6': 'tcp', '17': 'udp', '136': 'udplite', '132': 'sctp', '47': 'gre', '50': 'esp' }[name] ?? name
  )
}

const ADDRESS_OPTIONS: ReadonlySet<string> = new Set([
  'source',
  'destination',
  'src-range',
  'dst-range',
  'ctorigsrc',
  'ctorigdst',
  'ctreplsrc',
  'ctrepldst',
])
const PORT_OPTIONS: ReadonlySet<string> = new Set([
  'dport',
  'sport',
  'dports',
  'sports',
  'ports',
  'ctorigdstport',
  'ctorigsrcport',
  'ctreplsrcport',
  'ctrepldstport',
])

const SERVICES: ReadonlyMap<string, number> = new Map([
  ['ftp-data', 20],
  ['ftp', 21],
  ['ssh', 22],
  ['telnet', 23],
  ['smtp', 25],
  ['domain', 53],
  ['bootps', 67],
  ['bootpc', 68],
  ['tftp', 69],
  ['http', 80],
  ['www', 80],
  ['kerberos', 88],
  ['pop3', 110],
  ['sunrpc', 111],
  ['auth', 113],
  ['ntp', 123],
  ['netbios-ns', 137],
  ['netbios-dgm', 138],
  ['netbios-ssn', 139],
  ['imap', 143],
  ['imap2', 143],
  ['snmp', 161],
  ['ldap', 389],
  ['https', 443],
  ['microsoft-ds', 445],
  ['submission', 587],
  ['ldaps', 636],
  ['imaps', 993],
  ['pop3s', 995],
  ['openvpn', 1194],
  ['nfs', 2049],
  ['mysql', 3306],
  ['postgresql', 5432],
  ['mdns', 5353],
  ['http-alt', 8080],
])

function bits(family: Family): number {
  return family === 'ip' ? 32 : 128
}

function portNumber(text: string): number | null {
  if (/^\d{1,5}$/.test(text)) return Number(text) <= 65535 ? Number(text) : null
  return SERVICES.get(text.toLowerCase()) ?? null
}

function spanRange(text: string, family: Family): Range<bigint> | null {
  const [from, to] = text.split('-').map((each) => addressNumber(each, family))
  return from === undefined || to === undefined || from === null || to === null || from > to ? null : [from, to]
}

function netRange(text: string, family: Family): Range<bigint> | null {
  const [host, mask] = text.split('/')
  const address = addressNumber(host as string, family)
  const length = mask === undefined ? bits(family) : prefixLength(mask, family)
  if (address === null || length === null) return null
  const size = 1n << BigInt(bits(family) - length)
  const first = (address / size) * size
  return [first, first + size - 1n]
}

function prefixLength(mask: string, family: Family): number | null {
  if (/^\d{1,3}$/.test(mask)) return Number(mask) <= bits(family) ? Number(mask) : null
  const number = addressNumber(mask, family)
  if (number === null) return null
  const text = number.toString(2).padStart(bits(family), '0')
  return /^1*0*$/.test(text) ? text.replaceAll('0', '').length : null
}

function addressNumber(text: string, family: Family): bigint | null {
  return family === 'ip' ? v4(text) : v6(text)
}

function v4(text: string): bigint | null {
  const parts = text.split('.')
  if (parts.length !== 4 || !parts.every((part) => /^\d{1,3}$/.test(part) && Number(part) <= 255)) return null
  return parts.reduce((sum, part) => sum * 256n + BigInt(part), 0n)
}

function v6(text: string): bigint | null {
  const tail = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(text)
  const mapped = tail === null ? null : v4(tail[2] as string)
  if (tail !== null && mapped === null) return null
  const whole =
    mapped === null ? text : `${tail?.[1]}${(mapped >> 16n).toString(16)}:${(mapped & 0xffffn).toString(16)}`
  const halves = whole.split('::')
  if (halves.length > 2) return null
  const [head, back] = halves.map((half) => (half === '' ? [] : half.split(':')))
  const missing = 8 - (head?.length ?? 0) - (back?.length ?? 0)
  if (back === undefined ? missing !== 0 : missing < 1) return null
  const groups = [
    ...(head ?? []),
    ...Array.from({ length: back === undefined ? 0 : missing }, () => '0'),
    ...(back ?? []),
  ]
  if (!groups.every((group) => /^[0-9a-f]{1,4}$/i.test(group))) return null
  return groups.reduce((sum, group) => sum * 65536n + BigInt(`0x${group}`), 0n)
}
