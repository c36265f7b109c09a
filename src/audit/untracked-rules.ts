import { rawBasesOn } from '../firewall/bases.ts'
import { ownKey } from '../firewall/ours.ts'
import { chainOf, type Family, type LiveRules, type Rule, siteOf } from '../firewall/rules.ts'
import { portRanges, protocolName } from '../firewall/space.ts'
import { effectOf } from '../firewall/targets.ts'

/** A rule, ours or anybody's, that leaves packets of some ports untracked. */
export type UntrackedRule = {
  readonly family: Family
  /** Coming in or passing through, or going out from the host itself. */
  readonly at: 'in' | 'out'
  /** Packets to these ports, or from them. */
  readonly side: 'dport' | 'sport'
  readonly protocol: 'tcp' | 'udp'
  readonly ports: readonly (readonly [first: number, last: number])[]
  /** It is about packets of the host to itself. */
  readonly isLoopback: boolean
  readonly isOurs: boolean
  /** As a person finds it: `raw: -A PREROUTING …`. */
  readonly site: string
}

/**
 * The rules before tracking that name ports. `isWhole` is false where others are there (of no port, of addresses alone, in
 * chains that these jump to): then what else is left untracked is not in the list.
 */
export function untrackedRules(live: readonly LiveRules[]): {
  readonly rules: readonly UntrackedRule[]
  readonly isWhole: boolean
} {
  const found: UntrackedRule[] = []
  let isWhole = true
  for (const each of live) {
    const { family } = each.rules
    for (const at of ['in', 'out'] as const) {
      for (const { table, chain } of rawBasesOn(each, at)) {
        for (const rule of chainOf(each.rules, table, chain)?.rules ?? []) {
          if (rule.target === null) continue
          const jumps = chainOf(each.rules, table, rule.target.name) !== undefined
          const untracks = effectOf(rule.target.name, rule.target.options) === 'no-track'
          if (!untracks && !jumps) continue
          const ports = jumps ? null : portsOf(rule, family)
          if (ports === null) isWhole = false
          else found.push({ ...ports, family, at, isOurs: ownKey(rule) !== null, site: siteOf(table, chain, rule) })
        }
      }
    }
  }
  return { rules: found, isWhole }
}

/** Whether a rule is about all packets of this port. */
export function isAbout({ ports }: UntrackedRule, port: number): boolean {
  return ports.some(([first, last]) => first <= port && port <= last)
}

/** `80`, or `8000-8010`. */
export function portText({ protocol, ports }: UntrackedRule): string {
  return `${protocol} port ${ports.map(([first, last]) => (first === last ? `${first}` : `${first}-${last}`)).join(',')}`
}

/** The first of each range, as `--ports` takes them: `80/tcp,53/udp`. */
export function portsToName(rules: readonly UntrackedRule[]): string {
  return [...new Set(rules.flatMap(({ protocol, ports }) => ports.map(([first]) => `${first}/${protocol}`)))].join(',')
}

const SIDES: ReadonlyMap<string, UntrackedRule['side']> = new Map([
  ['dport', 'dport'],
  ['dports', 'dport'],
  ['sport', 'sport'],
  ['sports', 'sport'],
])

function portsOf(
  { matches }: Rule,
  family: Family,
): Pick<UntrackedRule, 'side' | 'protocol' | 'ports' | 'isLoopback'> | null {
  const tests = matches.flatMap((match) => match.tests)
  const named = tests.filter(({ option }) => SIDES.has(option))
  const [port, second] = named
  const side = SIDES.get(port?.option ?? '')
  const protocol = tests.find(({ option, negated }) => option === 'protocol' && !negated)?.values[0]
  const name = protocol === undefined ? '' : protocolName(protocol, family)
  if (port === undefined || second !== undefined || port.negated || side === undefined) return null
  if (name !== 'tcp' && name !== 'udp') return null
  const ports = portRanges(port.values.join(','))
  if (ports === null) return null
  const isLoopback = tests.some(
    ({ option, negated, values }) => (option === 'in' || option === 'out') && !negated && values[0] === 'lo',
  )
  return { side, protocol: name, ports, isLoopback }
}
