import { kindOf, type Node, OverBudget } from './decision.ts'
import type { ChainRef } from './depends.ts'
import type { Edit } from './edits.ts'
import { type BaseChain, chainFate, metWhere, questionFor, seenBy, siteOf } from './evaluate.ts'
import { NEEDS_TRACKING } from './match-kinds.ts'
import { anyPacket, type Packet } from './packet.ts'
import type { Question } from './question.ts'
import { type Chain, chainOf, type LiveRules, type Rule, type RuleSet } from './rules.ts'
import { effectOf, NEEDS_TRACKING_TARGETS, onlyWatches } from './targets.ts'

export type StatefulRule = ChainRef & {
  readonly index: number
  readonly rule: Rule
  /** What in it needs connection tracking: `match conntrack`, `target CONNMARK`, `table nat`. */
  readonly because: string
}

export type Removal =
  | { readonly removable: true; readonly edits: readonly Edit[]; readonly dependsOn: readonly ChainRef[] }
  | { readonly removable: false; readonly why: string; readonly rule: string | null }

/** Every rule that needs connection tracking, in the order of tables, chains and rules. */
export function statefulRules(live: readonly LiveRules[]): readonly StatefulRule[] {
  return live.flatMap(({ backend, rules }) =>
    rules.tables.flatMap((table) =>
      table.chains.flatMap((chain) =>
        chain.rules.flatMap((rule, index) => {
          const because = reasonFor(table.name, rule)
          const at = { backend, family: rules.family, table: table.name, chain: chain.name }
          return because === null ? [] : [{ ...at, index, rule, because }]
        }),
      ),
    ),
  )
}

/**
 * Whether every stateful rule can go with no packet's fate changed, in whatever state; the first rule that stands in the
 * way otherwise. NAT of any kind stands in the way, and so does an accept that pieces of datagrams would miss: tracking puts
 * them together before any rule sees them. Neighbours in the edits are those of the chain as it is.
 */
export function removableStatefulRules(live: readonly LiveRules[], budget = 300_000): Removal {
  const stateful = statefulRules(live)
  for (const { table, chain, rule } of stateful) {
    const translates = rule.target !== null && effectOf(rule.target.name, rule.target.options) === 'translate'
    if (translates)
      return { removable: false, why: 'address translation needs tracking', rule: siteOf(table, chain, rule) }
  }
  const more = stateful.find(({ rule, table }) => doesMore(rule, table, live, stateful))
  if (more !== undefined) {
    const rule = siteOf(more.table, more.chain, more.rule)
    return { removable: false, why: 'a stateful rule does more than decide, and others build on it', rule }
  }
  try {
    for (const each of live) {
      const blocked = blockedBy(
        each,
        stateful.filter((one) => isIn(one, each)),
        budget,
      )
      if (blocked !== null) return blocked
      const torn = fragmentsLost(
        without(
          each,
          stateful.filter((one) => isIn(one, each)),
        ),
        budget,
      )
      if (torn !== null) {
        return {
          removable: false,
          why: 'fragments of accepted datagrams would be dropped without tracking',
          rule: torn,
        }
      }
    }
  } catch (error) {
    if (error instanceof OverBudget) return { removable: false, why: error.message, rule: null }
    throw error
  }
  return { removable: true, edits: removals(live, stateful), dependsOn: everyChain(live) }
}

function reasonFor(table: string, { matches, target }: Rule): string | null {
  const match = matches.find(({ name }) => NEEDS_TRACKING.has(name))
  if (match !== undefined) return `match ${match.name}`
  if (target !== null && NEEDS_TRACKING_TARGETS.has(target.name)) return `target ${target.name}`
  return table === 'nat' ? 'table nat' : null
}

