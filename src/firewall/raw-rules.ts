import { OWN_TABLE, type Placed, ruleFrom } from './edits.ts'
import { untrackedThroughout } from './flow.ts'
import { yes } from './logic.ts'
import { localMatch, loopbackMatch, type NftParts, nftRule, nftSpec } from './nft-write.ts'
import type { Service } from './packet.ts'
import type { Question } from './question.ts'
import type { Backend, Family, LiveRules, Rule } from './rules.ts'

/** Whether the host's own connections to its service go untracked with the rest, or stay tracked. */
export type Loopback = 'untracked' | 'tracked'

/** How a rule says that it leaves packets untracked: kernels before 2.6.34 know NOTRACK alone, later ones CT. */
export type RawTarget = 'CT --notrack' | 'NOTRACK'

/** A NOTRACK rule that is still missing; ports and families of rules that are otherwise equal are put together later. */
export type RawRule = {
  readonly backend: Backend
  /** null: both, in nft's own table. */
  readonly family: Family | null
  readonly chain: 'PREROUTING' | 'OUTPUT'
  readonly protocol: 'tcp' | 'udp'
  readonly side: 'dport' | 'sport'
  /** Only over loopback, only elsewhere, or both. */
  readonly over: 'lo' | 'wire' | 'both'
  /** Only to or from the host's own addresses, or only to those of others. */
  readonly local: 'source' | 'destination' | 'elsewhere' | null
  readonly port: number
  readonly target: RawTarget
}

/** The rules that make a service untracked, without those whose work existing rules do already, in whatever spelling. */
export function rawRulesFor(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  put: { readonly backend: Backend; readonly loopback: Loopback; readonly target: RawTarget },
): readonly RawRule[] {
  const { decisions, space } = question
  const done = yes(decisions)
  const wire = untrackedThroughout(question, live, service, 'wire')
  const { protocol, port } = service
  const common = { backend: put.backend, family: space.family, target: put.target, protocol, port }
  if (service.forwarded) {
    const passing = { ...common, chain: 'PREROUTING', over: 'both', local: 'elsewhere' } as const
    return [
      ...(wire.in === done ? [] : [{ ...passing, side: 'dport' } as const]),
      ...(wire.out === done ? [] : [{ ...passing, side: 'sport' } as const]),
    ]
  }
  const lo = untrackedThroughout(question, live, service, 'lo')
  const toUs = (over: RawRule['over']): RawRule => ({
    ...common,
    chain: 'PREROUTING',
    side: 'dport',
    over,
    local: 'destination',
  })
  const fromUs = (over: RawRule['over']): RawRule => ({
    ...common,
    chain: 'OUTPUT',
    side: 'sport',
    over,
    local: 'source',
  })
  const wireIn = wire.in === done
  const wireOut = wire.out === done
  if (put.loopback === 'tracked') return [...(wireIn ? [] : [toUs('wire')]), ...(wireOut ? [] : [fromUs('wire')])]
  const loIn = lo.in === done
  const loOut = lo.out === done
  return [
    ...(wireIn ? [] : [toUs('both')]),
    ...(loIn && loOut
      ? []
      : [{ ...common, chain: 'PREROUTING', side: 'sport', over: 'lo', local: null } satisfies RawRule]),
    ...(wireOut && loOut ? [] : [fromUs('both')]),
    ...(loIn ? [] : [{ ...common, chain: 'OUTPUT', side: 'dport', over: 'lo', local: null } satisfies RawRule]),
  ]
}

/** Where the rule goes and what it is called there, for some ports; `key` becomes its comment. */
export function rawPlaced(raw: RawRule, ports: readonly string[], key: string): Placed {
  const { backend, family } = raw
  if (backend === 'native') {
    const parts = nftPartsOf(raw)
    const spec = nftSpec(parts, ports, key)
    const rule = nftRule(parts, ports, spec)
    const chain = raw.chain.toLowerCase()
    return { backend, family: 'inet', table: OWN_TABLE, chain, below: -1, spec, rule }
  }
  const spec = iptablesSpec(raw, ports, key)
  return { backend, family: family ?? 'ip', table: 'raw', chain: raw.chain, below: -1, spec, rule: ruleFrom(spec) }
}

function iptablesSpec(
  { chain, protocol, side, over, local, target }: RawRule,
  ports: readonly string[],
  key: string,
): string {
  const flag = chain === 'OUTPUT' ? '-o' : '-i'
  const only = ports.length === 1 && !ports[0]?.includes(':')
  const words = [
    over === 'both' ? '' : over === 'lo' ? `${flag} lo` : `! ${flag} lo`,
    `-p ${protocol}`,
    local === null ? '' : `-m addrtype ${ADDRESS_TYPE[local]} LOCAL`,
    only ? `-m ${protocol} --${side} ${ports[0]}` : `-m multiport --${side}s ${ports.join(',')}`,
    `-m comment --comment "${key}"`,
    `-j ${target}`,
  ]
  return words.filter((each) => each !== '').join(' ')
}

function nftPartsOf({ family, chain, protocol, side, over, local }: RawRule): NftParts {
  const way = chain === 'OUTPUT' ? 'out' : 'in'
  return {
    family,
    matches: [
      ...(over === 'both' ? [] : [loopbackMatch(way, over === 'wire')]),
      ...(local === null ? [] : [localMatch(local === 'source' ? 'saddr' : 'daddr', local === 'elsewhere')]),
    ],
    port: { protocol, side },
    state: null,
    target: NOTRACK,
  }
}

const ADDRESS_TYPE = { source: '--src-type', destination: '--dst-type', elsewhere: '! --dst-type' } as const

const NOTRACK: Rule['target'] & object = { name: 'notrack', goto: false, options: [], text: 'notrack' }
