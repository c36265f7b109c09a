import { type Matches, randomMatches } from './nft-tests.ts'
import { addressElements, interfaceNames, portElements } from './nft-values.ts'
import type { Random } from './random.ts'
import type { Guise } from './world.ts'

/** A random rule set in nft's own language, for both families. */
export function randomNftRules(random: Random, guise: Guise): string {
  const tracking = random.chance(0.8)
  const families = random.weighted<readonly TableFamily[]>([
    [5, ['inet']],
    [2, ['inet', 'inet']],
    [2, ['ip', 'ip6']],
    [1, ['inet', 'ip', 'ip6']],
  ])
  // Which of two chains at one place and priority comes first is a matter of when they were loaded.
  const taken = new Set<string>()
  return families.map((family, at) => randomTable({ random, guise, family, tracking }, `t${at}`, taken)).join('')
}

export type TableFamily = 'inet' | 'ip' | 'ip6'

export type Drawing = {
  readonly random: Random
  readonly guise: Guise
  readonly family: TableFamily
  /** Whether rules may ask for connections. */
  readonly tracking: boolean
}

/** Where a chain's rules can stand: before tracking, behind it where nft takes no reject, and in the places of filters. */
export type Stage = 'raw' | 'mid' | 'filter'

type Place = { readonly hook: string; readonly priority: number; readonly stage: Stage; readonly often: number }

/** Defragmentation stands at -400 and tracking at -200. */
const PLACES: readonly Place[] = [
  { hook: 'prerouting', priority: -300, stage: 'raw', often: 0.5 },
  { hook: 'prerouting', priority: -230, stage: 'raw', often: 0.1 },
  { hook: 'output', priority: -300, stage: 'raw', often: 0.4 },
  { hook: 'prerouting', priority: -199, stage: 'mid', often: 0.1 },
  { hook: 'prerouting', priority: -150, stage: 'mid', often: 0.4 },
  { hook: 'output', priority: -150, stage: 'mid', often: 0.2 },
  { hook: 'postrouting', priority: 0, stage: 'mid', often: 0.2 },
  { hook: 'postrouting', priority: 50, stage: 'mid', often: 0.4 },
  { hook: 'input', priority: 0, stage: 'filter', often: 0.95 },
  { hook: 'input', priority: 50, stage: 'filter', often: 0.2 },
  { hook: 'forward', priority: -150, stage: 'filter', often: 0.2 },
  { hook: 'forward', priority: 0, stage: 'filter', often: 0.9 },
  { hook: 'output', priority: 0, stage: 'filter', often: 0.7 },
]

function randomTable(drawing: Drawing, name: string, taken: Set<string>): string {
  const { random, family } = drawing
  const bases = PLACES.filter(({ often }) => random.chance(often))
  const stages = (['raw', 'mid', 'filter'] as const).filter((stage) => bases.some((base) => base.stage === stage))
  const made = Object.fromEntries(
    stages.map((stage) => [stage, Array.from({ length: random.int(1, 4) }, (_, at) => `${stage}${at}`)]),
  ) as Readonly<Partial<Record<Stage, readonly string[]>>>
  const chains = [
    ...stages.flatMap((stage) =>
      (made[stage] ?? []).map((chain, at) => {
        const later = (made[stage] ?? []).slice(at + 1)
        const rules = Array.from({ length: random.int(2, 6) }, () => randomRule(drawing, stage, later))
        return block(`chain ${chain}`, ['counter', ...rules])
      }),
    ),
    ...bases.map(({ hook, priority, stage }) => {
      let free = priority
      while (taken.has(`${hook} ${free}`)) free += 1
      taken.add(`${hook} ${free}`)
      const policy = random.chance(stage === 'filter' ? 0.35 : 0.05) ? 'drop' : 'accept'
      const head = `type filter hook ${hook} priority ${free}; policy ${policy};`
      const rules = Array.from({ length: random.int(1, 7) }, () => randomRule(drawing, stage, made[stage] ?? []))
      return block(`chain ${hook}_${free < 0 ? 'm' : ''}${Math.abs(free)}`, [head, ...rules, 'counter'])
    }),
  ]
  const maps = stages.map((stage) => randomMap(drawing, stage, made[stage] ?? []))
  return block(`table ${family} ${name}`, [...namedSets(drawing), ...maps, ...chains])
}

function randomRule(drawing: Drawing, stage: Stage, later: readonly string[]): string {
  const { random } = drawing
  const matches = randomMatches(drawing, stage)
  const log = random.chance(0.03) ? 'log prefix "seen drop " ' : ''
  // Rules that end every packet's way would leave the rest unasked.
  const end = matches.text === '' && random.chance(0.8) ? '' : randomEnd(drawing, stage, later, matches)
  // Without anything between them, nft leaves out a family before a reject.
  const counter = end !== '' && random.chance(end.startsWith('reject') ? 0.5 : 0.05) ? '' : 'counter '
  return `${matches.text} ${counter}${log}${end}`.trim()
}

function randomEnd(drawing: Drawing, stage: Stage, later: readonly string[], matches: Matches): string {
  const { random } = drawing
  const { protocol } = matches
  if (random.chance(0.22)) return verdictMap(drawing, stage, later, matches)
  return random.weighted<() => string>([
    [18, () => ''],
    [55, () => verdict(random, later)],
    [stage === 'raw' ? 16 : 0, () => 'notrack'],
    [stage === 'raw' ? 8 : 0, () => `notrack ${verdict(random, later)}`],
    [stage === 'filter' ? 3 : 0, () => 'reject'],
    [stage === 'filter' && protocol === 'tcp' ? 6 : 0, () => 'reject with tcp reset'],
    [stage === 'filter' ? (matches.header === null ? 9 : 2) : 0, () => rejectOf(drawing, matches)],
  ])()
}