/** Rules that set what is read elsewhere: marks by routing, headers by others, lists by kept rules. */
function doesMore(rule: Rule, table: string, live: readonly LiveRules[], stateful: readonly StatefulRule[]): boolean {
  const { target } = rule
  const writes = ['recent', 'hashlimit'].find((name) => rule.matches.some((match) => match.name === name))
  if (writes !== undefined) {
    const kept = live.some(({ rules }) =>
      rules.tables.some(({ chains }) =>
        chains.some((chain) =>
          chain.rules.some(
            (each) => each.matches.some(({ name }) => name === writes) && !stateful.some((one) => one.rule === each),
          ),
        ),
      ),
    )
    if (kept) return true
  }
  if (target === null || onlyWatches(target.name)) return false
  // These write to the connection, which nothing reads any more once all stateful rules are gone.
  if (['CT', 'NOTRACK', 'CONNSECMARK'].includes(target.name)) return false
  if (target.name === 'CONNMARK') return target.options.some(({ option }) => option.startsWith('restore'))
  const isChain = live.some(({ rules }) => chainOf(rules, table, target.name) !== undefined)
  return !isChain && effectOf(target.name, target.options) === 'go-on'
}

const BASES: readonly (BaseChain & { readonly path: Packet['path'] })[] = [
  { table: 'raw', chain: 'PREROUTING', sees: 'in', path: 'in' },
  { table: 'raw', chain: 'OUTPUT', sees: 'out', path: 'out' },
  { table: 'mangle', chain: 'PREROUTING', sees: 'in', path: 'in' },
  { table: 'mangle', chain: 'INPUT', sees: 'in', path: 'in' },
  { table: 'mangle', chain: 'FORWARD', sees: 'both', path: 'forward' },
  { table: 'mangle', chain: 'OUTPUT', sees: 'out', path: 'out' },
  { table: 'mangle', chain: 'POSTROUTING', sees: 'out', path: 'out' },
  { table: 'filter', chain: 'INPUT', sees: 'in', path: 'in' },
  { table: 'filter', chain: 'FORWARD', sees: 'both', path: 'forward' },
  { table: 'filter', chain: 'OUTPUT', sees: 'out', path: 'out' },
  { table: 'security', chain: 'INPUT', sees: 'in', path: 'in' },
  { table: 'security', chain: 'FORWARD', sees: 'both', path: 'forward' },
  { table: 'security', chain: 'OUTPUT', sees: 'out', path: 'out' },
]

function blockedBy(live: LiveRules, stateful: readonly StatefulRule[], budget: number): Removal | null {
  if (stateful.length === 0) return null
  const after = without(live, stateful)
  for (const base of BASES) {
    if (chainOf(live.rules, base.table, base.chain) === undefined) continue
    const question = questionFor(live.rules.family, [live], { ports: [], budget })
    const packet = anyPacket(live.rules.family, base.path)
    const asked: Packet = base.table === 'raw' ? { ...packet, state: { is: 'raw' } } : packet
    const fateIn = (rules: RuleSet) => chainFate(question, rules, base, seenBy(asked, base))
    const before = fateIn(live.rules)
    const change = changeBetween(question, before, fateIn(after.rules))
    if (change === null) {
      const counted = countedOtherwise(question, live, after, { packet: asked, fate: before })
      if (counted === null) continue
      return { removable: false, why: 'other packets would use up a limit', rule: counted }
    }
    const culprit = stateful
      .filter(({ table }) => table === base.table)
      .find((one) => changeBetween(question, before, fateIn(without(live, [one]).rules)) !== null)
    const rule = culprit === undefined ? change : siteOf(culprit.table, culprit.chain, culprit.rule)
    return { removable: false, why: `without it, packets in ${base.table} ${base.chain} would meet another fate`, rule }
  }
  return null
}

/**
 * The rule that accepts datagrams whose later pieces would be dropped; null where all pieces fare like the whole. TCP is not
 * asked about: its segments are cut to what the path takes. Nothing is in pieces yet in OUTPUT.
 */
