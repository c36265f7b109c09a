import { allBases, seenBy } from './bases.ts'
import { decidedIn } from './decider.ts'
import type { Assignment, Node } from './decision.ts'
import type { ChainRef } from './depends.ts'
import { type Edit, neighbourAt } from './edits.ts'
import { chainFate, metWhere, questionFor } from './evaluate.ts'
import { NEEDS_TRACKING } from './match-kinds.ts'
import { isWritable } from './nft-rules.ts'
import { anyPacket, type Packet } from './packet.ts'
import type { Question } from './question.ts'
import { type Chain, chainOf, type LiveRules, type Rule, siteOf } from './rules.ts'
import { rulesWithEffects } from './side-effects.ts'
import { effectOf, NEEDS_TRACKING_TARGETS, onlyWatches } from './targets.ts'
import { OverBudget, Work } from './work.ts'

export type StatefulRule = ChainRef & {
  readonly index: number
  readonly rule: Rule
  /** What in it needs connection tracking: `match conntrack`, `target CONNMARK`, `table nat`. */
  readonly because: string
}

export type Removal =
  | { readonly removable: true; readonly edits: readonly RuleRemoval[]; readonly dependsOn: readonly ChainRef[] }
  | { readonly removable: false; readonly why: string; readonly rule: string | null }

/**
 * `handle` is that of nft's rule, by which a text that the host prints otherwise is found out; its neighbours are `HANDLE TEXT`,
 * since a reload gives handles anew.
 */
export type RuleRemoval = Edit & { readonly handle?: number }

