import type { Service } from '../../src/firewall/packet.ts'
import type { Dice } from './dice.ts'
import { ENDS } from './world.ts'

export type TableFamily = 'inet' | 'ip' | 'ip6'

/** Where a rule of nft's own stands, which decides what it may look at and say. */
export type NftSpot = {
  readonly family: TableFamily
  readonly service: Service
  readonly other: number
  readonly stage: 'raw' | 'mangle' | 'filter'
  readonly sees: 'in' | 'out' | 'both'
  /** Chains that it may send packets to. */
  readonly below: readonly string[]
}

/** One rule, with any tests and verdict that go there. */
export function randomNftRule(dice: Dice, spot: NftSpot): string {
  const protocol = dice.weighted<string | null>([
    [30, null],
    [45, spot.service.protocol],
    [10, 'tcp'],
    [8, 'udp'],
    [7, 'icmp'],
  ])
  const matches = [
    dice.chance(25) ? interfaceTest(dice, spot.sees) : '',
    dice.chance(25) ? addressTest(dice, spot, 'saddr') : '',
    dice.chance(12) ? addressTest(dice, spot, 'daddr') : '',
    protocol === null ? '' : protocolTest(dice, spot, protocol),
    spot.stage !== 'raw' && dice.chance(45) ? randomStates(dice) : '',
    dice.chance(18) ? rareTest(dice, spot, protocol) : '',
  ]
  return join(...dice.shuffled(matches), dice.chance(15) ? 'counter' : '', verdictAt(dice, spot, protocol))
}

/** A request to the service, as rule sets let it in; `end` is what becomes of it. */
export function nftAcceptOf(dice: Dice, spot: NftSpot, end: string): string {
  const { protocol, port } = spot.service
  const more = port === 22 ? 443 : 22
  const ports = dice.weighted<string>([
    [40, `${protocol} dport ${port} ${end}`],
    [18, `${protocol} dport { ${more}, ${port} } ${end}`],
    [8, `${protocol} dport ${Math.max(1, port - 5)}-${port + 10} ${end}`],
    [8, `${protocol} dport @open ${end}`],
    [10, `${protocol} dport vmap { ${more} : accept, ${port} : ${end} }`],
    [6, `${protocol} dport vmap @services`],
    [6, `meta l4proto { tcp, udp } th dport ${port} ${end}`],
    [4, `iifname . ${protocol} dport { "eth0" . ${port}, "lo" . ${more} } ${end}`],
  ])
  const states = dice.weighted([
    [35, ''],
    [40, statesOf(dice, ['new'])],
    [10, statesOf(dice, ['new', 'established'])],
    [4, 'ct state != invalid'],
    [4, statesOf(dice, ['new', 'untracked'])],
    [4, 'ct direction original'],
    [3, `ct original proto-dst ${port}`],
  ])
  const syn =
    protocol === 'tcp' && dice.chance(15)
      ? dice.pick(['tcp flags & (fin|syn|rst|ack) == syn', 'tcp flags syn / fin,syn,rst,ack', 'tcp flags == syn'])
      : ''
  // nft reads a port of the connection only once it knows the protocol.
  const early = states.includes('proto-dst') ? `meta l4proto ${protocol}` : ''
  const from = dice.chance(25) ? addressTest(dice, spot, 'saddr') : ''
  const over = dice.chance(15) ? 'iifname "eth0"' : ''
  return join(...dice.shuffled([from, over, syn, join(early, states)]), ports)
}

/** One to a few states, in one of nft's ways to say so. */
export function statesOf(dice: Dice, states: readonly string[]): string {
  const [only] = states
  if (states.length === 1) return dice.chance(85) ? `ct state ${only}` : `ct state { ${only} }`
  return dice.weighted([
    [60, `ct state ${states.join(',')}`],
    [35, `ct state { ${states.join(', ')} }`],
    [5, `ct state & (${states.join('|')}) != 0`],
  ])
}

/** The map that many a chain begins with. */
export function stateMap(dice: Dice): string {
  return dice.pick([
    'ct state vmap { established : accept, related : accept, invalid : drop }',
    'ct state vmap { invalid : drop, established : accept, related : accept }',
    'ct state vmap { established : accept, related : accept }',
    'ct state vmap { invalid : drop, new : continue, established : accept, related : accept, untracked : accept }',
    'ct state vmap { established : accept, new : continue, untracked : continue, invalid : drop }',
  ])
}

