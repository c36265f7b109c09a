import { sha256 } from '../shell/script.ts'
import { coarsened } from './coarse.ts'
import { type ChainRef, chainsBehind } from './depends.ts'
import { addEdits, type Edit, OWN_HOOKS, OWN_TABLE, type Placed, withPlaced } from './edits.ts'
import { questionFor } from './evaluate.ts'
import { type IcmpPath, icmpPatch } from './icmp-patch.ts'
import { ownKey } from './ours.ts'
import type { Service } from './packet.ts'
import { portLists } from './ports.ts'
import { type RawRule, type RawTarget, rawPlaced } from './raw-rules.ts'
import { type Refused, refused } from './refused.ts'
import { type Backend, type Chain, type Family, type LiveRules, siteOf } from './rules.ts'
import { servicePatch, unchangedFor } from './service-patch.ts'
import { type Twin, twinRule } from './twins.ts'
import { OverBudget, Work } from './work.ts'

export type NotrackPatch =
  | {
      readonly safe: true
      readonly edits: readonly Edit[]
      /** The chains that must still be as they were for this verdict to hold. */
      readonly dependsOn: readonly ChainRef[]
      readonly notes: readonly string[]
    }
  | Refused

/**
 * The rules that take services of this host, or flows that it forwards, out of connection tracking, with twins for every
 * accept that needed a state, such that whatever passed still passes and nothing else does; or why there are none, naming the
 * rule.
 * @param live every rule set the kernel holds, both families, both backends.
 * @param host the families that the host speaks and forwards (all of them unless said), and the backend for a family without
 * any rules. `helperModules`: loaded
 * modules by name, of which those that are helpers keep their default ports tracked; `oldTarget`: the kernel is older than
 * 2.6.34 and has no CT target.
 */
export function notrackPatch(
  live: readonly LiveRules[],
  services: readonly Service[],
  host: PatchedHost,
): NotrackPatch {
  const foreign = foreignIn(live)
  if (foreign !== null) return refused('a table by the name of ours is not as we make it', foreign)
  const others = live.map(withoutOurs)
  // Long rows of addresses taken as one are quick to judge; what is refused so is asked again as it is.
  const coarse = coarsened(others)
  const bound = { ...host, work: host.work ?? new Work() }
  const quick = coarse === others ? null : patchOf(coarse, services, bound)
  return quick?.safe === true ? quick : patchOf(others, services, bound)
}

type PatchedHost = {
  readonly families: readonly Family[]
  readonly forwards?: readonly Family[]
  /** The host's own addresses; without them a translation to any address may lead to the service. */
  readonly addresses?: readonly string[]
  readonly backend: Backend
  /** Decision nodes for each question; `work`: what may be done for all of them. */
  readonly budget?: number
  readonly work?: Work
  readonly helperModules?: readonly string[]
  readonly oldTarget?: boolean
}

function patchOf(
  others: readonly LiveRules[],
  services: readonly Service[],
  host: PatchedHost & { readonly work: Work },
): NotrackPatch {
  const patches: FamilyPatch[] = []
  const every = others.filter(({ rules }) => host.families.includes(rules.family))
  for (const family of host.families) {
    const backend = rawBackend(every, family, host.backend)
    const mine = rulesOf(every, family, backend)
    const on: Side = {
      family,
      live: mine,
      backend,
      budget: host.budget ?? BUDGET,
      work: host.work,
      target: host.oldTarget === true ? 'NOTRACK' : 'CT --notrack',
      helperModules: host.helperModules ?? [],
      addresses: host.addresses ?? null,
    }
    const patch = withinBudget(() => familyPatch(on, servicesIn(family, services, host)))
    if (!patch.safe) return patch
    patches.push(patch)
  }
  const placed = withKeys([
    ...twinRules(patches.flatMap(({ twins }) => twins)),
    ...rawRules(patches.flatMap(({ raw }) => raw)),
  ])
  const dependsOn: ChainRef[] = []
  for (const { on } of patches) {
    const after = on.live.map((each) => withPlaced(each, placed))
    const changed = withinBudget(() => finished(on, after, servicesIn(on.family, services, host)))
    if (!changed.safe) return changed
    dependsOn.push(...changed.dependsOn)
  }
  const notes = new Set(patches.flatMap((patch) => patch.notes))
  const edits = addEdits(
    patches.flatMap(({ on }) => on.live),
    placed,
  )
  return { safe: true, edits, dependsOn, notes: [...notes] }
}

