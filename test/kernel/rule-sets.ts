import type { Family } from '../../src/firewall/rules.ts'
import { addressText, network } from './addresses.ts'
import type { Random } from './random.ts'
import { PROTOCOLS } from './traffic.ts'
import type { Guise } from './world.ts'

export const BASE_CHAINS: Readonly<Record<string, readonly string[]>> = {
  raw: ['PREROUTING', 'OUTPUT'],
  mangle: ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'],
  filter: ['INPUT', 'FORWARD', 'OUTPUT'],
  security: ['INPUT', 'FORWARD', 'OUTPUT'],
}

/** A random rule set for a restore tool; every table stands in it, so that loading it replaces the one before. */
export function randomRuleSet(random: Random, family: Family, guise: Guise): string {
  const tracking = random.chance(0.75)
  return Object.keys(BASE_CHAINS)
    .map((table) => {
      const full = table === 'filter' || random.chance(table === 'security' ? 0.15 : 0.6)
      return randomTable({ random, family, guise, table, tracking }, full)
    })
    .join('')
}

type Drawing = {
  readonly random: Random
  readonly family: Family
  readonly guise: Guise
  readonly table: string
  readonly tracking: boolean
}

function randomTable(drawing: Drawing, full: boolean): string {
  const { random, table } = drawing
  const bases = BASE_CHAINS[table] as readonly string[]
  const made = full ? Array.from({ length: random.int(1, 5) }, (_, index) => `made${index}`) : []
  const policy = () => (random.chance(table === 'filter' ? 0.4 : 0.05) ? 'DROP' : 'ACCEPT')
  const rules = [...bases, ...made].flatMap((chain) =>
    full
      ? Array.from({ length: random.int(chain.startsWith('made') ? 2 : 1, 7) }, () => randomRule(drawing, chain, made))
      : [],
  )
  const heads = [...bases.map((chain) => `:${chain} ${policy()} [0:0]`), ...made.map((chain) => `:${chain} - [0:0]`)]
  return [`*${table}`, ...heads, ...rules, 'COMMIT', ''].join('\n')
}

function randomRule(drawing: Drawing, chain: string, made: readonly string[]): string {
  const { random, family, table } = drawing
  const protocol = random.weighted<string>([
    [6, ''],
    [6, 'tcp'],
    [3, 'udp'],
    [3, family === 'ip' ? 'icmp' : 'ipv6-icmp'],
    [1, random.pick(PROTOCOLS)[0]],
  ])
  const parts = [
    random.chance(0.3) ? `${maybeNot(random)}-s ${randomNet(drawing)}` : '',
    random.chance(0.25) ? `${maybeNot(random)}-d ${randomNet(drawing)}` : '',
    mayName('in', chain) && random.chance(0.2) ? `${maybeNot(random)}-i ${randomInterface(drawing)}` : '',
    mayName('out', chain) && random.chance(0.2) ? `${maybeNot(random)}-o ${randomInterface(drawing)}` : '',
    protocol === '' ? (random.chance(0.1) ? '! -p tcp' : '') : `-p ${protocol}`,
    family === 'ip' && random.chance(0.03) ? `${maybeNot(random)}-f` : '',
    ofProtocol(drawing, protocol),
    ofNoProtocol(drawing),
    table !== 'raw' && drawing.tracking && random.chance(0.35) ? ofTracking(drawing) : '',
  ].filter((part) => part !== '')
  // Rules that end every packet's way would leave the rest unasked.
  const target = parts.length === 0 && random.chance(0.8) ? '' : randomTarget(drawing, chain, made, protocol)
  return [`-A ${chain}`, ...parts, target].join(' ').trimEnd()
}

function mayName(side: 'in' | 'out', chain: string): boolean {
  return !(side === 'in' ? ['OUTPUT', 'POSTROUTING'] : ['PREROUTING', 'INPUT']).includes(chain)
}