/** Every rule that needs connection tracking, in the order of tables, chains and rules; nft's own that serve both families once. */
export function statefulRules(live: readonly LiveRules[]): readonly StatefulRule[] {
  const seen = new Set<string>()
  return live.flatMap(({ backend, rules }) =>
    rules.tables.flatMap((table) =>
      table.chains.flatMap((chain) =>
        chain.rules.flatMap((rule, index) => {
          const because = reasonFor(table.name, rule)
          const at = { backend, family: rules.family, table: table.name, chain: chain.name }
          const one = rule.handle === undefined ? '' : `${table.name} ${chain.name} ${rule.handle}`
          if (because === null || seen.has(one)) return []
          if (one !== '') seen.add(one)
          return [{ ...at, index, rule, because }]
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
export function removableStatefulRules(live: readonly LiveRules[], budget = 1_000_000): Removal {
  const stateful = statefulRules(live)
  for (const { table, chain, rule } of stateful) {
    const translates = rule.target !== null && effectOf(rule.target.name, rule.target.options) === 'translate'
    if (translates)
      return { removable: false, why: 'address translation needs tracking', rule: siteOf(table, chain, rule) }
  }
  const gone = goneWith(live, stateful)
  const unwritten = stateful.find(({ backend, rule }) => backend === 'native' && !canBePutBack(rule))
  if (unwritten !== undefined) {
    const rule = siteOf(unwritten.table, unwritten.chain, unwritten.rule)
    return { removable: false, why: 'a stateful rule could not be put back as it is', rule }
  }
  const more = allIn(live, gone).find(({ table, rule }) => doesMore(rule, table, live, gone))
  if (more !== undefined) {
    const rule = siteOf(more.table, more.chain, more.rule)
    return { removable: false, why: 'a stateful rule does more than decide, and others build on it', rule }
  }
  const bound = { ports: [], budget, work: new Work() }
  try {
    for (const each of live) {
      const blocked = blockedBy(each, gone, bound)
      if (blocked !== null) return blocked
      const moved = effectMoved(each, without(each, gone), bound)
      if (moved !== null) {
        return {
          removable: false,
          why: 'a rule that marks, writes or counts packets would meet other ones',
          rule: moved,
        }
      }
      const torn = fragmentsLost(without(each, gone), bound)
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
  return { removable: true, edits: removals(live, stateful, gone), dependsOn: everyChain(live) }
}

function reasonFor(table: string, { matches, target }: Rule): string | null {
  const match = matches.find(({ name }) => NEEDS_TRACKING.has(name))
  if (match !== undefined) return `match ${match.name}`
  // Nobody but iptables knows what is behind `xt`.
  if (target !== null && (NEEDS_TRACKING_TARGETS.has(target.name) || target.name === 'xt'))
    return `target ${target.name}`
  return table === 'nat' ? 'table nat' : null
}

type Bound = Parameters<typeof questionFor>[2]

/** A line of a plan takes as much. */
const LONGEST_SPEC = 4000

function canBePutBack(rule: Rule): boolean {
  return isWritable(rule) && rule.spec.length <= LONGEST_SPEC
}

function allIn(live: readonly LiveRules[], some: ReadonlySet<Rule>) {
  return live.flatMap(({ rules }) =>
    rules.tables.flatMap((table) =>
      table.chains.flatMap((chain) =>
        chain.rules.flatMap((rule) => (some.has(rule) ? [{ table: table.name, chain: chain.name, rule }] : [])),
      ),
    ),
  )
}

/** Rules that set what is read elsewhere: marks by routing, headers by others, lists by kept rules. */
function doesMore(rule: Rule, table: string, live: readonly LiveRules[], gone: ReadonlySet<Rule>): boolean {
  const { target } = rule
  const writes = ['recent', 'hashlimit'].find((name) => rule.matches.some((match) => match.name === name))
  if (writes !== undefined) {
    const kept = live.some(({ rules }) =>
      rules.tables.some(({ chains }) =>
        chains.some((chain) =>
          chain.rules.some((each) => each.matches.some(({ name }) => name === writes) && !gone.has(each)),
        ),
      ),
    )
    if (kept) return true
  }
  if (target === null || onlyWatches(target.name)) return false
  // These write to the connection, which nothing reads any more once all stateful rules are gone.
  if (['CT', 'NOTRACK', 'CONNSECMARK', 'ct', 'notrack', 'connmark', 'flow'].includes(target.name)) return false
  if (target.name === 'CONNMARK') return target.options.some(({ option }) => option.startsWith('restore'))
  const isChain = live.some(({ rules }) => chainOf(rules, table, target.name) !== undefined)
  return !isChain && effectOf(target.name, target.options) === 'go-on'
}

function blockedBy(live: LiveRules, gone: ReadonlySet<Rule>, bound: Bound): Removal | null {
  const after = without(live, gone)
  if (after === live) return null
  for (const base of allBases(live)) {
    if (chainOf(live.rules, base.table, base.chain) === undefined) continue
    const question = questionFor(live.rules.family, [live], bound)
    const any = anyPacket(live.rules.family, base.path)
    const asked: Packet = seenBy(base.raw ? { ...any, state: { is: 'raw' } } : any, base)
    const before = chainFate(question, live.rules, base, asked)
    const changed = changeBetween(question, before, chainFate(question, after.rules, base, asked))
    if (changed === null) {
      const counted = countedOtherwise(question, live, after, { packet: asked, fate: before })
      if (counted === null) continue
      return { removable: false, why: 'other packets would use up a limit', rule: counted }
    }
    const why = `without it, packets in ${base.table} ${base.chain} would meet another fate`
    if ('site' in changed) return { removable: false, why, rule: changed.site }
    // The first stateful rule that such a packet meets is the one that sends it another way.
    const decided = decidedIn(question, live.rules, base, { packet: asked, assignment: changed.at })
    const culprit = decided.met.find(({ rule }) => gone.has(rule))
    const rule = culprit === undefined ? decided.site : siteOf(culprit.table, culprit.chain, culprit.rule)
    return { removable: false, why, rule }
  }
  return null
}

/** A rule that stays, does more than decide, and would no longer meet the same packets; null where each would. */
function effectMoved(live: LiveRules, after: LiveRules, bound: Bound): string | null {
  if (after === live) return null
  const question = questionFor(live.rules.family, [live], bound)
  const packets = (['in', 'out', 'forward'] as const).map((path) => anyPacket(live.rules.family, path))
  // Of what goes with the rest it was asked already what else it does.
  const kept = new Set(
    after.rules.tables.flatMap(({ name, chains }) =>
      chains.flatMap((chain) => chain.rules.map((rule) => siteOf(name, chain.name, rule))),
    ),
  )
  const sites = rulesWithEffects(question, [live], packets).filter((site) => kept.has(site))
  return (
    sites.find((site) =>
      packets.some((packet) => metWhere(question, [live], packet, site) !== metWhere(question, [after], packet, site)),
    ) ?? null
  )
}

/**
 * The rule that accepts datagrams whose later pieces would be dropped; null where all pieces fare like the whole. TCP is not
 * asked about: its segments are cut to what the path takes. Nothing is in pieces yet in output.
 */
function fragmentsLost(live: LiveRules, bound: Bound): string | null {
  const { rules } = live
  for (const base of allBases(live)) {
    if (base.path === 'out' || chainOf(rules, base.table, base.chain) === undefined) continue
    const question = questionFor(rules.family, [live], bound)
    const { decisions } = question
    for (const protocol of question.space.protocols.filter((each) => each !== 'tcp')) {
      const datagram: Packet = { ...seenBy(anyPacket(rules.family, base.path), base), protocol: { is: protocol } }
      const none = { is: -1 }
      const piece: Packet = {
        ...datagram,
        sourcePort: none,
        destinationPort: none,
        fragment: live.backend === 'legacy' ? 'unread' : 'read',
      }
      const fates = [datagram, piece].map((packet) => chainFate(question, rules, base, packet)) as [Node, Node]
      const lost = decisions.combine('pieces lost', ...fates, (of, is) =>
        (of === 'accept' && is !== 'accept') || (of === 'unsure' && is === 'drop') ? 'lost' : 'same',
      )
      const at = decisions.witness(lost, (value) => value === 'lost')
      if (at !== null) return decidedIn(question, rules, base, { packet: datagram, assignment: at }).site
    }
  }
  return null
}

/** A packet for which two fates differ or cannot be told, or the rule that answers by chance; null where they are the same throughout. */
function changeBetween(
  question: Question,
  before: Node,
  after: Node,
): { readonly at: Assignment } | { readonly site: string } | null {
  const { decisions } = question
  const changes = decisions.combine('fate change', before, after, (was, is) =>
    was === 'unsure' || is === 'unsure' || was !== is ? 'changed' : 'same',
  )
  const at = decisions.witness(changes, (value) => value === 'changed')
  if (at !== null) return { at }
  const free = decisions.variablesOf(after).find(({ volatile }) => volatile !== null && !volatile.metered)
  return free?.volatile == null ? null : { site: free.volatile.site }
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

function without(live: LiveRules, gone: ReadonlySet<Rule>): LiveRules {
  const touched = ({ rules }: Chain) => rules.some((rule) => gone.has(rule))
  if (!live.rules.tables.some(({ chains }) => chains.some(touched))) return live
  const kept = (chain: Chain): Chain =>
    touched(chain) ? { ...chain, rules: chain.rules.filter((rule) => !gone.has(rule)) } : chain
  const tables = live.rules.tables.map((table) => ({ ...table, chains: table.chains.map(kept) }))
  return { ...live, rules: { ...live.rules, tables } }
}

/** All that goes: with a part of an nft rule the whole of it. */
function goneWith(live: readonly LiveRules[], stateful: readonly StatefulRule[]): ReadonlySet<Rule> {
  const own = new Set(stateful.map(({ rule }) => rule))
  const name = (table: string, chain: string, { handle }: Rule) => `${table} ${chain} ${handle ?? ''}`
  const handles = new Set(
    stateful.flatMap(({ table, chain, rule }) => (rule.handle === undefined ? [] : [name(table, chain, rule)])),
  )
  const all = live.flatMap(({ rules }) =>
    rules.tables.flatMap((table) =>
      table.chains.flatMap((chain) =>
        chain.rules.filter((rule) => own.has(rule) || handles.has(name(table.name, chain.name, rule))),
      ),
    ),
  )
  return new Set(all)
}

function removals(
  live: readonly LiveRules[],
  stateful: readonly StatefulRule[],
  gone: ReadonlySet<Rule>,
): readonly RuleRemoval[] {
  return stateful.map(({ backend, family, table, chain, index, rule }, number) => {
    const set = live.find((each) => each.backend === backend && each.rules.family === family)
    const rules = set === undefined ? [] : (chainOf(set.rules, table, chain)?.rules ?? [])
    // Handles of rules that go are gone for good: nft's neighbours are those that stay.
    const stays = (at: number) => backend !== 'native' || !gone.has(rules[at] as Rule)
    let [above, below] = [index - 1, index + 1]
    while (above >= 0 && !stays(above)) above -= 1
    while (below < rules.length && !stays(below)) below += 1
    return {
      backend,
      family: table.startsWith('inet ') ? 'inet' : family,
      table,
      chain,
      action: 'remove',
      spec: rule.spec,
      key: `ctfleet:remove:${number + 1}`,
      after: neighbour(rules, above),
      before: neighbour(rules, below),
      ...(rule.handle === undefined ? {} : { handle: rule.handle }),
    }
  })
}

function neighbour(rules: readonly Rule[], at: number): string | null {
  const rule = rules[at]
  const name = neighbourAt(rules, at)
  return rule?.handle === undefined || !canBePutBack(rule) ? name : `${name} ${rule.spec}`
}

function everyChain(live: readonly LiveRules[]): readonly ChainRef[] {
  return live.flatMap(({ backend, rules }) =>
    rules.tables.flatMap((table) =>
      table.chains.map((chain) => ({ backend, family: rules.family, table: table.name, chain: chain.name })),
    ),
  )
}
