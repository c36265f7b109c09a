import { sha256 } from '../shell/script.ts'
import { OverBudget } from './decision.ts'
import { type ChainRef, chainsBehind } from './depends.ts'
import { addEdits, type Edit, type Placed, withEdits } from './edits.ts'
import { questionFor } from './evaluate.ts'
import type { Service } from './packet.ts'
import { portLists } from './ports.ts'
import { type RawRule, type RawTarget, rawSpec } from './raw-rules.ts'
import type { Backend, Family, LiveRules, Rule } from './rules.ts'
import { icmpPatch, type Refused, refused, servicePatch, unchangedFor } from './service-patch.ts'
import { type Twin, twinSpec } from './twins.ts'

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
 * The rules that take services of this host out of connection tracking, with twins for every accept that needed a state,
 * such that whatever passed still passes and nothing else does; or why there are none, naming the rule.
 * @param live every rule set the kernel holds, both families, both backends.
 * @param host the families that the host speaks, and the backend for a family without any rules. `helperModules`: loaded
 * modules by name, of which those that are helpers keep their default ports tracked; `oldTarget`: the kernel is older than
 * 2.6.34 and has no CT target.
 */
export function notrackPatch(
  live: readonly LiveRules[],
  services: readonly Service[],
  host: {
    readonly families: readonly Family[]
    readonly backend: Backend
    readonly budget?: number
    readonly helperModules?: readonly string[]
    readonly oldTarget?: boolean
  },
): NotrackPatch {
  const edits: Edit[] = []
  const dependsOn: ChainRef[] = []
  const notes: string[] = []
  const used = new Set<string>()
  const keyFor = (content: string) => {
    const key = `ctfleet:notrack:${sha256(content).slice(0, 10)}`
    const free = Array.from({ length: used.size + 1 }, (_, again) => (again === 0 ? key : `${key}-${again + 1}`))
    const first = free.find((each) => !used.has(each)) ?? key
    used.add(first)
    return first
  }
  const others = live.map(withoutOurs)
  for (const family of host.families) {
    const mine = rulesOf(others, family, host.backend)
    const on: FamilyPatch = {
      family,
      live: mine,
      backend: rawBackend(mine),
      budget: host.budget ?? BUDGET,
      target: host.oldTarget === true ? 'NOTRACK' : 'CT --notrack',
      helperModules: host.helperModules ?? [],
      keyFor,
    }
    const patch = withinBudget(() => familyPatch(on, services))
    if (!patch.safe) return patch
    edits.push(...patch.edits)
    dependsOn.push(...patch.dependsOn)
    notes.push(...patch.notes)
  }
  return { safe: true, edits, dependsOn, notes: [...new Set(notes)] }
}

const BUDGET = 300_000

type FamilyPatch = {
  readonly family: Family
  readonly live: readonly LiveRules[]
  readonly backend: Backend
  readonly budget: number
  readonly target: RawTarget
  readonly helperModules: readonly string[]
  readonly keyFor: (content: string) => string
}

function familyPatch(on: FamilyPatch, services: readonly Service[]): NotrackPatch {
  const raw: RawRule[] = []
  const twins: { readonly twin: Twin; readonly port: number | null }[] = []
  const notes: string[] = []
  let losesRelated = false
  for (const service of services) {
    const patch = servicePatch(on.live, service, on)
    if (!patch.safe) return patch
    raw.push(...patch.raw)
    twins.push(...patch.twins.map((twin) => ({ twin, port: service.port })))
    notes.push(...patch.notes)
    losesRelated ||= patch.losesRelated
  }
  if (losesRelated) {
    const patch = icmpPatch(on.live, on)
    if (!patch.safe) return patch
    twins.push(...patch.twins.map((twin) => ({ twin, port: null })))
  }
  const placed = [...twinRules(twins), ...rawRules(raw)].map(({ rule, write }) => {
    const { backend, family, table, chain } = rule
    const key = on.keyFor([backend, family, table, chain, write('')].join(' '))
    return { ...rule, key, spec: write(key) }
  })
  const edits = addEdits(on.live, placed)
  const after = on.live.map(({ backend, rules }) => ({
    backend,
    rules: withEdits(
      rules,
      edits.filter((edit) => edit.backend === backend),
    ),
  }))
  for (const service of services) {
    const change = unchangedFor(on.live, after, service, on)
    if (change !== null) return change
  }
  if (twins.some(({ port }) => port !== null)) notes.push(STRAYS)
  if (twins.some(({ port }) => port === null)) notes.push(ICMP)
  const question = questionFor(on.family, on.live, { ports: services.map(({ port }) => port), budget: on.budget })
  return { safe: true, edits, dependsOn: chainsBehind(question, on.live, services), notes }
}

const STRAYS =
  'Packets to and from these ports are let through by address and port alone: whether they belong to a connection is no longer asked'
const ICMP =
  'ICMP errors of the types that path MTU discovery needs are let in even when they belong to no tracked connection'

type Pending = { readonly rule: Omit<Placed, 'spec'>; readonly write: (key: string) => string }

/** Rules that differ in nothing but their port become one, as far as multiport goes. */
function rawRules(raw: readonly RawRule[]): readonly Pending[] {
  return grouped(raw, ({ port: _, ...rest }) => JSON.stringify(rest)).flatMap((group) => {
    const [rule] = group as [RawRule]
    const { backend, family, table, chain } = rule
    return portLists(group.map(({ port }) => port)).map((ports) => ({
      rule: { backend, family, table, chain, below: -1 },
      write: (key: string) => rawSpec(rule, ports, key),
    }))
  })
}

function twinRules(twins: readonly { readonly twin: Twin; readonly port: number | null }[]): readonly Pending[] {
  return grouped(twins, ({ twin }) => JSON.stringify(twin)).flatMap((group) => {
    const { twin } = group[0] as { readonly twin: Twin }
    const { parts, ...rule } = twin
    const ports = group.flatMap(({ port }) => (port === null ? [] : [port]))
    const lists = ports.length === 0 ? [[]] : portLists(ports)
    return lists.map((list) => ({ rule, write: (key: string) => twinSpec(parts, list, key) }))
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

function rulesOf(live: readonly LiveRules[], family: Family, backend: Backend): readonly LiveRules[] {
  const mine = live.filter(({ rules }) => rules.family === family)
  return mine.length > 0 ? mine : [{ backend, rules: { family, tables: [] } }]
}

/** Where both backends filter, the rules go where a raw table is; legacy tables are never made beside nft's. */
function rawBackend(live: readonly LiveRules[]): Backend {
  const withRaw = live.find(({ rules }) => rules.tables.some(({ name }) => name === 'raw'))
  const nft = live.find(({ backend }) => backend === 'nft')
  return (withRaw ?? nft ?? (live[0] as LiveRules)).backend
}

/**
 * The rules as they would be without any that we added. A patch is judged against these, and names each rule by what it
 * says: so rules of ours that stand are met again under the same name, and one that somebody took away is put back.
 */
function withoutOurs({ backend, rules }: LiveRules): LiveRules {
  const ours = ({ spec }: Rule) => /--comment "?ctfleet:notrack:/.test(spec)
  const tables = rules.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => ({ ...chain, rules: chain.rules.filter((rule) => !ours(rule)) })),
  }))
  return { backend, rules: { ...rules, tables } }
}

function withinBudget(work: () => NotrackPatch): NotrackPatch {
  try {
    return work()
  } catch (error) {
    if (error instanceof OverBudget) return refused(error.message, null)
    throw error
  }
}