function ofProtocol(drawing: Drawing, protocol: string): string {
  const { random } = drawing
  if (protocol === 'icmp' || protocol === 'ipv6-icmp') {
    if (random.chance(0.3)) return ''
    const [module, option, types] =
      protocol === 'icmp'
        ? ['icmp', '--icmp-type', ['0', '3', '3/1', '3/4', '5', '8', '11/0', 'any', '12', '13']]
        : ['icmp6', '--icmpv6-type', ['1', '1/4', '2', '3', '4/1', '128', '129', '133', '135', '137']]
    return `-m ${module} ${maybeNot(random)}${option as string} ${random.pick(types as readonly string[])}`
  }
  if (protocol !== 'tcp' && protocol !== 'udp') return ''
  const tests: string[] = []
  if (random.chance(0.35)) tests.push(`${maybeNot(random)}--dport ${randomPorts(random)}`)
  if (random.chance(0.2)) tests.push(`${maybeNot(random)}--sport ${randomPorts(random)}`)
  if (protocol === 'tcp' && random.chance(0.25)) tests.push(`${maybeNot(random)}${randomFlagTest(random)}`)
  const own = tests.length > 0 ? `-m ${protocol} ${tests.join(' ')}` : ''
  if (!random.chance(0.2)) return own
  const option = random.pick(['--sports', '--dports', '--ports'])
  const list = Array.from({ length: random.int(1, 5) }, () => randomPorts(random, 'closed')).join()
  return `${own} -m multiport ${maybeNot(random)}${option} ${list}`.trim()
}

function randomFlagTest(random: Random): string {
  if (random.chance(0.4)) return '--syn'
  const flags = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG']
  const mask = random.chance(0.2) ? ['ALL'] : random.some(flags, 1, 5)
  const set = random.weighted([
    [1, 'NONE'],
    [1, 'ALL'],
    [5, random.some(mask[0] === 'ALL' ? flags : mask, 1, 3).join()],
  ])
  return `--tcp-flags ${mask.join()} ${set}`
}

function ofNoProtocol(drawing: Drawing): string {
  const { random, family } = drawing
  const range = () => {
    const [one, other] = [randomAddress(drawing), randomAddress(drawing)]
    return `${addressText(family, one < other ? one : other)}-${addressText(family, one < other ? other : one)}`
  }
  return random.weighted<() => string>([
    [60, () => ''],
    [5, () => `-m iprange ${maybeNot(random)}--src-range ${range()}`],
    [5, () => `-m iprange ${maybeNot(random)}--dst-range ${range()} ${maybeNot(random)}--src-range ${range()}`],
    [5, () => `-m addrtype ${maybeNot(random)}--dst-type LOCAL`],
    [3, () => `-m addrtype ${maybeNot(random)}--src-type LOCAL`],
    [2, () => `-m addrtype ${maybeNot(random)}--dst-type UNICAST`],
    [
      1,
      () =>
        `-m addrtype ${maybeNot(random)}--dst-type ${random.pick(['LOCAL,MULTICAST', 'LOCAL,UNICAST', 'MULTICAST', 'BROADCAST'].filter((each) => family === 'ip' || each !== 'BROADCAST'))}`,
    ],
    [3, () => `-m comment --comment "${random.pick(['--dport 22', "it's", 'a -j DROP', '! -s'])}"`],
    [1, () => (family === 'ip' ? `-m ttl --ttl-lt ${random.pick([2, 65])}` : `-m hl --hl-lt ${random.pick([2, 65])}`)],
    [1, () => `-m length ${maybeNot(random)}--length 0:${random.pick([60, 80, 100])}`],
  ])()
}

function ofTracking(drawing: Drawing): string {
  const { random, family } = drawing
  const states = ['NEW', 'ESTABLISHED', 'RELATED', 'INVALID', 'UNTRACKED']
  const address = () => addressText(family, randomAddress(drawing))
  return random.weighted<() => string>([
    [10, () => `-m conntrack ${maybeNot(random)}--ctstate ${random.some(states, 1, 3).join()}`],
    [5, () => `-m state ${maybeNot(random)}--state ${random.some(states, 1, 3).join()}`],
    [1, () => `-m conntrack --ctstate ${random.some([...states, 'DNAT', 'SNAT'], 1, 3).join()} --ctdir ORIGINAL`],
    [2, () => `-m conntrack --ctdir ${random.pick(['ORIGINAL', 'REPLY'])}`],
    [1, () => `-m conntrack ${maybeNot(random)}--ctproto ${random.pick(['6', '17', '1', '47'])}`],
    [1, () => `-m conntrack ${maybeNot(random)}--ctorigsrc ${address()}/${family === 'ip' ? 18 : 50}`],
    [1, () => `-m conntrack ${maybeNot(random)}--ctorigdst ${address()}/${family === 'ip' ? 17 : 49}`],
    [1, () => `-m conntrack ${maybeNot(random)}--ctreplsrc ${address()}`],
    [1, () => `-m conntrack ${maybeNot(random)}--ctrepldst ${address()}/${family === 'ip' ? 16 : 51}`],
    [1, () => `-m conntrack ${maybeNot(random)}--ctorigdstport ${randomPorts(random, 'closed')}`],
    [1, () => `-m conntrack ${maybeNot(random)}--ctorigsrcport ${randomPorts(random, 'closed')}`],
    [1, () => `-m conntrack --ctproto 17 ${maybeNot(random)}--ctreplsrcport ${randomPorts(random, 'closed')}`],
    [1, () => `-m conntrack --ctproto 6 ${maybeNot(random)}--ctrepldstport ${randomPorts(random, 'closed')}`],
  ])()
}