const BUDGET = 1_000_000

function servicesIn(family: Family, services: readonly Service[], { forwards }: PatchedHost): readonly Service[] {
  return services.filter(({ forwarded }) => !forwarded || forwards === undefined || forwards.includes(family))
}

type Side = {
  readonly family: Family
  readonly live: readonly LiveRules[]
  readonly backend: Backend
  readonly budget: number
  readonly work: Work
  readonly target: RawTarget
  readonly helperModules: readonly string[]
  readonly addresses: readonly string[] | null
}

type PortTwin = { readonly twin: Twin; readonly port: number | null }

type FamilyPatch = {
  readonly safe: true
  readonly on: Side
  readonly raw: readonly RawRule[]
  readonly twins: readonly PortTwin[]
  readonly notes: readonly string[]
}

function familyPatch(on: Side, services: readonly Service[]): FamilyPatch | Refused {
  const raw: RawRule[] = []
  const twins: PortTwin[] = []
  const notes: string[] = []
  const errors = new Set<IcmpPath>()
  for (const service of services) {
    const patch = servicePatch(on.live, service, on)
    if (!patch.safe) return patch
    raw.push(...patch.raw)
    twins.push(...patch.twins.map((twin) => ({ twin, port: service.port })))
    notes.push(...patch.notes)
    for (const path of patch.errors) errors.add(path)
    if (service.forwarded && service.protocol === 'tcp' && patch.twins.length > 0) notes.push(ANSWERS)
  }
  if (errors.size > 0) {
    const patch = icmpPatch(on.live, on, { paths: [...errors], services })
    if (!patch.safe) return patch
    twins.push(...patch.twins.map((twin) => ({ twin, port: null })))
  }
  if (twins.some(({ port }) => port !== null)) notes.push(STRAYS)
  if (twins.some(({ port }) => port === null)) notes.push(ICMP)
  return { safe: true, on, raw, twins, notes }
}

/** The rules as they result from all of it, judged once more. */
function finished(
  on: Side,
  after: readonly LiveRules[],
  services: readonly Service[],
): { readonly safe: true; readonly dependsOn: readonly ChainRef[] } | Refused {
  for (const service of services) {
    const change = unchangedFor(on.live, after, service, on)
    if (change !== null) return change
  }
  const question = questionFor(on.family, on.live, { ...on, ports: services.map(({ port }) => port) })
  return { safe: true, dependsOn: chainsBehind(question, on.live, services) }
}

const ANSWERS =
  'Forwarded answers of TCP are known by port and flags alone: from these ports a packet that opens no connection passes wherever an answer did'
const STRAYS =
  'Packets to and from these ports are let through by address and port alone: whether they belong to a connection is no longer asked'
const ICMP =
  'ICMP errors of the types that path MTU discovery needs are let in even when they belong to no tracked connection'

/** A rule but for the comment that it is to carry. */
type Pending = { readonly write: (key: string) => Placed }

/** The comment is a digest of what the rule says and where, so that equal rules have equal names whenever they are made. */
function withKeys(pending: readonly Pending[]): readonly (Placed & { readonly key: string })[] {
  const used = new Set<string>()
  return pending.map(({ write }) => {
    const { backend, family, table, chain, spec } = write('')
    const key = `ctfleet:notrack:${sha256([backend, family, table, chain, spec].join(' ')).slice(0, 10)}`
    const free = Array.from({ length: used.size + 1 }, (_, again) => (again === 0 ? key : `${key}-${again + 1}`))
    const first = free.find((each) => !used.has(each)) ?? key
    used.add(first)
    return { ...write(first), key: first }
  })
}

/** Rules that differ in nothing but their port become one, as far as multiport goes; in nft's own table families too. */
function rawRules(raw: readonly RawRule[]): readonly Pending[] {
  const merged = grouped(raw, ({ family: _, ...rest }) => JSON.stringify(rest)).flatMap((group) =>
    group.length > 1 && group[0]?.backend === 'native' ? [{ ...(group[0] as RawRule), family: null }] : group,
  )
  return grouped(merged, ({ port: _, ...rest }) => JSON.stringify(rest)).flatMap((group) => {
    const rule = group[0] as RawRule
    return portLists(group.map(({ port }) => port)).map((ports) => ({ write: (key) => rawPlaced(rule, ports, key) }))
  })
}