function fragmentsLost({ rules }: LiveRules, budget: number): string | null {
  for (const base of BASES) {
    if (base.chain === 'OUTPUT' || chainOf(rules, base.table, base.chain) === undefined) continue
    const question = questionFor(rules.family, [{ backend: 'legacy', rules }], { ports: [], budget })
    const { decisions } = question
    for (const protocol of question.space.protocols.filter((each) => each !== 'tcp')) {
      const datagram: Packet = { ...seenBy(anyPacket(rules.family, base.path), base), protocol: { is: protocol } }
      const none = { is: -1 }
      const piece: Packet = { ...datagram, sourcePort: none, destinationPort: none, fragment: true }
      const fates = [datagram, piece].map((packet) => chainFate(question, rules, base, packet)) as [Node, Node]
      const lost = decisions.combine('pieces lost', ...fates, (of, is) => {
        const [whole, each] = [kindOf(of), kindOf(is)]
        return (whole === 'accept' && each !== 'accept') || (whole === 'unsure' && each === 'drop') ? of : 'same'
      })
      const site = [...decisions.valuesOf(lost)].find((value) => value !== 'same')
      if (site !== undefined) return site.slice(site.indexOf('|') + 1)
    }
  }
  return null
}

/** The rule that decides where two fates differ or cannot be told; null where they are the same throughout. */
function changeBetween(question: Question, before: Node, after: Node): string | null {
  const { decisions } = question
  const changes = decisions.combine('fate change', before, after, (was, is) => {
    if (kindOf(was) === 'unsure') return was
    if (kindOf(is) === 'unsure') return is
    return kindOf(was) === kindOf(is) ? 'same' : was
  })
  const changed = [...decisions.valuesOf(changes)].find((value) => value !== 'same')
  if (changed !== undefined) return changed.slice(changed.indexOf('|') + 1)
  const free = decisions.variablesOf(after).find(({ volatile }) => volatile !== null && !volatile.metered)
  return free?.volatile?.site ?? null
}

function countedOtherwise(
  question: Question,
  live: LiveRules,
  after: LiveRules,
  asked: { readonly packet: Packet; readonly fate: Node },
): string | null {
  if ('is' in asked.packet.state) return null
  const sites = question.decisions.variablesOf(asked.fate).flatMap(({ volatile }) => volatile?.site ?? [])
  const moved = sites.find(
    (site) => metWhere(question, [live], asked.packet, site) !== metWhere(question, [after], asked.packet, site),
  )
  return moved ?? null
}

function without(live: LiveRules, gone: readonly StatefulRule[]): LiveRules {
  const kept = (table: string, chain: Chain): Chain => ({
    ...chain,
    rules: chain.rules.filter(
      (_, index) => !gone.some((one) => one.table === table && one.chain === chain.name && one.index === index),
    ),
  })
  const tables = live.rules.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => kept(table.name, chain)),
  }))
  return { ...live, rules: { ...live.rules, tables } }
}

function isIn(one: StatefulRule, live: LiveRules): boolean {
  return one.backend === live.backend && one.family === live.rules.family
}

function removals(live: readonly LiveRules[], stateful: readonly StatefulRule[]): readonly Edit[] {
  return stateful.map(({ backend, family, table, chain, index, rule }, number) => {
    const set = live.find((each) => each.backend === backend && each.rules.family === family)
    const rules = set === undefined ? [] : (chainOf(set.rules, table, chain)?.rules ?? [])
    return {
      backend,
      family,
      table,
      chain,
      action: 'remove',
      spec: rule.spec,
      key: `ctfleet:remove:${number + 1}`,
      after: rules[index - 1]?.spec ?? null,
      before: rules[index + 1]?.spec ?? null,
    }
  })
}

function everyChain(live: readonly LiveRules[]): readonly ChainRef[] {
  return live.flatMap(({ backend, rules }) =>
    rules.tables.flatMap((table) =>
      table.chains.map((chain) => ({ backend, family: rules.family, table: table.name, chain: chain.name })),
    ),
  )
}