/** How a rule refuses, as far as the protocol that it knows allows. */
export function rejection(dice: Dice, { family }: Pick<NftSpot, 'family'>, protocol: string | null): string {
  return dice.weighted<string>([
    [30, 'reject'],
    [protocol === 'tcp' ? 40 : 0, 'reject with tcp reset'],
    [protocol === null ? 8 : 0, 'meta l4proto tcp reject with tcp reset'],
    [family === 'inet' ? 15 : 0, 'reject with icmpx admin-prohibited'],
    [family === 'ip' ? 15 : 0, 'reject with icmp host-prohibited'],
    [family === 'ip6' ? 15 : 0, 'reject with icmpv6 admin-prohibited'],
  ])
}

const STATES = ['new', 'established', 'related', 'invalid', 'untracked'] as const

function randomStates(dice: Dice): string {
  const states = dice.weighted<readonly string[]>([
    [28, ['new']],
    [28, ['established', 'related']],
    [10, ['established']],
    [10, ['invalid']],
    [6, ['untracked']],
    [18, dice.some(STATES, 1 + dice.under(3))],
  ])
  if (!dice.chance(18)) return statesOf(dice, states)
  return dice.pick([
    `ct state != { ${states.join(', ')} }`,
    `ct state != ${states[0]}`,
    `ct state ! ${states.join(',')}`,
  ])
}

function interfaceTest(dice: Dice, sees: NftSpot['sees']): string {
  const key = sees === 'in' || (sees === 'both' && dice.chance(50)) ? 'iifname' : 'oifname'
  const names = dice.pick(['"eth0"', '"eth0"', '"eth1"', '"lo"', '"eth*"', '{ "eth0", "lo" }'])
  return `${key} ${not(dice)}${names}`
}

/** Of a table of both families, a rule that names an address is one for its own family alone. */
function addressTest(dice: Dice, { family }: Pick<NftSpot, 'family'>, side: 'saddr' | 'daddr'): string {
  const header = family === 'inet' ? dice.pick(['ip', 'ip', 'ip6']) : family
  const nets = header === 'ip' ? IP_NETS : IP6_NETS
  const named = family === 'inet' || family === header ? dice.chance(10) : false
  if (named) return `${header} ${side} ${not(dice)}@lan_${header}`
  return dice.chance(80)
    ? `${header} ${side} ${not(dice)}${dice.pick(nets)}`
    : `${header} ${side} { ${apart(dice, header).join(', ')} }`
}

function protocolTest(dice: Dice, { family, service, other }: NftSpot, protocol: string): string {
  if (protocol === 'icmp') {
    const header = family === 'inet' ? dice.pick(['icmp', 'icmpv6']) : family === 'ip' ? 'icmp' : 'icmpv6'
    const types =
      header === 'icmp'
        ? ['destination-unreachable', 'time-exceeded', 'echo-request', '12']
        : ['destination-unreachable', 'packet-too-big', 'time-exceeded', 'echo-request']
    if (dice.chance(30)) return header === 'icmp' ? 'meta l4proto icmp' : 'meta l4proto ipv6-icmp'
    return dice.chance(50)
      ? `${header} type ${dice.pick(types as [string, ...string[]])}`
      : `${header} type { ${dice.some(types, 2).join(', ')} }`
  }
  if (dice.chance(5)) return `meta l4proto != ${protocol}`
  const port = dice.pick([service.port, service.port, other, 22, 8999])
  const ports = dice.weighted([
    [40, `${protocol} dport ${port}`],
    [15, `${protocol} sport ${port}`],
    [5, `${protocol} dport != ${port}`],
    [6, `${protocol} dport >= 1024`],
    [4, `${protocol} sport 1024-65535`],
    [12, `${protocol} dport { ${[...new Set([service.port, other])].sort((a, b) => a - b).join(', ')} }`],
    [4, `${protocol} sport != { 443, ${port === 443 ? 444 : port} }`],
    [4, `meta l4proto { tcp, udp } th sport ${port}`],
    [10, `meta l4proto ${protocol}`],
  ])
  if (protocol !== 'tcp' || !dice.chance(20)) return ports
  const flags = dice.pick([
    'tcp flags & (fin|syn|rst|ack) == syn',
    'tcp flags & (fin|syn|rst|ack) != syn',
    'tcp flags & (syn|ack) == (syn|ack)',
    'tcp flags != syn',
    'tcp flags ack',
    'tcp flags & rst != 0',
  ])
  return `${ports} ${flags}`
}

