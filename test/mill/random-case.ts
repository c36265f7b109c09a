import type { Service } from '../../src/firewall/packet.ts'
import type { Family } from '../../src/firewall/rules.ts'
import { type Dice, diceFrom } from './dice.ts'
import type { Case } from './mill.ts'
import { randomNftSet } from './random-nft.ts'
import { acceptOf, randomRule, type Spot, statesOf } from './random-rule.ts'
import type { Kind, Loaded } from './rule-kinds.ts'
import { PLAIN } from './world.ts'

/** A rule set as somebody might have written it, with the odd rule that nobody would; the seed settles all of it. */
export function randomCase(seed: number): Case {
  const dice = diceFrom(seed)
  const chosen = dice.weighted<Service>([
    [60, { protocol: 'tcp', port: 8080 }],
    [6, { protocol: 'tcp', port: 22 }],
    [4, { protocol: 'tcp', port: 53 }],
    [15, { protocol: 'udp', port: 8080 }],
    [8, { protocol: 'udp', port: 53 }],
    [7, { protocol: 'udp', port: 123 }],
  ])
  const service: Service = dice.chance(20) ? { ...chosen, forwarded: true } : chosen
  const kinds = dice.weighted<readonly Kind[]>([
    [30, ['legacy']],
    [30, ['nft']],
    [5, ['nft', 'legacy']],
    [25, ['native']],
    [7, ['nft', 'native']],
    [3, ['legacy', 'native']],
  ])
  const families: readonly Family[] = dice.chance(75) ? ['ip', 'ip6'] : ['ip']
  const rules = kinds.flatMap((kind): readonly Loaded[] =>
    kind === 'native'
      ? [{ kind, family: 'inet', text: randomNftSet(dice, service, { beside: kinds.length > 1 }) }]
      : families.map((family) => ({ kind, family, text: ruleSet(dice, family, service) })),
  )
  return {
    name: `random set ${seed}`,
    rules,
    service,
    other: 8081,
    guise: PLAIN,
    withSessions: seed % 5 === 0,
    rerun: `npx tsx test/mill/cli.ts --seed ${seed}`,
  }
}

type Of = Omit<Spot, 'table' | 'sees' | 'below'>

function ruleSet(dice: Dice, family: Family, service: Service): string {
  const of: Of = { family, service, other: 8081 }
  return [
    filterTable(dice, of),
    ...(dice.chance(22) ? [sideTable(dice, of, 'raw')] : []),
    ...(dice.chance(22) ? [sideTable(dice, of, 'mangle')] : []),
    ...(dice.chance(8) ? [sideTable(dice, of, 'security')] : []),
    ...(dice.chance(14) ? [sideTable(dice, of, 'nat')] : []),
  ].join('')
}

const OWN_CHAINS = ['IN', 'CHECKS', 'SERVICES'] as const

function filterTable(dice: Dice, of: Of): string {
  const own = OWN_CHAINS.slice(0, dice.under(OWN_CHAINS.length + 1))
  const spot = (sees: Spot['sees'], below: readonly string[]): Spot => ({ ...of, table: 'filter', sees, below })
  const rules = [
    ...inputChain(dice, spot('in', own)).map((rule) => `INPUT ${rule}`),
    ...forwardChain(dice, spot('both', own)).map((rule) => `FORWARD ${rule}`),
    ...outputChain(dice, spot('out', own)).map((rule) => `OUTPUT ${rule}`),
    // Calls go down the list only, so that no chain comes back to itself.
    ...own.flatMap((chain, at) => ownChain(dice, spot('in', own.slice(at + 1))).map((rule) => `${chain} ${rule}`)),
  ]
  const policies = [
    `:INPUT ${dice.chance(65) ? 'DROP' : 'ACCEPT'} [0:0]`,
    `:FORWARD ${dice.chance(40) ? 'DROP' : 'ACCEPT'} [0:0]`,
    `:OUTPUT ${dice.chance(25) ? 'DROP' : 'ACCEPT'} [0:0]`,
  ]
  return table('filter', [...policies, ...own.map((chain) => `:${chain} - [0:0]`)], rules)
}

function inputChain(dice: Dice, spot: Spot): readonly string[] {
  const usual = [
    dice.chance(75) ? '-i lo -j ACCEPT' : '',
    dice.chance(80) ? `${statesOf(dice, dice.chance(75) ? 'RELATED,ESTABLISHED' : 'ESTABLISHED')} -j ACCEPT` : '',
    dice.chance(40) ? `${statesOf(dice, 'INVALID')} -j DROP` : '',
    dice.chance(15) ? `-p tcp -m tcp ! --tcp-flags FIN,SYN,RST,ACK SYN ${statesOf(dice, 'NEW')} -j DROP` : '',
    dice.chance(50) ? `-p ${spot.family === 'ip' ? 'icmp' : 'ipv6-icmp'} -j ACCEPT` : '',
    dice.chance(60) ? `-p tcp -m tcp --dport 22 ${dice.chance(50) ? statesOf(dice, 'NEW') : ''} -j ACCEPT` : '',
    dice.chance(72) ? `${acceptOf(dice, spot)} ${accepting(dice, spot)}` : '',
    dice.chance(20) ? `-p tcp -j REJECT --reject-with tcp-reset` : '',
  ]
  return stirred(dice, usual, spot)
}

