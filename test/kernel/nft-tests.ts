import { addressText, network } from './addresses.ts'
import type { Drawing, Stage } from './nft-rule-sets.ts'
import { trackingPortTests, trackingTest } from './nft-tracking-tests.ts'
import {
  addressElements,
  asked,
  interfaceNames,
  list,
  portElements,
  quoted,
  randomAddress,
  SOME_PORTS,
} from './nft-values.ts'
import type { Random } from './random.ts'

/** The tests of one rule, and what protocols they speak of already, since nft takes one of each layer alone. */
export type Matches = { readonly text: string; readonly protocol: string; readonly header: Header }

/** `both`: the family is asked about otherwise. */
export type Header = 'ip' | 'ip6' | 'both' | null

export function randomMatches(drawing: Drawing, stage: Stage): Matches {
  const { random } = drawing
  const protocol = random.weighted([
    [6, ''],
    [7, 'tcp'],
    [4, 'udp'],
    [2, 'th'],
    [3, random.pick(['icmp', 'icmpv6'].filter((each) => drawing.family !== (each === 'icmp' ? 'ip6' : 'ip')))],
    [1, 'other'],
  ])
  const header = headerFor(drawing, protocol)
  const named = header === 'ip' || header === 'ip6'
  const others = [
    named && random.chance(0.4) ? addressTest(drawing, header, 'saddr') : '',
    named && random.chance(0.35) ? addressTest(drawing, header, 'daddr') : '',
    random.chance(0.2) ? interfaceTest(drawing, random.pick(['iifname', 'iifname', 'iif'])) : '',
    random.chance(0.15) ? interfaceTest(drawing, random.pick(['oifname', 'oifname', 'oif'])) : '',
    header === 'both' ? familyTest(random) : '',
    random.chance(0.08) ? typeTest(random) : '',
    named && PORTED.has(protocol) && random.chance(0.06) ? pairTest(drawing, header, protocol) : '',
    random.chance(0.01) ? random.pick(['meta length < 70', 'meta pkttype host', 'meta mark 0']) : '',
    drawing.tracking && stage !== 'raw' && random.chance(0.35) ? trackingTest(drawing, header, protocol) : '',
  ].filter((part) => part !== '')
  // What asks for much is met by few packets.
  const kept = random.chance(0.5) ? random.some(others, 0, 1) : others
  const parts = [...kept, ...protocolTests(drawing, protocol, header)]
  const inAnyOrder = random.some(parts, parts.length, parts.length)
  const text = [...inAnyOrder, ...trackingPortTests(drawing, stage, protocol)].join(' ')
  const spoken = header === null && / ip6? /.test(text) ? 'both' : header
  return { text, protocol: protocol === 'other' ? 'any' : protocol, header: spoken }
}

/** Whose addresses a rule may name. */
function headerFor({ random, family }: Drawing, protocol: string): Header {
  if (family !== 'inet') return family
  if (protocol === 'icmp') return 'ip'
  if (protocol === 'icmpv6') return 'ip6'
  return random.weighted<Header>([
    [5, null],
    [1, 'both'],
    [3, 'ip'],
    [3, 'ip6'],
  ])
}

function addressTest(drawing: Drawing, header: 'ip' | 'ip6', side: 'saddr' | 'daddr'): string {
  const { random } = drawing
  const [shortest, longest] = header === 'ip' ? [14, 32] : [46, 128]
  const prefix = () => {
    const length = random.chance(0.05) ? random.int(1, shortest) : random.int(shortest, longest - 1)
    return `${addressText(header, network(header, randomAddress(drawing, header), length)[0])}/${length}`
  }
  return asked(random, `${header} ${side}`, [
    [4, () => addressText(header, randomAddress(drawing, header))],
    [5, prefix],
    [2, () => addressElements(drawing, header, 1)[0] as string],
    [3, () => list(addressElements(drawing, header, random.int(2, 4)))],
    [0.4, () => `@of_${header}`],
  ])
}

function interfaceTest(drawing: Drawing, key: string): string {
  const { random, guise } = drawing
  // By number, and so of one that is there.
  if (key === 'iif' || key === 'oif')
    return asked(random, key, [[1, () => quoted(random.pick(['lo', ...guise.interfaces]))]])
  return asked(random, key, [
    [4, () => quoted(random.pick(guise.interfaces))],
    [3, () => quoted(random.pick(['eth*', 'eth1*', 'w*', 'lo', 'ppp0', 'et', 'eth10*']))],
    [2, () => list(interfaceNames(drawing, 3))],
  ])
}

function familyTest(random: Random): string {
  return random.pick([
    asked(random, 'meta nfproto', [[1, () => random.pick(['ipv4', 'ipv6'])]]),
    asked(random, 'meta protocol', [[1, () => random.pick(['ip', 'ip6'])]]),
    asked(random, 'meta nfproto', [[1, () => list(['ipv4', 'ipv6'])]]),
  ])
}

function typeTest(random: Random): string {
  return asked(random, `fib ${random.pick(['daddr', 'daddr', 'saddr'])} type`, [
    [6, () => 'local'],
    [0.3, () => random.pick(['unicast', 'multicast', 'broadcast'])],
    [0.5, () => list(['local', random.pick(['unicast', 'multicast', 'broadcast'])])],
  ])
}

/** The model leaves open which pairs are in a set, but not whose they are. */
function pairTest(drawing: Drawing, header: 'ip' | 'ip6', protocol: string): string {
  const { random } = drawing
  const pairs = addressElements(drawing, header, 2).map((each) => `${each} . ${portElements(random, 1)[0]}`)
  return asked(random, `${header} saddr . ${protocol} dport`, [[1, () => list(pairs)]])
}

