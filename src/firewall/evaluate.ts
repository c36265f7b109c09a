import { Decisions, kindOf, type Node } from './decision.ts'
import { and, either, no, or, yes } from './logic.ts'
import { ruleMatches } from './match.ts'
import { METERED } from './match-kinds.ts'
import type { Packet } from './packet.ts'
import { packetKey, type Question } from './question.ts'
import { type Chain, chainOf, type Family, type LiveRules, type Rule, type RuleSet } from './rules.ts'
import { spaceOf } from './space.ts'
import { effectOf, MARKING_TARGETS } from './targets.ts'

/** Base chains by the way a packet takes, in the kernel's order, with the side of the path they see. */
export const PATHS: Readonly<Record<Packet['path'], readonly BaseChain[]>> = {
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
  forward: [
    { table: 'mangle', chain: 'PREROUTING', sees: 'in' },
    { table: 'mangle', chain: 'FORWARD', sees: 'both' },
    { table: 'filter', chain: 'FORWARD', sees: 'both' },
    { table: 'security', chain: 'FORWARD', sees: 'both' },
    { table: 'mangle', chain: 'POSTROUTING', sees: 'out' },
  ],
}

export type BaseChain = { readonly table: string; readonly chain: string; readonly sees: 'in' | 'out' | 'both' }

