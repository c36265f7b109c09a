import type { Service } from '../../src/firewall/packet.ts'
import type { Family } from '../../src/firewall/rules.ts'
import type { Dice } from './dice.ts'
import { ENDS } from './world.ts'

/** Where a random rule stands, which decides what it may look at and say. */
export type Spot = {
  readonly family: Family
  readonly service: Service
  readonly other: number
  readonly table: 'raw' | 'mangle' | 'nat' | 'filter' | 'security'
  readonly sees: 'in' | 'out' | 'both'
  /** User chains that it may call. */
  readonly below: readonly string[]
}

/** One rule without `-A CHAIN`, with any match and target that goes there. */
export function randomRule(dice: Dice, spot: Spot): string {
  return [...randomMatches(dice, spot), randomTarget(dice, spot)].filter((each) => each !== '').join(' ')
}

/** A state or two, by either module. */
export function statesOf(dice: Dice, states: string): string {
  return dice.chance(40) ? `-m state --state ${states}` : `-m conntrack --ctstate ${states}`
}

/** A request to the service, as rule sets let it in. */
export function acceptOf(dice: Dice, { service: { protocol, port }, family }: Spot): string {
  const ports = dice.weighted([
    [60, `-m ${protocol} --dport ${port}`],
    [20, `-m multiport --dports ${port === 22 ? '' : '22,'}${port}`],
    [10, `-m ${protocol} --dport ${Math.max(1, port - 5)}:${port + 10}`],
    [10, ''],
  ])
  const state = dice.weighted([
    [35, ''],
    [45, statesOf(dice, 'NEW')],
    [10, statesOf(dice, 'NEW,ESTABLISHED')],
    [5, `-m conntrack ! --ctstate INVALID`],
    [5, statesOf(dice, 'NEW,RELATED,ESTABLISHED')],
  ])
  const syn = protocol === 'tcp' && dice.chance(15) ? '--tcp-flags FIN,SYN,RST,ACK SYN' : ''
  const from = dice.chance(25) ? `-s ${dice.pick(NETS[family])}` : ''
  const over = dice.chance(15) ? '-i eth0' : ''
  return join(
    from,
    over,
    `-p ${protocol}`,
    ports,
    syn === '' || ports.includes('-m tcp') ? syn : `-m tcp ${syn}`,
    state,
  )
}

function randomMatches(dice: Dice, spot: Spot): readonly string[] {
  const { family, service, sees, table } = spot
  const protocol = dice.weighted([
    [25, null],
    [50, service.protocol],
    [10, 'tcp'],
    [8, 'udp'],
    [7, 'icmp'],
  ] as const)
  return [
    dice.chance(25) ? interfaceOf(dice, sees) : '',
    dice.chance(22) ? `${not(dice)}-s ${dice.pick(NETS[family])}` : '',
    dice.chance(12) ? `${not(dice)}-d ${dice.pick(NETS[family])}` : '',
    protocol === null ? '' : protocolOf(dice, spot, protocol),
    table !== 'raw' && dice.chance(45) ? randomStates(dice) : '',
    dice.chance(18) ? rareMatch(dice, spot) : '',
  ]
}

const STATES = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED'] as const

function randomStates(dice: Dice): string {
  const states = dice.weighted([
    [30, 'NEW'],
    [30, 'RELATED,ESTABLISHED'],
    [10, 'ESTABLISHED'],
    [10, 'INVALID'],
    [5, 'UNTRACKED'],
    [15, dice.some(STATES, 1 + dice.under(3)).join(',')],
  ])
  return dice.chance(15) ? statesOf(dice, states).replace(/--(?=state|ctstate)/, '! --') : statesOf(dice, states)
}

function protocolOf(dice: Dice, spot: Spot, protocol: 'tcp' | 'udp' | 'icmp'): string {
  if (protocol === 'icmp') {
    const [name, module, option] =
      spot.family === 'ip' ? ['icmp', 'icmp', 'icmp-type'] : ['ipv6-icmp', 'icmp6', 'icmpv6-type']
    const type = dice.pick(spot.family === 'ip' ? ['3', '3/4', '8', '11'] : ['1', '2', '3', '128'])
    return dice.chance(50) ? `-p ${name}` : `-p ${name} -m ${module} --${option} ${type}`
  }
  if (dice.chance(5)) return `! -p ${protocol}`
  const port = dice.pick([spot.service.port, spot.service.port, spot.other, 22, 8999])
  const ports = dice.weighted([
    [45, `-m ${protocol} --dport ${port}`],
    [15, `-m ${protocol} --sport ${port}`],
    [5, `-m ${protocol} ! --dport ${port}`],
    [6, `-m ${protocol} --dport 1024:65535`],
    [4, `-m ${protocol} --sport 1024:65535`],
    [10, `-m multiport --dports ${spot.service.port},${spot.other}`],
    [3, `-m multiport --ports ${port}`],
    [3, `-m multiport ! --dports ${port},443`],
    [3, `-m multiport --sports ${port},8000:8099`],
    [10, ''],
  ])
  if (protocol === 'udp' || !dice.chance(20)) return join(`-p ${protocol}`, ports)
  const flags = dice.pick([
    '--tcp-flags FIN,SYN,RST,ACK SYN',
    '! --tcp-flags FIN,SYN,RST,ACK SYN',
    '--tcp-flags SYN,ACK SYN,ACK',
    '--tcp-flags ALL NONE',
    '--tcp-flags ACK ACK',
    '! --tcp-flags SYN,RST NONE',
  ])
  return join('-p tcp', ports, ports.includes('-m tcp') ? flags : `-m tcp ${flags}`)
}