function rareTest(dice: Dice, { sees, stage, family, service }: NftSpot, protocol: string | null): string {
  const tracked = stage !== 'raw'
  return dice.weighted<string>([
    [12, sees === 'out' ? 'fib saddr type local' : 'fib daddr type local'],
    [4, 'fib saddr type != local'],
    [family === 'inet' ? 6 : 0, `meta nfproto ${dice.pick(['ipv4', 'ipv6'])}`],
    [5, 'meta mark 0x1'],
    [3, 'meta mark & 0x3 != 0x1'],
    [4, 'limit rate 3/minute burst 4 packets'],
    [2, 'limit rate 10000/second burst 10000 packets'],
    [2, 'limit rate over 10000/second burst 10000 packets'],
    [family === 'ip6' ? 0 : 3, 'add @seen { ip saddr }'],
    [family === 'ip6' ? 0 : 2, 'ip saddr @seen'],
    [5, 'meta length 0-200'],
    [family === 'ip' ? 3 : 0, 'ip ttl > 10'],
    [3, 'meta pkttype host'],
    [sees === 'out' ? 4 : 0, 'meta skuid 0'],
    [tracked ? 5 : 0, 'ct direction original'],
    [tracked ? 5 : 0, 'ct direction reply'],
    [tracked ? 4 : 0, 'ct status seen-reply'],
    [tracked ? 2 : 0, 'ct status ! assured'],
    [tracked && protocol === service.protocol ? 4 : 0, `ct original proto-dst ${service.port}`],
    [tracked && family === 'ip' ? 3 : 0, `ct original ip saddr ${dice.pick(IP_NETS)}`],
    [tracked ? 3 : 0, 'ct mark 0x1'],
    [tracked ? 1 : 0, 'ct count over 200'],
    [tracked ? 1 : 0, 'ct expiration > 1s'],
  ])
}

function verdictAt(dice: Dice, spot: NftSpot, protocol: string | null): string {
  const { stage, below } = spot
  const chain = () => dice.pick(below as [string, ...string[]])
  const calls = below.length === 0 ? 0 : 1
  switch (stage) {
    case 'raw':
      return dice.weighted<() => string>([
        [70, () => 'notrack'],
        [8, () => 'notrack accept'],
        [14, () => 'accept'],
        [4, () => 'drop'],
        [4, () => 'return'],
      ])()
    case 'mangle':
      return dice.weighted<() => string>([
        [35, () => 'meta mark set 0x1'],
        [10, () => 'ct mark set 0x1'],
        [8, () => 'meta mark set ct mark'],
        [22, () => 'accept'],
        [15, () => 'drop'],
        [10, () => 'return'],
      ])()
    case 'filter':
      return dice.weighted<() => string>([
        [42, () => 'accept'],
        [18, () => 'drop'],
        [10, () => rejection(dice, spot, protocol)],
        [8, () => 'return'],
        [3, () => 'log prefix "mill "'],
        [2, () => 'counter'],
        [5, () => stateMap(dice)],
        [3, () => `iifname vmap { "lo" : accept, "eth1" : ${dice.pick(['drop', 'accept', 'return'])} }`],
        [calls * 18, () => `jump ${chain()}`],
        [calls * 6, () => `goto ${chain()}`],
      ])()
  }
}

const IP_NETS = [
  '198.18.1.0/24',
  '198.18.2.0/24',
  '198.18.0.0/15',
  '10.0.0.0/8',
  ENDS.ip.near,
  ENDS.ip.host,
  '127.0.0.0/8',
] as const
const IP6_NETS = [
  'fd00:198:18:1::/64',
  'fd00:198:18:2::/64',
  'fd00:198:18::/48',
  '2001:db8::/32',
  ENDS.ip6.near,
  ENDS.ip6.host,
  '::1',
] as const

/** Nets that may stand in one set. */
function apart(dice: Dice, header: string): readonly string[] {
  const nets = header === 'ip' ? ['10.0.0.0/8', ENDS.ip.near, '198.18.2.0/24'] : ['2001:db8::/32', ENDS.ip6.near, '::1']
  return dice.some(nets, 1 + dice.under(3))
}

function not(dice: Dice): string {
  return dice.chance(15) ? '!= ' : ''
}

function join(...words: readonly string[]): string {
  return words.filter((each) => each !== '').join(' ')
}