function twinRules(twins: readonly PortTwin[]): readonly Pending[] {
  return grouped(bothFamilies(twins), ({ twin }) => JSON.stringify(twin)).flatMap((group) => {
    const { twin } = group[0] as PortTwin
    const { parts, ...place } = twin
    const ports = group.flatMap(({ port }) => (port === null ? [] : [port]))
    const lists = ports.length === 0 ? [[]] : portLists(ports)
    return lists.map((list) => ({ write: (key: string) => ({ ...place, ...twinRule(parts, list, key) }) }))
  })
}

/** A twin that both families need in one inet table is one rule for both. */
function bothFamilies(twins: readonly PortTwin[]): readonly PortTwin[] {
  const plain = ({ twin, port }: PortTwin) =>
    JSON.stringify([{ ...twin, parts: { ...twin.parts, family: null } }, port])
  return grouped(twins, plain).flatMap((group) => {
    const [first, second] = group
    if (first === undefined || second === undefined || !('target' in first.twin.parts)) return group
    return [{ ...first, twin: { ...first.twin, parts: { ...first.twin.parts, family: null } } }]
  })
}

function grouped<T>(items: readonly T[], keyOf: (item: T) => string): readonly (readonly T[])[] {
  const groups = new Map<string, T[]>()
  for (const item of items) {
    const key = keyOf(item)
    groups.set(key, [...(groups.get(key) ?? []), item])
  }
  return [...groups.values()]
}

/** Where a rule set holds nothing yet, it is there all the same: rules may come into it. */
function rulesOf(live: readonly LiveRules[], family: Family, backend: Backend): readonly LiveRules[] {
  const mine = live.filter(({ rules }) => rules.family === family)
  const empty: LiveRules = { backend, rules: { family, tables: [] } }
  return mine.some((each) => each.backend === backend) ? mine : [...mine, empty]
}

/**
 * One owner for the rules that leave packets untracked: where a raw table is; else nft's own table where nft's own rules
 * filter and iptables' do not; else where iptables filters. Legacy tables are never made beside nft's.
 */
function rawBackend(live: readonly LiveRules[], family: Family, otherwise: Backend): Backend {
  const filled = (backend: Backend) =>
    live.some((each) => each.backend === backend && each.rules.tables.some(({ chains }) => chains.some(isUsed)))
  const iptables = live.filter(({ backend, rules }) => backend !== 'native' && rules.family === family)
  const withRaw = iptables.find(({ rules }) => rules.tables.some(({ name }) => name === 'raw'))
  if (withRaw !== undefined) return withRaw.backend
  if (otherwise === 'native' || (filled('native') && !filled('nft') && !filled('legacy'))) return 'native'
  return (iptables.find(({ backend }) => backend === 'nft') ?? iptables[0])?.backend ?? otherwise
}

function isUsed({ policy, rules }: Chain): boolean {
  return policy === 'DROP' || rules.length > 0
}

/**
 * The rules as they would be without any that we added. A patch is judged against these, and names each rule by what it
 * says: so rules of ours that stand are met again under the same name, and one that somebody took away is put back.
 */
function withoutOurs({ backend, rules }: LiveRules): LiveRules {
  const tables = rules.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter((rule) => ownKey(rule) === null) })),
  }))
  return { backend, rules: { ...rules, tables } }
}

/** What of nft's table `inet ctfleet` is somebody else's: then neither it nor its chains are ours to change. */
function foreignIn(live: readonly LiveRules[]): string | null {
  for (const { rules } of live) {
    const table = rules.tables.find(({ name }) => name === OWN_TABLE)
    for (const chain of table?.chains ?? []) {
      const own = OWN_HOOKS[chain.name]
      const { hook, policy } = chain
      const same = own !== undefined && hook?.at === own.at && hook.type === own.type && hook.priority === own.priority
      if (!same || policy !== 'ACCEPT') return `${OWN_TABLE}: chain ${chain.name}`
      const rule = chain.rules.find((each) => ownKey(each) === null)
      if (rule !== undefined) return siteOf(OWN_TABLE, chain.name, rule)
    }
  }
  return null
}

function withinBudget<T>(work: () => T | Refused): T | Refused {
  try {
    return work()
  } catch (error) {
    if (error instanceof OverBudget) return refused(error.message, null)
    throw error
  }
}