function rejectOf({ random, family }: Drawing, { header }: Matches): string {
  const types = [
    header === 'ip' || header === null ? 'icmp host-prohibited' : '',
    header === 'ip6' || header === null ? 'icmpv6 no-route' : '',
    family === 'inet' ? 'icmpx host-unreachable' : '',
  ]
  return `reject with ${random.pick(types.filter((each) => each !== ''))}`
}

function verdict(random: Random, later: readonly string[]): string {
  return random.weighted<() => string>([
    [12, () => 'accept'],
    [6, () => 'drop'],
    [8, () => 'return'],
    [later.length > 0 ? 18 : 0, () => `jump ${random.pick(later)}`],
    [later.length > 0 ? 7 : 0, () => `goto ${random.pick(later)}`],
  ])()
}

/** What a map decides by, with keys that exclude each other. */
function verdictMap(drawing: Drawing, stage: Stage, later: readonly string[], matches: Matches): string {
  const { random, family } = drawing
  const { protocol, header } = matches
  const rest = () => (random.chance(0.25) ? [`* : ${mapVerdict(random, later)}`] : [])
  const by = (field: string, keys: readonly string[]) => {
    const elements = keys.map((key) => `${key} : ${mapVerdict(random, later)}`)
    return `${field} vmap { ${[...elements, ...rest()].join(', ')} }`
  }
  const port = protocol === 'tcp' || protocol === 'udp' || protocol === 'th'
  const side = () => `${protocol} ${random.pick(['dport', 'sport'])}`
  const address = (of: 'ip' | 'ip6') =>
    by(`${of} ${random.pick(['saddr', 'daddr'])}`, addressElements(drawing, of, random.int(1, 4)))
  const tracked = drawing.tracking && stage !== 'raw'
  const states = ['established', 'related', 'new', 'invalid', 'untracked']
  // A named map sends on to the last chain alone, which has none after it to be asked from.
  const named = later.length > 0
  return random.weighted<() => string>([
    [port ? 12 : 0, () => by(side(), portElements(random, random.int(1, 5)))],
    [port && named ? 6 : 0, () => `${side()} vmap @ports_${stage}`],
    [named ? 3 : 0, () => `iifname vmap @names_${stage}`],
    [3, () => by(random.pick(['iifname', 'oifname']), interfaceNames(drawing, random.int(1, 3)))],
    [tracked ? 8 : 0, () => by('ct state', random.some(states, 1, 4))],
    [tracked ? 1 : 0, () => by('ct direction', random.some(['original', 'reply'], 1, 2))],
    [protocol === '' ? 2 : 0, () => by('meta l4proto', random.some(['tcp', 'udp', 'icmp', 'ipv6-icmp', '47'], 1, 3))],
    [family === 'inet' && protocol === '' ? 1 : 0, () => by('meta nfproto', random.some(['ipv4', 'ipv6'], 1, 2))],
    [header === 'ip' ? 3 : 0, () => address('ip')],
    [header === 'ip6' ? 3 : 0, () => address('ip6')],
    [
      protocol === 'tcp' ? 1 : 0,
      () => by('tcp flags', random.some(['syn', 'ack', 'syn | ack', 'psh | ack', 'rst'], 1, 3)),
    ],
    [protocol === 'icmp' ? 3 : 0, () => by('icmp type', random.some(['echo-request', '3', '11', '13', '200'], 1, 3))],
    [protocol === 'icmpv6' ? 3 : 0, () => by('icmpv6 type', random.some(['echo-request', '1', '3', '137'], 1, 3))],
    [1, () => verdict(random, later)],
  ])()
}

function mapVerdict(random: Random, later: readonly string[]): string {
  return random.chance(0.1) ? 'continue' : verdict(random, later)
}

function randomMap(drawing: Drawing, stage: Stage, made: readonly string[]): string {
  const { random } = drawing
  const elements = (keys: readonly string[]) =>
    `elements = { ${keys.map((key) => `${key} : ${mapVerdict(random, made.slice(-1))}`).join(', ')} }`
  return [
    block(`map ports_${stage}`, ['type inet_service : verdict', 'flags interval', elements(portElements(random, 4))]),
    block(`map names_${stage}`, ['type ifname : verdict', elements(interfaceNames(drawing, 2, 'whole'))]),
  ].join('')
}

/** The model leaves open what is in a set that has a name. */
function namedSets(drawing: Drawing): readonly string[] {
  const { random } = drawing
  const list = (elements: readonly string[]) => `elements = { ${elements.join(', ')} }`
  return [
    block('set ports', ['type inet_service', 'flags interval', list(portElements(random, 4))]),
    block('set of_ip', ['type ipv4_addr', 'flags interval', list(addressElements(drawing, 'ip', 3))]),
    block('set of_ip6', ['type ipv6_addr', 'flags interval', list(addressElements(drawing, 'ip6', 3))]),
  ]
}

function block(head: string, lines: readonly string[]): string {
  return `${head} {\n${lines.join('\n')}\n}\n`
}
