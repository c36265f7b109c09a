import { type BaseChain, basesOn, rawBasesOn, seenBy } from './bases.ts'
import { blocksOf, runsOf } from './blocks.ts'
import { Decisions, type Node } from './decision.ts'
import { and, either, no, or, yes } from './logic.ts'
import { ruleMatches } from './match.ts'
import { METERED } from './match-kinds.ts'
import type { Packet } from './packet.ts'
import { newMemory, packetKeys, type Question, siteFor } from './question.ts'
import { type Chain, chainOf, type Family, type LiveRules, type Rule, type RuleSet } from './rules.ts'
import { spaceOf } from './space.ts'
import { effectOf, MARKING_TARGETS, type Refusal, refusalOf } from './targets.ts'
import { DEEPEST, STEPS_A_RULE, tooDeep, type Work } from './work.ts'

/** Prepares to ask rule sets of one family, all with the same variables; `budget` is the most decision nodes, `work` what may be done in all. */
export function questionFor(
  family: Family,
  live: readonly LiveRules[],
  detail: { readonly ports: readonly number[]; readonly budget: number; readonly work?: Work },
): Question {
  const rules = live.flatMap(({ rules }) =>
    rules.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules)),
  )
  const targets = rules.filter(({ target }) => target !== null)
  return {
    decisions: new Decisions(detail.budget, detail.work),
    space: spaceOf(family, live, detail.ports),
    refusals: new Set(targets.flatMap(({ target }) => (target === null ? [] : (refusalOf(target) ?? [])))),
    fieldTests: new Map(),
    memory: newMemory(),
    writtenSets: new Set(
      targets
        .filter(({ target }) => target?.name === 'SET' || target?.name === 'set')
        .flatMap(({ target }) => target?.options.map(firstValue) ?? []),
    ),
    marksByState: targets.some(
      ({ target, matches }) =>
        MARKING_TARGETS.has(target?.name ?? '') &&
        (target?.options.some(({ option }) => option.startsWith('restore')) ||
          matches.some(({ name }) => ['state', 'conntrack', 'connmark'].includes(name))),
    ),
  }
}

/**
 * The fate of a class of packets once they have met tracking, in the chains of every live rule set: a diagram with the
 * terminals `accept`, `drop` and `unsure`. `decider` names the rule.
 */
export function fate(question: Question, live: readonly LiveRules[], packet: Packet): Node {
  return throughAll(
    question,
    live.flatMap((each) =>
      basesOn(each, packet.path).map((base) => chainFate(question, each.rules, base, seenBy(packet, base))),
    ),
  )
}

/** The fate before the packet meets tracking: in the raw table, and in nft's own chains at such a priority. */
export function rawFate(question: Question, live: readonly LiveRules[], packet: Packet): Node {
  return throughAll(
    question,
    live.flatMap((each) =>
      rawBasesOn(each, packet.path).map((base) => chainFate(question, each.rules, base, asRaw(packet, base))),
    ),
  )
}

/** Where rules before tracking make packets of a class untracked. The first target that settles tracking wins. */
export function untrackedWhere(question: Question, live: readonly LiveRules[], packet: Packet): Node {
  const { decisions } = question
  return or(
    decisions,
    ...live.flatMap((each) =>
      rawBasesOn(each, packet.path).map((base) =>
        walkBase(question, each.rules, base, {
          packet: asRaw(packet, base),
          answers: {
            'no-track': yes(decisions),
            track: no(decisions),
            accept: no(decisions),
            drop: no(decisions),
          },
        }),
      ),
    ),
  )
}

/** The fate in one base chain; `accept` where the table or chain is not there. */
export function chainFate(question: Question, rules: RuleSet, base: BaseChain, packet: Packet): Node {
  const { decisions, memory } = question
  const accept = decisions.terminal('accept')
  const table = rules.tables.find(({ name }) => name === base.table)
  if (table === undefined) return accept
  const key = `${base.chain} ${packetKeys(question, packet).whole}`
  const known = memory.fates.get(table)?.get(key)
  if (known !== undefined) return known
  const node = walkBase(question, rules, base, { packet, answers: { accept, drop: decisions.terminal('drop') } })
  memory.fates.set(table, (memory.fates.get(table) ?? new Map<string, Node>()).set(key, node))
  return node
}

