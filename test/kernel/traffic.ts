import { icmpTypeOf } from '../../src/firewall/icmp.ts'
import type { Family, Rule, RuleSet } from '../../src/firewall/rules.ts'
import { addressRanges, interfaceIn, portRanges } from '../../src/firewall/space.ts'
import { addressOf, BITS, isPlainUnicast, network } from './addresses.ts'
import { type Body, type Datagram, FLAGS, type Flag, STRANGERS } from './datagram.ts'
import { LOOPBACK, type Shot } from './predict.ts'
import type { Random } from './random.ts'
import { keyOf, replyKeyOf } from './tracking.ts'
import type { Guise } from './world.ts'

/** Packets that belong together, in their order; most flows are of one packet. */
export type Flow = readonly Shot[]

/** Random flows, none of them another's, with fields at and around the borders that rules name. */
export function randomFlows(
  random: Random,
  rules: RuleSet,
  guise: Guise,
  wanted: { readonly packets: number; readonly pieces: boolean },
): readonly Flow[] {
  const { family } = rules
  const all = rules.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules))
  const taken = new Set<string>()
  const flows: Flow[] = []
  for (let packets = 0, tries = 0; packets < wanted.packets && tries < wanted.packets * 20; tries += 1) {
    // Two rules' wishes in one packet: what one names may well be what the other is asked about.
    const aims = random.some(all, 0, 2).map(aimOf)
    const first = firstShot({ random, guise, family, aims, pieces: wanted.pieces })
    const keys = [keyOf(first.datagram), replyKeyOf(first.datagram)]
    if (keys.some((key) => taken.has(key))) continue
    for (const key of keys) taken.add(key)
    const flow = [first, ...laterShots(random, guise, first)]
    flows.push(flow)
    packets += flow.length
  }
  return flows
}

/** What would make one rule match, as far as a test says it plainly. */
type Aim = ReadonlyMap<string, readonly string[]>

type Drawing = {
  readonly random: Random
  readonly guise: Guise
  readonly family: Family
  readonly aims: readonly Aim[]
  readonly pieces: boolean
}

function aimOf({ matches }: Rule): Aim {
  return new Map(matches.flatMap(({ tests }) => tests.map(({ option, values }) => [option, values] as const)))
}

function firstShot(drawing: Drawing): Shot {
  const { random, guise, family, pieces } = drawing
  const way = random.weighted<'in' | 'forward' | 'out' | 'lo'>([
    [40, 'in'],
    [35, 'forward'],
    [15, 'out'],
    [10, 'lo'],
  ])
  const ours = (side: Side) => {
    // To ::1 a reset finds its way whatever the routes are.
    const loopback = way === 'lo' && (family === 'ip' || side === 'destination') ? [LOOPBACK[family]] : []
    const own = [...guise.own[family], ...loopback]
    const wished = wishedAddresses(drawing, side).filter((each) => own.includes(each))
    return random.pick([...own, ...wished, ...wished])
  }
  const theirs = (side: Side) => foreign(drawing, side)
  const ends = {
    in: () => ({ source: theirs('source'), destination: ours('destination') }),
    forward: () => ({ source: theirs('source'), destination: theirs('destination') }),
    out: () => ({ source: random.chance(0.8) ? ours('source') : theirs('source'), destination: theirs('destination') }),
    lo: () => ({ source: ours('source'), destination: ours('destination') }),
  }[way]()
  const ttl = random.weighted([
    [20, 64],
    [3, 255],
    [1, 2],
    [1, 1],
  ])
  const drawn = randomBody(drawing)
  // Over lo, answers between such ports would find a way.
  const stray = way === 'lo' && 'sourcePort' in drawn && EDGES.has(drawn.sourcePort) && EDGES.has(drawn.destinationPort)
  const datagram: Datagram = { family, ...ends, ttl, body: stray ? { ...drawn, sourcePort: 1 } : drawn }
  const wire = way === 'in' || way === 'forward'
  const named = ['in', 'out'].flatMap((option) => wishes(drawing, option))
  const fit = guise.interfaces.filter((name) => named.some((pattern) => interfaceIn(name, pattern)))
  const at = random.pick(fit.length > 0 && random.chance(0.6) ? fit : guise.interfaces)
  return {
    datagram,
    from: wire ? 'wire' : 'host',
    interface: way === 'lo' ? 'lo' : at,
    pieces: wire && pieces && random.chance(0.12) ? random.pick(['two', 'later']) : 'whole',
  }
}