function randomTarget(drawing: Drawing, chain: string, made: readonly string[], protocol: string): string {
  const { random, table, tracking } = drawing
  // Chains lead to later ones alone: a loop cannot be loaded.
  const later = made.filter((name) => !chain.startsWith('made') || name > chain)
  return random.weighted<string>([
    [20, ''],
    [12, '-j ACCEPT'],
    [table === 'filter' ? 8 : 3, '-j DROP'],
    [later.length > 0 ? 20 : 0, `-j ${later[random.int(0, Math.max(0, later.length - 1))]}`],
    [later.length > 0 ? 7 : 0, `-g ${later[random.int(0, Math.max(0, later.length - 1))]}`],
    [8, '-j RETURN'],
    [table === 'raw' ? 15 : 0, random.pick(['-j CT --notrack', '-j NOTRACK'])],
    [table === 'raw' && tracking ? 3 : 0, '-j CT --zone 0'],
    [table === 'filter' ? 3 : 0, '-j REJECT'],
    [table === 'filter' && protocol === 'tcp' ? 2 : 0, '-j REJECT --reject-with tcp-reset'],
    [2, '-j LOG --log-prefix "seen -j DROP "'],
    [table === 'mangle' ? 4 : 0, '-j MARK --set-xmark 0x1/0xffffffff'],
  ])
}

function randomNet(drawing: Drawing): string {
  const { random, family } = drawing
  // A mask with holes is allowed, if nobody's habit.
  if (family === 'ip' && random.chance(0.02)) return `${addressText(family, randomAddress(drawing))}/255.255.0.255`
  const [shortest, longest] = family === 'ip' ? [14, 32] : [46, 128]
  const length = random.chance(0.04)
    ? random.int(1, shortest)
    : random.chance(0.3)
      ? longest
      : random.int(shortest, longest)
  return `${addressText(family, network(family, randomAddress(drawing), length)[0])}/${length}`
}

/** The host's own now and then, so that rules about them are met. */
function randomAddress({ random, family, guise }: Drawing): bigint {
  const own = random.pick(guise.own[family])
  if (random.chance(0.3)) return own
  const [first, last] = network(family, own, family === 'ip' ? 15 : 48)
  return random.big(first, last)
}

function randomInterface({ random, guise }: Drawing): string {
  return random.pick([...guise.interfaces, ...guise.interfaces, 'eth+', 'eth1+', 'w+', 'lo', 'ppp0', 'et', 'eth10+'])
}

const SOME_PORTS: readonly number[] = [0, 1, 22, 53, 80, 443, 1023, 1024, 8080, 32768, 65535]

function randomPorts(random: Random, ends: 'open' | 'closed' = 'open'): string {
  const [one, other] = [random.pick(SOME_PORTS), random.chance(0.5) ? random.pick(SOME_PORTS) : random.int(0, 65535)]
  const [least, last] = one < other ? [one, other] : [other, one]
  // iptables-legacy-save leaves out a test of all ports, even a negated one, which no packet passes.
  const first = last === 65535 ? Math.max(1, least) : least
  return random.weighted([
    [3, String(one)],
    // multiport takes no range of one port.
    [ends === 'open' || first < last ? 2 : 0, `${first}:${last}`],
    [ends === 'open' && last < 65535 ? 1 : 0, `:${last}`],
    [ends === 'open' && first > 0 ? 1 : 0, `${first}:`],
  ])
}

function maybeNot(random: Random): string {
  return random.chance(0.22) ? '! ' : ''
}