/** Prepares to ask rule sets of one family, all with the same variables; `budget` is the most decision nodes. */
export function questionFor(
  family: Family,
  live: readonly LiveRules[],
  detail: { readonly ports: readonly number[]; readonly budget: number },
): Question {
  const rules = live.flatMap(({ rules }) =>
    rules.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules)),
  )
  const targets = rules.filter(({ target }) => target !== null)
  return {
    decisions: new Decisions(detail.budget),
    space: spaceOf(family, live, detail.ports),
    addressTests: new Map(),
    ruleTests: new WeakMap(),
    fates: new WeakMap(),
    packets: { keys: new WeakMap(), texts: new Map() },
    writtenSets: new Set(
      targets
        .filter(({ target }) => target?.name === 'SET')
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
 * The fate of a class of packets on its way through mangle, filter and security of every live rule set: a diagram with the
 * terminals `accept|site`, `drop|site` and `unsure|site`, where the site names the rule or policy that decided.
 */
export function fate(question: Question, live: readonly LiveRules[], packet: Packet): Node {
  const { decisions } = question
  const fates = live.flatMap(({ rules }) =>
    PATHS[packet.path].map((base) => chainFate(question, rules, base, seenBy(packet, base))),
  )
  return fates.reduce(
    (left, right) => decisions.combine('both', left, right, bothPass),
    decisions.terminal('accept|no rule'),
  )
}

/** Where the raw table makes packets of a class untracked. The first target that settles tracking wins. */
export function untrackedWhere(question: Question, live: readonly LiveRules[], packet: Packet): Node {
  const { decisions } = question
  const chain = packet.path === 'out' ? 'OUTPUT' : 'PREROUTING'
  const base: BaseChain = { table: 'raw', chain, sees: packet.path === 'out' ? 'out' : 'in' }
  const raw: Packet = { ...seenBy(packet, base), state: { is: 'raw' } }
  return or(
    decisions,
    ...live.map(({ rules }) =>
      walkBase(question, rules, base, raw, {
        'no-track': () => yes(decisions),
        track: () => no(decisions),
        accept: () => no(decisions),
        drop: () => no(decisions),
      }),
    ),
  )
}

/** The fate in the raw table itself, before the packet meets tracking. */
export function rawFate(question: Question, live: readonly LiveRules[], packet: Packet): Node {
  const { decisions } = question
  const chain = packet.path === 'out' ? 'OUTPUT' : 'PREROUTING'
  const base: BaseChain = { table: 'raw', chain, sees: packet.path === 'out' ? 'out' : 'in' }
  const raw: Packet = { ...seenBy(packet, base), state: { is: 'raw' } }
  return live
    .map(({ rules }) => chainFate(question, rules, base, raw))
    .reduce((left, right) => decisions.combine('both', left, right, bothPass), decisions.terminal('accept|no rule'))
}

/** The fate in one base chain; `accept` where the table or chain is not there. */
export function chainFate(question: Question, rules: RuleSet, base: BaseChain, packet: Packet): Node {
  const { decisions } = question
  const table = rules.tables.find(({ name }) => name === base.table)
  if (table === undefined) return decisions.terminal('accept|no rule')
  const key = `${base.chain} ${packetKey(question, packet)}`
  const known = question.fates.get(table)?.get(key)
  if (known !== undefined) return known
  const node = walkBase(question, rules, base, packet, {
    accept: (site) => decisions.terminal(`accept|${site}`),
    drop: (site) => decisions.terminal(`drop|${site}`),
  })
  question.fates.set(table, (question.fates.get(table) ?? new Map<string, Node>()).set(key, node))
  return node
}

/** Where a chain of the nat table translates, and the rule that does: terminals `yes|site`, `no`, `unsure|site`. */
export function translatedWhere(question: Question, rules: RuleSet, base: BaseChain, packet: Packet): Node {
  const { decisions } = question
  return walkBase(question, rules, base, seenBy(packet, base), {
    translate: (site) => decisions.terminal(`yes|${site}`),
    accept: () => no(decisions),
    drop: () => no(decisions),
  })
}

/** Where packets of a class meet one rule and its counters count: what precedes a test that is metered. */
export function metWhere(question: Question, live: readonly LiveRules[], packet: Packet, site: string): Node {
  const { decisions } = question
  let met = no(decisions)
  let alive = yes(decisions)
  for (const { rules } of live) {
    for (const base of PATHS[packet.path]) {
      const seen = seenBy(packet, base)
      const answers = { accept: () => no(decisions), drop: () => no(decisions) }
      met = or(decisions, met, and(decisions, alive, walkBase(question, rules, base, seen, answers, site)))
      alive = and(decisions, alive, passes(question, chainFate(question, rules, base, seen)))
    }
  }
  return met
}

/** `yes` where the fate is accept, `no` where it is drop, unsure with its site otherwise. */
export function passes(question: Question, node: Node): Node {
  return question.decisions.map('passes', node, (value) => {
    const kind = kindOf(value)
    return kind === 'accept' ? 'yes' : kind === 'drop' ? 'no' : value
  })
}

/** A packet as one base chain sees it: PREROUTING knows no way out, POSTROUTING no way in. */
export function seenBy(packet: Packet, base: BaseChain): Packet {
  if (packet.path !== 'forward' || base.sees === 'both') return packet
  return base.sees === 'in' ? { ...packet, out: { is: '' } } : { ...packet, in: { is: '' } }
}

/** Names a rule the way a person finds it. */
export function siteOf(table: string, chain: string, rule: Rule): string {
  return `${table}: -A ${chain} ${rule.spec}`.trimEnd()
}

type Answers = Partial<Record<'accept' | 'drop' | 'no-track' | 'track' | 'translate', (site: string) => Node>>

function walkBase(
  question: Question,
  rules: RuleSet,
  base: BaseChain,
  packet: Packet,
  answers: Answers,
  meter: string | null = null,
): Node {
  const { decisions } = question
  const chain = chainOf(rules, base.table, base.chain)
  const policy = chain?.policy === 'DROP' ? 'drop' : 'accept'
  const site = chain === undefined ? 'no rule' : `${base.table}: policy of ${base.chain}`
  const end = answers[policy]?.(site) ?? decisions.terminal(`unsure|${site}`)
  if (chain === undefined) return end
  return walk(
    { question, rules, table: base.table, packet, answers, meter, memo: new Map(), active: new Set() },
    chain,
    end,
  )
}

type Walk = {
  readonly question: Question
  readonly rules: RuleSet
  readonly table: string
  readonly packet: Packet
  readonly answers: Answers
  /** The rule that is asked for, or null. */
  readonly meter: string | null
  readonly memo: Map<string, Node>
  readonly active: Set<string>
}

/** From the last rule up: what a packet meets that reaches this rule, given what it meets behind the chain's end. */
function walk(on: Walk, chain: Chain, end: Node): Node {
  const key = `${end} ${chain.name}`
  const memo = on.memo.get(key)
  if (memo !== undefined) return memo
  const { decisions } = on.question
  if (on.active.has(chain.name))
    return decisions.terminal(`unsure|${on.table}: chain ${chain.name} leads back to itself`)
  on.active.add(chain.name)
  let rest = end
  for (const rule of chain.rules.toReversed()) {
    const site = siteOf(on.table, chain.name, rule)
    if (site === on.meter) {
      const unmetered = { ...rule, matches: rule.matches.filter(({ name }) => !METERED.has(name)) }
      rest = or(decisions, ruleMatches(on.question, on.packet, unmetered, site), rest)
    }
    const here = verdict(on, rule, site, { rest, end })
    if (here !== rest) {
      const matches = ruleMatches(on.question, on.packet, rule, site)
      rest = either(decisions, matches, here, rest)
    }
  }
  on.active.delete(chain.name)
  on.memo.set(key, rest)
  return rest
}

function verdict(on: Walk, rule: Rule, site: string, ahead: { readonly rest: Node; readonly end: Node }): Node {
  const { target } = rule
  if (target === null) return ahead.rest
  const chain = chainOf(on.rules, on.table, target.name)
  if (chain !== undefined) return walk(on, chain, target.goto ? ahead.end : ahead.rest)
  const effect = target.goto ? 'unsure' : effectOf(target.name, target.options)
  switch (effect) {
    case 'accept':
    case 'drop':
    case 'translate':
      return on.answers[effect]?.(site) ?? on.question.decisions.terminal(`unsure|${site}`)
    case 'no-track':
    case 'track':
      return on.answers[effect]?.(site) ?? ahead.rest
    case 'return':
      return ahead.end
    case 'go-on':
      return ahead.rest
    case 'unsure':
      return on.question.decisions.terminal(`unsure|${site}`)
  }
}

function bothPass(left: string, right: string): string {
  if (kindOf(left) === 'drop') return left
  if (kindOf(right) === 'drop') return right
  if (kindOf(left) === 'unsure') return left
  return right === 'accept|no rule' ? left : right
}

function firstValue({ values }: { readonly values: readonly string[] }): string {
  return values[0] ?? ''
}
