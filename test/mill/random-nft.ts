import type { Service } from '../../src/firewall/packet.ts'
import type { Dice } from './dice.ts'
import {
  type NftSpot,
  nftAcceptOf,
  randomNftRule,
  rejection,
  stateMap,
  statesOf,
  type TableFamily,
} from './random-nft-rule.ts'

/**
 * A rule set in nft's own language, as somebody might have written it, with the odd rule that nobody would. Each rule has a
 * line of its own, four spaces in.
 * @param beside it stands beside rules of iptables, whose tables it leaves alone.
 */
export function randomNftSet(dice: Dice, service: Service, { beside }: { readonly beside: boolean }): string {
  const families = dice.weighted<readonly TableFamily[]>([
    [60, ['inet']],
    [18, ['ip', 'ip6']],
    [10, ['inet', 'inet']],
    [6, ['inet', 'ip']],
    [6, ['ip']],
  ])
  return families
    .map((family, at) => {
      const usual = beside || family !== 'inet' ? 'fw' : dice.pick(['filter', 'filter', 'fw'])
      return table(
        { dice, family, service },
        at === 0 || families.length > at + 1 || family === 'ip6' ? usual : 'more',
        at,
      )
    })
    .join('')
}

type Drawn = { readonly dice: Dice; readonly family: TableFamily; readonly service: Service }

const OWN_CHAINS = ['checks', 'services', 'more_checks'] as const

function table(drawn: Drawn, name: string, at: number): string {
  const { dice, family, service } = drawn
  const own = OWN_CHAINS.slice(0, dice.under(OWN_CHAINS.length + 1))
  const spot = (stage: NftSpot['stage'], sees: NftSpot['sees'], below: readonly string[] = []): NftSpot => ({
    family,
    service,
    other: 8081,
    stage,
    sees,
    below,
  })
  const chains = [
    ...(dice.chance(22)
      ? [
          base('prerouting', -300, 'accept', [
            ...theirNotrack(dice, service, 'dport'),
            ...some(dice, spot('raw', 'in')),
          ]),
          ...(dice.chance(60)
            ? [
                base('output', -300, 'accept', [
                  ...theirNotrack(dice, service, 'sport'),
                  ...some(dice, spot('raw', 'out')),
                ]),
              ]
            : []),
        ]
      : []),
    ...(dice.chance(15) ? [base('prerouting', -150, 'accept', some(dice, spot('mangle', 'in')))] : []),
    ...(dice.chance(8) ? [base('postrouting', 0, 'accept', some(dice, spot('mangle', 'out')))] : []),
    ...filterChains(dice, spot, own, at === 0 ? 0 : dice.pick([0, -1, 10])),
    ...(dice.chance(at === 0 ? 9 : 0) ? natChains(dice, service) : []),
    // Jumps go down the list only, so that no chain comes back to itself.
    ...own.map((chain, index) => block(chain, ownChain(dice, spot('filter', 'in', own.slice(index + 1))))),
  ]
  return `table ${family} ${name} {\n${[...sets(drawn, own.at(-1)), ...chains].join('\n')}\n}\n`
}

function filterChains(
  dice: Dice,
  spot: (stage: 'filter', sees: NftSpot['sees'], below?: readonly string[]) => NftSpot,
  own: readonly string[],
  priority: number,
): readonly string[] {
  const below = () => (dice.chance(20) ? own : [])
  const chain = (hook: string, drop: number, rules: readonly string[]) =>
    base(hook, priority, dice.chance(drop) ? 'drop' : 'accept', rules)
  return [
    chain('input', 65, inputChain(dice, spot('filter', 'in', own))),
    ...(dice.chance(65) ? [chain('forward', 40, forwardChain(dice, spot('filter', 'both', below())))] : []),
    ...(dice.chance(60) ? [chain('output', 25, outputChain(dice, spot('filter', 'out', below())))] : []),
  ]
}

function inputChain(dice: Dice, spot: NftSpot): readonly string[] {
  const map = dice.chance(35)
  const icmp = spot.family === 'ip' ? 'meta l4proto icmp' : 'meta l4proto { icmp, ipv6-icmp }'
  const [chain] = spot.below
  const end = chain !== undefined && dice.chance(35) ? `jump ${dice.pick([chain, ...spot.below])}` : 'accept'
  return stirred(dice, spot, [
    map ? stateMap(dice) : '',
    dice.chance(75) ? 'iifname "lo" accept' : '',
    !map && dice.chance(80)
      ? `${statesOf(dice, dice.chance(75) ? ['established', 'related'] : ['established'])} accept`
      : '',
    !map && dice.chance(40) ? 'ct state invalid drop' : '',
    dice.chance(12) ? 'tcp flags & (fin|syn|rst|ack) != syn ct state new drop' : '',
    dice.chance(50) ? `${icmp} accept` : '',
    dice.chance(55) ? `tcp dport 22 ${dice.chance(50) ? 'ct state new ' : ''}accept` : '',
    dice.chance(75) ? nftAcceptOf(dice, spot, end) : '',
    dice.chance(15) ? rejection(dice, spot, null) : '',
  ])
}