const PORTED: ReadonlySet<string> = new Set(['tcp', 'udp'])

function protocolTests(drawing: Drawing, protocol: string, header: Header): readonly string[] {
  const { random } = drawing
  switch (protocol) {
    case '':
      return random.chance(0.12) ? [numberTest(random, 'meta l4proto', header)] : []
    case 'other':
      return [numberTest(random, random.pick(['meta l4proto', ...NUMBER_FIELDS[header ?? 'both']]), header)]
    case 'icmp':
    case 'icmpv6':
      return [icmpTest(random, protocol)]
    case 'th': {
      const guard = random.chance(0.85) ? [`meta l4proto ${random.pick(['{ tcp, udp }', 'tcp', 'udp'])}`] : []
      return [[...guard, ...portTests(random, protocol)].join(' ')]
    }
    default: {
      const tests = [
        ...portTests(random, protocol),
        ...(protocol === 'tcp' && random.chance(0.3) ? [flagTest(random)] : []),
      ]
      return tests.length > 0 ? tests : [`meta l4proto ${protocol}`]
    }
  }
}

/** Of IPv6 the first header alone, which may be a fragment's. */
const NUMBER_FIELDS = { ip: ['ip protocol'], ip6: ['ip6 nexthdr'], both: [] } as const

function numberTest(random: Random, field: string, header: Header): string {
  // Beside a family, nft 1.0.6 lists ICMP's number alone; only a packet of the other family's ICMP would tell.
  const icmp = header === 'both' ? [] : field === 'ip protocol' ? ['icmp'] : ['icmp', 'ipv6-icmp']
  const names = ['tcp', 'udp', '47', 'esp', '89', '112', '253', ...icmp]
  return asked(random, field, [
    [3, () => random.pick(names)],
    [2, () => list(random.some(names, 2, 4))],
    [0.3, () => '6-17'],
  ])
}

/**
 * At most one test that compares: nft 1.0.6 lists `tcp sport >= 1024 tcp dport <= 2000`, and what else borders on each other so,
 * as one range of the latter.
 */
function portTests(random: Random, protocol: string): readonly string[] {
  const sides = random.weighted<readonly string[]>([
    [5, ['dport']],
    [3, ['sport']],
    [2, ['dport', 'sport']],
    [protocol === 'th' ? 0 : 1.5, []],
  ])
  const [first, second] = sides
  if (first === undefined) return []
  if (random.chance(0.2)) {
    const compared = `${protocol} ${first} ${random.pick(['<', '<=', '>', '>='])} ${random.pick([1, 53, 1024, 32768])}`
    return [compared, ...(second === undefined ? [] : [`${protocol} ${second} ${port(random)}`])]
  }
  // nft 1.0.6 makes one test of two like these.
  if (second !== undefined && random.chance(0.15)) return sides.map((side) => `${protocol} ${side} != ${port(random)}`)
  return sides.map((side) =>
    asked(random, `${protocol} ${side}`, [
      [4, () => portElements(random, 1)[0] as string],
      [3, () => list(portElements(random, random.int(2, 5)))],
      [0.2, () => '@ports'],
    ]),
  )
}

function port(random: Random): number {
  return random.chance(0.5) ? random.pick(SOME_PORTS) : random.int(0, 65535)
}

function flagTest(random: Random): string {
  const names = ['fin', 'syn', 'rst', 'psh', 'ack', 'urg', 'ecn', 'cwr']
  const usual = names.slice(0, 6)
  const some = (most: number, by: string) => random.some(usual, 1, most).join(by)
  const mask = () => random.some(usual, 1, 5)
  const within = (of: readonly string[], by: string) => random.some(of, 1, 3).join(by)
  const not = random.chance(0.3) ? '!=' : '=='
  return random.weighted<() => string>([
    [3, () => `tcp flags & (fin|syn|rst|ack) ${not} syn`],
    [2, () => `tcp flags & (syn|ack) ${not} ${random.pick(['syn', 'syn|ack', '0', 'ack'])}`],
    [2, () => `tcp flags ${some(3, ',')}`],
    [1, () => `tcp flags ! ${some(2, ',')}`],
    [2, () => `tcp flags == ${random.pick(names)}`],
    [1, () => `tcp flags ${not} ${some(3, '|')}`],
    [0.5, () => `tcp flags { syn, ${random.pick(['ack', 'syn|ack', 'psh|ack'])} }`],
    [0.3, () => `tcp flags != { syn, ack }`],
    [1, () => `tcp flags & ${random.pick(names)} != 0`],
    [0.5, () => `tcp flags & (${mask().join('|')}) > 0`],
    [0.5, () => `tcp flags & (syn|ack) ${not} { syn, ack }`],
    [
      2,
      () => {
        const of = mask()
        return `tcp flags & (${of.join('|')}) ${not} ${random.chance(0.2) ? '0' : within(of, '|')}`
      },
    ],
    [
      2,
      () => {
        const of = random.some(usual, 2, 5)
        return `tcp flags ${not === '!=' ? '!= ' : ''}${within(of, ',')} / ${of.join(',')}`
      },
    ],
  ])()
}

function icmpTest(random: Random, protocol: 'icmp' | 'icmpv6'): string {
  const types =
    protocol === 'icmp'
      ? ['echo-request', 'echo-reply', 'destination-unreachable', '5', '11', '12', '13', '200']
      : ['echo-request', 'echo-reply', '1', '2', '3', '4', 'nd-neighbor-solicit', 'nd-redirect', '200']
  return asked(random, `${protocol} type`, [
    [4, () => random.pick(types)],
    [3, () => list(random.some(types, 2, 4))],
    [0.5, () => '3-8'],
  ])
}