/** Where a chain that translates addresses does so: terminals `yes`, `no`, and `unsure` where it might or ends the packet. */
export function translatedWhere(question: Question, rules: RuleSet, base: BaseChain, packet: Packet): Node {
  const { decisions } = question
  const answers = { translate: yes(decisions), accept: no(decisions) }
  return walkBase(question, rules, base, { packet: seenBy(packet, base), answers })
}

/** Where packets of a class are refused in one of the ways there are, and the sender is told so. */
export function refusedWhere(question: Question, live: readonly LiveRules[], packet: Packet, how: Refusal): Node {
  const { decisions } = question
  const answers = { accept: no(decisions), drop: no(decisions), [how]: yes(decisions) }
  let refused = no(decisions)
  let alive = passes(question, rawFate(question, live, packet))
  for (const each of live) {
    for (const base of basesOn(each, packet.path)) {
      const seen = seenBy(packet, base)
      const here = walkBase(question, each.rules, base, { packet: seen, answers })
      refused = or(decisions, refused, and(decisions, alive, here))
      alive = and(decisions, alive, passes(question, chainFate(question, each.rules, base, seen)))
    }
  }
  return refused
}

/** Where packets of a class meet one rule and its counters count: what precedes a test that is metered. */
export function metWhere(question: Question, live: readonly LiveRules[], packet: Packet, site: string): Node {
  const { decisions } = question
  const answers = { accept: no(decisions), drop: no(decisions) }
  let met = no(decisions)
  let alive = yes(decisions)
  for (const each of live) {
    for (const base of basesOn(each, packet.path)) {
      const seen = seenBy(packet, base)
      const here = walkBase(question, each.rules, base, { packet: seen, answers, meter: site })
      met = or(decisions, met, and(decisions, alive, here))
      alive = and(decisions, alive, passes(question, chainFate(question, each.rules, base, seen)))
    }
  }
  return met
}

/**
 * The rules that have a say in what becomes of a class of packets once they have met tracking. Without all the others, every
 * chain on their way gives them the same fate; of rules that do the same to the same packets, the last has the say.
 */
export function rulesWithSay(question: Question, live: readonly LiveRules[], packet: Packet): ReadonlySet<Rule> {
  const { decisions } = question
  const answers = { accept: decisions.terminal('accept'), drop: decisions.terminal('drop') }
  const withSay = new Set<Rule>()
  for (const each of live) {
    for (const base of basesOn(each, packet.path)) {
      walkBase(question, each.rules, base, { packet: seenBy(packet, base), answers, withSay })
    }
  }
  return withSay
}

/** `yes` where the fate is accept, `no` where it is drop, unsure otherwise. */
export function passes(question: Question, node: Node): Node {
  return question.decisions.map('passes', node, (value) =>
    value === 'accept' ? 'yes' : value === 'drop' ? 'no' : value,
  )
}

/** A packet as a chain before tracking sees it. */
export function asRaw(packet: Packet, base: BaseChain): Packet {
  return { ...seenBy(packet, base), state: { is: 'raw' } }
}

type Answers = Partial<Record<'accept' | 'drop' | 'no-track' | 'track' | 'translate' | Refusal, Node>>
type Asked = {
  readonly packet: Packet
  readonly answers: Answers
  readonly meter?: string
  /** Filled in with the rules that make a difference. */
  readonly withSay?: Set<Rule>
}

function throughAll({ decisions }: Question, fates: readonly Node[]): Node {
  const accept = decisions.terminal('accept')
  return fates.reduce(
    (left, right) => (left === accept ? right : right === accept ? left : decisions.combine('both', left, right, both)),
    accept,
  )
}