function rareMatch(dice: Dice, { sees, table, service, family }: Spot): string {
  const tracked = table !== 'raw'
  return dice.weighted([
    [10, `-m addrtype --${sees === 'out' ? 'src' : 'dst'}-type LOCAL`],
    [3, '-m addrtype ! --src-type LOCAL'],
    [
      5,
      family === 'ip'
        ? '-m iprange --src-range 198.18.1.1-198.18.1.9'
        : '-m iprange --src-range fd00:198:18:1::1-fd00:198:18:1::9',
    ],
    [5, '-m mark --mark 0x1'],
    [3, '-m mark ! --mark 0x1/0x3'],
    [4, '-m limit --limit 3/min --limit-burst 4'],
    [2, '-m limit --limit 10000/sec --limit-burst 10000'],
    [2, '-m recent --name mill --set'],
    [2, '-m recent --name mill --update --seconds 60 --hitcount 4'],
    [5, '-m length --length 0:200'],
    [3, family === 'ip' ? '-m ttl --ttl-gt 10' : '-m hl --hl-gt 10'],
    [3, '-m pkttype --pkt-type unicast'],
    [sees === 'out' ? 4 : 0, '-m owner --uid-owner 0'],
    [tracked ? 4 : 0, '-m conntrack --ctdir ORIGINAL'],
    [tracked ? 4 : 0, '-m conntrack --ctdir REPLY'],
    [tracked ? 4 : 0, '-m conntrack --ctstatus SEEN_REPLY'],
    [tracked ? 2 : 0, '-m conntrack ! --ctstatus ASSURED'],
    [tracked ? 3 : 0, `-m conntrack --ctproto ${service.protocol === 'tcp' ? 6 : 17} --ctorigdstport ${service.port}`],
    [tracked ? 2 : 0, `-m conntrack --ctorigsrc ${dice.pick(NETS[family])}`],
    [tracked ? 3 : 0, '-m connmark --mark 0x1'],
    [tracked ? 1 : 0, '-m connlimit --connlimit-above 200'],
    [5, '-m comment --comment "a word: of, explanation"'],
  ])
}

function randomTarget(dice: Dice, { table, below, family, sees, service }: Spot): string {
  const calls =
    below.length === 0
      ? []
      : ([
          [18, `-j ${dice.pick(below as [string, ...string[]])}`],
          [6, `-g ${dice.pick(below as [string, ...string[]])}`],
        ] as const)
  switch (table) {
    case 'raw':
      return dice.weighted([
        [55, '-j CT --notrack'],
        [20, '-j NOTRACK'],
        [15, '-j ACCEPT'],
        [5, '-j DROP'],
        [5, '-j RETURN'],
        ...calls,
      ])
    case 'mangle':
      return dice.weighted([
        [35, '-j MARK --set-xmark 0x1/0xffffffff'],
        [10, '-j CONNMARK --set-xmark 0x1/0xffffffff'],
        [8, '-j CONNMARK --restore-mark --nfmask 0xffffffff --ctmask 0xffffffff'],
        [20, '-j ACCEPT'],
        [15, '-j DROP'],
        [6, '-j RETURN'],
        ...calls,
      ])
    case 'nat':
      return sees === 'in'
        ? dice.weighted([
            [50, `-j REDIRECT --to-ports ${dice.pick([service.port, 8081])}`],
            [30, '-j RETURN'],
            [20, '-j ACCEPT'],
          ])
        : dice.weighted([
            [50, '-j MASQUERADE'],
            [30, '-j RETURN'],
            [20, '-j ACCEPT'],
          ])
    case 'filter':
    case 'security':
      return dice.weighted([
        [42, '-j ACCEPT'],
        [18, '-j DROP'],
        [
          table === 'filter' ? 8 : 0,
          `-j REJECT --reject-with ${dice.pick(family === 'ip' ? ['icmp-port-unreachable', 'icmp-host-prohibited'] : ['icmp6-port-unreachable', 'icmp6-adm-prohibited'])}`,
        ],
        [10, '-j RETURN'],
        [3, '-j LOG'],
        [2, ''],
        ...calls,
      ])
  }
}

const NETS: Readonly<Record<Family, readonly [string, ...string[]]>> = {
  ip: [
    '198.18.1.0/24',
    '198.18.2.0/24',
    '198.18.0.0/15',
    '10.0.0.0/8',
    `${ENDS.ip.near}/32`,
    `${ENDS.ip.host}/32`,
    '127.0.0.0/8',
  ],
  ip6: [
    'fd00:198:18:1::/64',
    'fd00:198:18:2::/64',
    'fd00:198:18::/48',
    '2001:db8::/32',
    `${ENDS.ip6.near}/128`,
    `${ENDS.ip6.host}/128`,
    '::1/128',
  ],
}

function interfaceOf(dice: Dice, sees: Spot['sees']): string {
  const option = sees === 'in' || (sees === 'both' && dice.chance(50)) ? '-i' : '-o'
  return `${not(dice)}${option} ${dice.pick(['eth0', 'eth0', 'eth1', 'lo', 'eth+'])}`
}

function not(dice: Dice): string {
  return dice.chance(15) ? '! ' : ''
}

function join(...words: readonly string[]): string {
  return words.filter((each) => each !== '').join(' ')
}