function accepting(dice: Dice, { below }: Spot): string {
  const [chain] = below
  return chain !== undefined && dice.chance(35) ? `-j ${dice.pick([chain, ...below])}` : '-j ACCEPT'
}

function outputChain(dice: Dice, spot: Spot): readonly string[] {
  const usual = [
    dice.chance(50) ? '-o lo -j ACCEPT' : '',
    dice.chance(60)
      ? `${statesOf(dice, dice.pick(['RELATED,ESTABLISHED', 'NEW,RELATED,ESTABLISHED', 'ESTABLISHED']))} -j ACCEPT`
      : '',
    dice.chance(15) ? `${statesOf(dice, 'INVALID')} -j DROP` : '',
  ]
  return dice.chance(40) ? [] : stirred(dice, usual, { ...spot, below: dice.chance(20) ? spot.below : [] })
}

function forwardChain(dice: Dice, spot: Spot): readonly string[] {
  const { forwarded, protocol, port } = spot.service
  const usual = [
    dice.chance(60) ? `${statesOf(dice, 'RELATED,ESTABLISHED')} -j ACCEPT` : '',
    dice.chance(15) ? `${statesOf(dice, 'INVALID')} -j DROP` : '',
    forwarded && dice.chance(65) ? `${acceptOf(dice, spot)} ${accepting(dice, spot)}` : '',
    forwarded && dice.chance(20)
      ? `-p ${protocol} -m ${protocol} --sport ${port} -j ${dice.pick(['ACCEPT', 'DROP'])}`
      : '',
    dice.chance(forwarded ? 30 : 50) ? '-i eth0 -o eth1 -j ACCEPT' : '',
  ]
  return dice.chance(35) ? [] : stirred(dice, usual, { ...spot, below: dice.chance(20) ? spot.below : [] })
}

function ownChain(dice: Dice, spot: Spot): readonly string[] {
  const usual = [dice.chance(60) ? `${acceptOf(dice, spot)} -j ACCEPT` : '', dice.chance(15) ? '-j DROP' : '']
  return stirred(dice, usual, spot)
}

/** The usual rules in their usual order, with up to three of any kind anywhere between them. */
function stirred(dice: Dice, usual: readonly string[], spot: Spot): readonly string[] {
  const rules = usual.filter((each) => each !== '').map((each) => each.replace(/ {2,}/g, ' '))
  for (
    let more = dice.weighted([
      [35, 0],
      [35, 1],
      [20, 2],
      [10, 3],
    ]);
    more > 0;
    more -= 1
  ) {
    rules.splice(dice.under(rules.length + 1), 0, randomRule(dice, spot))
  }
  return rules
}

const SIDE_CHAINS = {
  raw: [
    ['PREROUTING', 'in'],
    ['OUTPUT', 'out'],
  ],
  mangle: [
    ['PREROUTING', 'in'],
    ['INPUT', 'in'],
    ['FORWARD', 'both'],
    ['OUTPUT', 'out'],
    ['POSTROUTING', 'out'],
  ],
  security: [
    ['INPUT', 'in'],
    ['OUTPUT', 'out'],
  ],
  nat: [
    ['PREROUTING', 'in'],
    ['OUTPUT', 'in'],
    ['POSTROUTING', 'out'],
  ],
} as const

function sideTable(dice: Dice, of: Of, name: keyof typeof SIDE_CHAINS): string {
  const { service } = of
  const rules = SIDE_CHAINS[name].flatMap(([chain, sees]) => {
    const spot: Spot = { ...of, table: name, sees, below: [] }
    const some = Array.from(
      {
        length: dice.weighted([
          [50, 0],
          [35, 1],
          [15, 2],
        ]),
      },
      () => randomRule(dice, spot),
    )
    // nat sees no interface that a packet has not met yet.
    return some.map((rule) => `${chain} ${name === 'nat' ? rule.replace(/(! )?-[io] \S+ ?/, '') : rule}`)
  })
  const own =
    name === 'raw' && dice.chance(40)
      ? [
          `PREROUTING -p ${service.protocol} -m ${service.protocol} --dport ${service.port} -j CT --notrack`,
          ...(dice.chance(60)
            ? [`OUTPUT -p ${service.protocol} -m ${service.protocol} --sport ${service.port} -j NOTRACK`]
            : []),
        ]
      : []
  const policies = SIDE_CHAINS[name].map(([chain]) => `:${chain} ACCEPT [0:0]`)
  return table(name, policies, [...own, ...rules])
}

function table(name: string, heads: readonly string[], rules: readonly string[]): string {
  return `${[`*${name}`, ...heads, ...rules.map((rule) => `-A ${rule}`), 'COMMIT'].join('\n')}\n`
}