const EDGES: ReadonlySet<number> = new Set([0, 65535])

/** An answer and what follows it, or an error about the first packet. */
function laterShots(random: Random, guise: Guise, first: Shot): readonly Shot[] {
  const { datagram } = first
  const { body, family, source, destination } = datagram
  if (first.interface === 'lo' || first.pieces !== 'whole' || !random.chance(0.15)) return []
  const back = { ...datagram, ttl: 64, source: destination, destination: source }
  const comesBack = (answer: Datagram): readonly Shot[] => {
    const fromHost = guise.own[family].includes(answer.source)
    return [{ datagram: answer, from: fromHost ? 'host' : 'wire', interface: first.interface, pieces: 'whole' }]
  }
  if (body.protocol === 'udp' || (body.protocol === 'tcp' && random.chance(0.2))) {
    if (body.protocol === 'udp' && random.chance(0.6)) {
      const answer = { ...back, body: { ...body, sourcePort: body.destinationPort, destinationPort: body.sourcePort } }
      return [...comesBack(answer), ...(random.chance(0.5) ? [first] : [])]
    }
    const type = family === 'ip' ? 3 : 1
    const error: Body = { protocol: 'icmp', type, code: random.int(0, 3), id: 0, about: datagram }
    return comesBack({ ...back, body: error })
  }
  if (body.protocol !== 'tcp' || body.flags.join() !== 'SYN') return []
  const turned = { sourcePort: body.destinationPort, destinationPort: body.sourcePort }
  const begun: Body = { protocol: 'tcp', ...turned, flags: ['SYN', 'ACK'], seq: 5000, ack: body.seq + 1 }
  const ack: Body = { ...body, flags: ['ACK'], seq: body.seq + 1, ack: 5001 }
  const data: Body = { ...ack, flags: ['PSH', 'ACK'] }
  return [
    ...comesBack({ ...back, body: begun }),
    { ...first, datagram: { ...datagram, body: ack } },
    { ...first, datagram: { ...datagram, body: data } },
  ]
}

type Side = 'source' | 'destination'
const ADDRESS_OPTIONS: Readonly<Record<Side, readonly string[]>> = {
  source: ['source', 'src-range', 'ctorigsrc', 'ctrepldst'],
  destination: ['destination', 'dst-range', 'ctorigdst', 'ctreplsrc'],
}
const PORT_OPTIONS: Readonly<Record<Side, readonly string[]>> = {
  source: ['sport', 'sports', 'ports', 'ctorigsrcport', 'ctrepldstport'],
  destination: ['dport', 'dports', 'ports', 'ctorigdstport', 'ctreplsrcport'],
}
const REMOTE: Readonly<Record<Family, readonly [base: bigint, length: number]>> = {
  ip: [addressOf('198.18.0.0'), 15],
  ip6: [addressOf('fd00:198:18::'), 48],
}

function wishes({ aims }: Drawing, option: string): readonly string[] {
  return aims.flatMap((aim) => aim.get(option) ?? [])
}

function wishedAddresses(drawing: Drawing, side: Side): readonly bigint[] {
  const { random, family } = drawing
  const most = (1n << BigInt(BITS[family])) - 1n
  return ADDRESS_OPTIONS[side]
    .flatMap((option) => wishes(drawing, option))
    .flatMap((value) => addressRanges(value, family) ?? [])
    .flatMap(([first, last]) => [first, last, random.big(first, last), random.big(first, last), first - 1n, last + 1n])
    .filter((each) => each >= 0n && each <= most)
}

/** An address that is not the host's and that it takes from a wire. */
function foreign(drawing: Drawing, side: Side): bigint {
  const { random, family, guise } = drawing
  const good = (address: bigint) => isPlainUnicast(family, address) && !guise.own[family].includes(address)
  const wished = wishedAddresses(drawing, side).filter(good)
  if (wished.length > 0 && random.chance(0.8)) return random.pick(wished)
  const [first, last] = network(family, ...REMOTE[family])
  for (;;) {
    const address = random.big(first, last)
    if (good(address)) return address
  }
}

