import type { Packet } from './packet.ts'
import type { Hook, LiveRules, RuleSet } from './rules.ts'

/** A chain that the kernel itself enters, with the side of the packet's way that it sees. */
export type BaseChain = { readonly table: string; readonly chain: string; readonly sees: 'in' | 'out' | 'both' }

/** Connection tracking's own priority in prerouting and output: chains before it see packets without a state. */
const TRACKING_PRIORITY = -200

/** The base chains that decide on a packet once it has met tracking, in the kernel's order; nat's own are asked apart. */
export function basesOn({ backend, rules }: LiveRules, path: Packet['path']): readonly BaseChain[] {
  if (backend !== 'native') return IPTABLES[path]
  return nativeBases(rules, path).flatMap(({ base, hook }) =>
    hook.type === 'nat' || beforeTracking(hook) ? [] : [base],
  )
}

/** The base chains before tracking: raw's, and nft's own at a priority below -200. */
export function rawBasesOn({ backend, rules }: LiveRules, path: Packet['path']): readonly BaseChain[] {
  if (backend !== 'native') return [path === 'out' ? RAW_OUT : RAW_IN]
  return nativeBases(rules, path).flatMap(({ base, hook }) => (beforeTracking(hook) ? [base] : []))
}

/** The base chains at one hook that may translate addresses. */
export function natBasesOn({ backend, rules }: LiveRules, at: Hook['at']): readonly BaseChain[] {
  const sees = SEES[at]
  if (backend !== 'native') return [{ table: 'nat', chain: at.toUpperCase(), sees }]
  return hooked(rules).flatMap(({ base, hook }) => (hook.type === 'nat' && hook.at === at ? [base] : []))
}

/** Every base chain that can end a packet's way, once, with a path that leads through it. */
export function allBases(
  live: LiveRules,
): readonly (BaseChain & { readonly path: Packet['path']; readonly raw: boolean })[] {
  const all = PATHS.flatMap((path) => [
    ...rawBasesOn(live, path).map((base) => ({ ...base, path, raw: true })),
    ...basesOn(live, path).map((base) => ({ ...base, path, raw: false })),
  ])
  return all.filter(
    (base, index) => all.findIndex(({ table, chain }) => table === base.table && chain === base.chain) === index,
  )
}

/**
 * A packet as one base chain sees it: prerouting knows no way out. Whether postrouting knows the way in depends on the kernel
 * (6.18 does, older ones do not), so there it may be any.
 */
export function seenBy(packet: Packet, base: BaseChain): Packet {
  if (packet.path === 'in' || packet.path === 'out' || base.sees === 'both') return packet
  if (base.sees === 'in') return { ...packet, out: { is: '' } }
  return { ...packet, in: { any: packet.path === 'forward' ? 'in at postrouting' : 'back in at postrouting' } }
}

const PATHS: readonly Packet['path'][] = ['in', 'out', 'forward']
const SEES: Readonly<Record<Hook['at'], BaseChain['sees']>> = {
  prerouting: 'in',
  input: 'in',
  forward: 'both',
  output: 'out',
  postrouting: 'out',
}
const HOOKS: Readonly<Record<Packet['path'], readonly Hook['at'][]>> = {
  in: ['prerouting', 'input'],
  out: ['output', 'postrouting'],
  forward: ['prerouting', 'forward', 'postrouting'],
  back: ['prerouting', 'forward', 'postrouting'],
}

const RAW_IN: BaseChain = { table: 'raw', chain: 'PREROUTING', sees: 'in' }
const RAW_OUT: BaseChain = { table: 'raw', chain: 'OUTPUT', sees: 'out' }

const IPTABLES_FORWARD: readonly BaseChain[] = [
  { table: 'mangle', chain: 'PREROUTING', sees: 'in' },
  { table: 'mangle', chain: 'FORWARD', sees: 'both' },
  { table: 'filter', chain: 'FORWARD', sees: 'both' },
  { table: 'security', chain: 'FORWARD', sees: 'both' },
  { table: 'mangle', chain: 'POSTROUTING', sees: 'out' },
]

const IPTABLES: Readonly<Record<Packet['path'], readonly BaseChain[]>> = {
  in: [
    { table: 'mangle', chain: 'PREROUTING', sees: 'in' },
    { table: 'mangle', chain: 'INPUT', sees: 'in' },
    { table: 'filter', chain: 'INPUT', sees: 'in' },
    { table: 'security', chain: 'INPUT', sees: 'in' },
  ],
  out: [
    { table: 'mangle', chain: 'OUTPUT', sees: 'out' },
    { table: 'filter', chain: 'OUTPUT', sees: 'out' },
    { table: 'security', chain: 'OUTPUT', sees: 'out' },
    { table: 'mangle', chain: 'POSTROUTING', sees: 'out' },
  ],
  forward: IPTABLES_FORWARD,
  back: IPTABLES_FORWARD,
}

type Hooked = { readonly base: BaseChain; readonly hook: Hook }

function nativeBases(rules: RuleSet, path: Packet['path']): readonly Hooked[] {
  const order = HOOKS[path]
  return hooked(rules)
    .filter(({ hook }) => order.includes(hook.at))
    .toSorted((a, b) => order.indexOf(a.hook.at) - order.indexOf(b.hook.at) || a.hook.priority - b.hook.priority)
}

function hooked(rules: RuleSet): readonly Hooked[] {
  return rules.tables.flatMap((table) =>
    table.chains.flatMap(({ name, hook }) =>
      hook === undefined ? [] : [{ base: { table: table.name, chain: name, sees: SEES[hook.at] }, hook }],
    ),
  )
}

function beforeTracking({ at, priority }: Hook): boolean {
  return (at === 'prerouting' || at === 'output') && priority <= TRACKING_PRIORITY
}