function outputChain(dice: Dice, spot: NftSpot): readonly string[] {
  const states = dice.pick([['established', 'related'], ['new', 'established', 'related'], ['established']])
  return stirred(dice, spot, [
    dice.chance(50) ? 'oifname "lo" accept' : '',
    dice.chance(60) ? `${statesOf(dice, states)} accept` : '',
    dice.chance(15) ? 'ct state invalid drop' : '',
  ])
}

function forwardChain(dice: Dice, spot: NftSpot): readonly string[] {
  const { protocol, port, forwarded } = spot.service
  return stirred(dice, spot, [
    dice.chance(15) ? stateMap(dice) : '',
    dice.chance(60) ? `${statesOf(dice, ['established', 'related'])} accept` : '',
    dice.chance(15) ? 'ct state invalid drop' : '',
    forwarded && dice.chance(65) ? nftAcceptOf(dice, spot, 'accept') : '',
    forwarded && dice.chance(20) ? `${protocol} sport ${port} ${dice.pick(['accept', 'drop'])}` : '',
    dice.chance(40) ? 'iifname "eth0" oifname "eth1" accept' : '',
    dice.chance(8) ? rejection(dice, spot, null) : '',
  ])
}

function ownChain(dice: Dice, spot: NftSpot): readonly string[] {
  return stirred(dice, spot, [dice.chance(60) ? nftAcceptOf(dice, spot, 'accept') : '', dice.chance(15) ? 'drop' : ''])
}

/** The usual rules in their usual order, with up to three of any kind anywhere between them. */
function stirred(dice: Dice, spot: NftSpot, usual: readonly string[]): readonly string[] {
  const rules = usual.filter((each) => each !== '')
  const more = dice.weighted([
    [35, 0],
    [35, 1],
    [20, 2],
    [10, 3],
  ])
  for (let left = more; left > 0; left -= 1) rules.splice(dice.under(rules.length + 1), 0, randomNftRule(dice, spot))
  return rules
}

function some(dice: Dice, spot: NftSpot): readonly string[] {
  return Array.from({ length: dice.under(3) }, () => randomNftRule(dice, spot))
}

/** Somebody was here before us, and did all of it or half. */
function theirNotrack(dice: Dice, { protocol, port }: Service, side: 'dport' | 'sport'): readonly string[] {
  return dice.chance(side === 'dport' ? 40 : 30) ? [`${protocol} ${side} ${port} notrack`] : []
}

function natChains(dice: Dice, { protocol, port }: Service): readonly string[] {
  const from = dice.pick([port, 8081, 8999])
  return [
    natBase('prerouting', -100, [
      `${protocol} dport ${from} ${dice.pick([`redirect to :${port}`, 'redirect to :8081', 'dnat ip to 198.18.2.2', 'return'])}`,
    ]),
    ...(dice.chance(50)
      ? [natBase('postrouting', 100, [`oifname "eth1" ${dice.pick(['masquerade', 'return'])}`])]
      : []),
  ]
}

/** Sets and maps that rules name. */
function sets({ dice, family, service: { port } }: Drawn, last: string | undefined): readonly string[] {
  const end = last === undefined ? 'accept' : dice.pick(['accept', `jump ${last}`])
  return [
    `  set open { type inet_service; flags interval; elements = { ${dice.chance(80) ? `${port}, ` : ''}9000-9100 }; }`,
    `  map services { type inet_service : verdict; elements = { 8081 : accept, ${port} : ${end} }; }`,
    ...(family === 'ip6'
      ? []
      : [
          '  set lan_ip { type ipv4_addr; flags interval; elements = { 10.0.0.0/8, 198.18.1.0/24 }; }',
          '  set seen { type ipv4_addr; size 1000; flags dynamic; }',
        ]),
    ...(family === 'ip'
      ? []
      : ['  set lan_ip6 { type ipv6_addr; flags interval; elements = { fd00:198:18:1::/64 }; }']),
  ]
}

function base(hook: string, priority: number, policy: string, rules: readonly string[]): string {
  const name = `${hook}${priority === 0 ? '' : `_${Math.abs(priority)}`}`
  return block(name, rules, `    type filter hook ${hook} priority ${priority}; policy ${policy};`)
}

function natBase(hook: string, priority: number, rules: readonly string[]): string {
  return block(`nat_${hook}`, rules, `    type nat hook ${hook} priority ${priority}; policy accept;`)
}

function block(name: string, rules: readonly string[], head?: string): string {
  const lines = rules.map((rule) => `    ${rule}`)
  return [`  chain ${name} {`, ...(head === undefined ? [] : [head]), ...lines, '  }'].join('\n')
}