function port(drawing: Drawing, side: Side): number {
  const { random } = drawing
  const wished = PORT_OPTIONS[side]
    .flatMap((option) => wishes(drawing, option))
    .flatMap((value) => portRanges(value) ?? [])
    .flatMap(([first, last]) => [first, last, random.int(first, last), first - 1, last + 1])
    .filter((each) => each >= 0 && each <= 65535)
  return wished.length > 0 && random.chance(0.8) ? random.pick(wished) : random.int(0, 65535)
}

function randomBody(drawing: Drawing): Body {
  const { random, family, aims } = drawing
  const protocols = wishes(drawing, 'protocol')
  const named = protocols.length === 0 ? undefined : random.pick(protocols)
  const icmp = aims.some((aim) => aim.has('icmp-type') || aim.has('icmpv6-type')) || named?.includes('icmp') === true
  const kind =
    named !== undefined && random.chance(0.85)
      ? icmp
        ? 'icmp'
        : named
      : random.pick(['tcp', 'tcp', 'udp', 'icmp', 'other'])
  if (kind === 'tcp') {
    const ports = { sourcePort: port(drawing, 'source'), destinationPort: port(drawing, 'destination') }
    return { protocol: 'tcp', ...ports, flags: randomFlags(drawing), seq: random.int(1, 0x7fffffff), ack: 0 }
  }
  if (kind === 'udp') {
    return { protocol: 'udp', sourcePort: port(drawing, 'source'), destinationPort: port(drawing, 'destination') }
  }
  if (kind === 'icmp') return randomIcmp(drawing)
  const number = PROTOCOLS.find(([name, value]) => name === kind || String(value) === kind)?.[1]
  return { protocol: number ?? (random.chance(0.1) ? STRANGERS[family] : random.pick(PROTOCOLS)[1]) }
}

/** None that the kernel tracks in a way of its own, or that IPv6 takes for one of its extension headers. */
export const PROTOCOLS: readonly (readonly [name: string, number: number])[] = [
  ['gre', 47],
  ['esp', 50],
  ['ospf', 89],
  ['vrrp', 112],
  ['253', 253],
]

function randomFlags(drawing: Drawing): readonly Flag[] {
  const { random } = drawing
  if (random.chance(0.45)) return ['SYN']
  const [mask, set] = wishes(drawing, 'tcp-flags')
    .slice(0, 2)
    .map((list) => list.toUpperCase().split(','))
  const noise = FLAGS.filter(() => random.chance(0.3))
  if (mask === undefined || set === undefined) {
    return random.weighted<readonly Flag[]>([
      [3, ['ACK']],
      [1, ['PSH', 'ACK']],
      [1, ['SYN', 'ACK']],
      [1, ['RST']],
      [1, ['FIN', 'ACK']],
      [1, []],
      [3, noise],
    ])
  }
  const asked = (flag: Flag) => mask.includes(flag) || mask.includes('ALL')
  // What iptables calls all of them are the first six.
  const all = FLAGS.slice(0, 6)
  return FLAGS.filter((flag) =>
    asked(flag) && (all.includes(flag) || mask.includes(flag))
      ? set.includes(flag) || (set.includes('ALL') && all.includes(flag))
      : noise.includes(flag),
  )
}

function randomIcmp(drawing: Drawing): Body {
  const { random, family } = drawing
  const wished = [...wishes(drawing, 'icmp-type'), ...wishes(drawing, 'icmpv6-type')].flatMap((value) => {
    const found = icmpTypeOf(value, family)
    return found === null || found === 'any' ? [] : [found]
  })
  const { type, code } = wished.length > 0 && random.chance(0.8) ? random.pick(wished) : { type: null, code: null }
  const known = family === 'ip' ? [0, 3, 5, 8, 11, 12, 13, 17] : [1, 2, 3, 4, 128, 129, 133, 135, 137]
  return {
    protocol: 'icmp',
    type: type === null || type > 254 ? random.pick(known) : type,
    code: code === null || random.chance(0.3) ? random.int(0, 5) : code,
    id: random.int(0, 65535),
    about: null,
  }
}