function walkBase(question: Question, rules: RuleSet, base: BaseChain, asked: Asked): Node {
  const chain = chainOf(rules, base.table, base.chain)
  const unsure = question.decisions.terminal('unsure')
  const end = asked.answers[chain?.policy === 'DROP' ? 'drop' : 'accept'] ?? unsure
  if (chain === undefined) return end
  const { packet, answers, meter = null, withSay = null } = asked
  const on = {
    question,
    rules,
    table: base.table,
    packet,
    answers,
    meter,
    withSay,
    unsure,
    memo: new Map(),
    active: new Set<string>(),
  }
  return walk(on, chain, end)
}

type Walk = {
  readonly question: Question
  readonly rules: RuleSet
  readonly table: string
  readonly packet: Packet
  readonly answers: Answers
  /** The rule that is asked for, or null. */
  readonly meter: string | null
  readonly withSay: Set<Rule> | null
  readonly unsure: Node
  readonly memo: Map<string, Node>
  readonly active: Set<string>
}

/** From the last rule up: what a packet meets that reaches this rule, given what it meets behind the chain's end. */
function walk(on: Walk, chain: Chain, end: Node): Node {
  const key = `${end} ${chain.name}`
  const memo = on.memo.get(key)
  if (memo !== undefined) return memo
  // A chain that leads back to itself.
  if (on.active.has(chain.name)) return on.unsure
  if (on.active.size > DEEPEST) throw tooDeep(chain.name)
  on.active.add(chain.name)
  const inBlocks = on.meter === null && on.withSay === null
  const node = inBlocks ? throughBlocks(on, chain, end) : throughRules(on, chain, end)
  on.active.delete(chain.name)
  on.memo.set(key, node)
  return node
}

function throughBlocks(on: Walk, chain: Chain, end: Node): Node {
  let rest = end
  for (const block of blocksOf(on.question, chain).toReversed()) {
    const at = { packet: on.packet, table: on.table, chain: chain.name }
    const runs = runsOf(on.question, block, at)
    on.question.decisions.work.spend(runs.length + 1)
    for (const { matches, rule } of runs.toReversed()) {
      const here = verdict(on, rule, { rest, end })
      if (here !== rest) rest = either(on.question.decisions, matches, here, rest)
    }
  }
  return rest
}

function throughRules(on: Walk, chain: Chain, end: Node): Node {
  const { decisions } = on.question
  let rest = end
  decisions.work.spend(chain.rules.length * STEPS_A_RULE)
  for (const rule of chain.rules.toReversed()) {
    const site = siteFor(on.question, on.table, chain.name, rule)
    if (site === on.meter) {
      const unmetered = { ...rule, matches: rule.matches.filter(({ name }) => !METERED.has(name)) }
      rest = or(decisions, ruleMatches(on.question, on.packet, unmetered, site), rest)
    }
    const here = verdict(on, rule, { rest, end })
    if (here === rest) continue
    const now = either(decisions, ruleMatches(on.question, on.packet, rule, site), here, rest)
    if (now !== rest) on.withSay?.add(rule)
    rest = now
  }
  return rest
}

function verdict(on: Walk, rule: Rule, ahead: { readonly rest: Node; readonly end: Node }): Node {
  const { target } = rule
  if (target === null) return ahead.rest
  const chain = chainOf(on.rules, on.table, target.name)
  if (chain !== undefined) return walk(on, chain, target.goto ? ahead.end : ahead.rest)
  const effect = target.goto ? 'unsure' : effectOf(target.name, target.options)
  switch (effect) {
    case 'drop': {
      const refusal = refusalOf(target)
      return (refusal === null ? undefined : on.answers[refusal]) ?? on.answers.drop ?? on.unsure
    }
    case 'accept':
    case 'translate':
      return on.answers[effect] ?? on.unsure
    case 'no-track':
    case 'track':
      return on.answers[effect] ?? ahead.rest
    case 'return':
      return ahead.end
    case 'go-on':
      return ahead.rest
    case 'unsure':
      return on.unsure
  }
}

function both(left: string, right: string): string {
  if (left === 'drop' || right === 'drop') return 'drop'
  return left === 'unsure' ? left : right
}

function firstValue({ values }: { readonly values: readonly string[] }): string {
  return values[0] ?? ''
}
