import { type BaseChain, basesOn, rawBasesOn, seenBy } from './bases.ts'
import type { Assignment } from './decision.ts'
import { asRaw } from './evaluate.ts'
import { ruleMatches } from './match.ts'
import type { Packet } from './packet.ts'
import { type Question, siteFor } from './question.ts'
import { type Chain, chainOf, type LiveRules, policySite, type Rule, type RuleSet } from './rules.ts'
import { effectOf } from './targets.ts'
import { DEEPEST, STEPS_A_RULE, tooDeep } from './work.ts'

/** How one packet ends, and by which rule or policy; `met` are the rules that matched on its way, `site` null where no rule had a say. */
export type Decided = {
  readonly end: 'accept' | 'drop' | 'unsure' | 'translate'
  readonly site: string | null
  readonly met: readonly MetRule[]
}
export type MetRule = { readonly table: string; readonly chain: string; readonly rule: Rule }

/** One packet's way through everything that can end it: the first chain that does not accept decides. */
export function decidedBy(
  question: Question,
  live: readonly LiveRules[],
  packet: Packet,
  assignment: Assignment,
): Decided {
  const met: MetRule[] = []
  let last: Decided = { end: 'accept', site: null, met }
  let unsure: Decided | null = null
  for (const [each, base, seen] of wayOf(live, packet)) {
    const here = decidedIn(question, each.rules, base, { packet: seen, assignment })
    for (const rule of here.met) met.push(rule)
    if (here.end === 'drop') return { ...here, met }
    if (here.end !== 'accept') unsure ??= { ...here, end: 'unsure', met }
    else if (here.site !== null) last = { ...here, met }
  }
  return unsure ?? last
}

/** One packet's way through one base chain. */
export function decidedIn(
  question: Question,
  rules: RuleSet,
  base: BaseChain,
  asked: { readonly packet: Packet; readonly assignment: Assignment },
): Decided {
  const chain = chainOf(rules, base.table, base.chain)
  const met: MetRule[] = []
  if (chain === undefined) return { end: 'accept', site: null, met }
  const found = follow({ question, rules, base, ...asked, met, active: new Set() }, chain)
  if (found !== 'back') return { ...found, met }
  const site = policySite(base.table, base.chain)
  return { end: chain.policy === 'DROP' ? 'drop' : 'accept', site, met }
}

type Way = {
  readonly question: Question
  readonly rules: RuleSet
  readonly base: BaseChain
  readonly packet: Packet
  readonly assignment: Assignment
  readonly met: MetRule[]
  readonly active: Set<string>
}

function wayOf(live: readonly LiveRules[], packet: Packet): readonly (readonly [LiveRules, BaseChain, Packet])[] {
  return [
    ...live.flatMap((each) => rawBasesOn(each, packet.path).map((base) => [each, base, asRaw(packet, base)] as const)),
    ...live.flatMap((each) => basesOn(each, packet.path).map((base) => [each, base, seenBy(packet, base)] as const)),
  ]
}

function follow(way: Way, chain: Chain): Omit<Decided, 'met'> | 'back' {
  const { question, base } = way
  const table = base.table
  if (way.active.has(chain.name)) return { end: 'unsure', site: `${table}: chain ${chain.name} leads back to itself` }
  if (way.active.size > DEEPEST) throw tooDeep(chain.name)
  way.active.add(chain.name)
  try {
    for (const rule of chain.rules) {
      question.decisions.work.spend(STEPS_A_RULE)
      const site = siteFor(question, table, chain.name, rule)
      const matches = question.decisions.valueAt(ruleMatches(question, way.packet, rule, site), way.assignment)
      if (matches === 'no') continue
      if (matches !== 'yes') {
        if (goesOn(way, rule)) continue
        return { end: 'unsure', site }
      }
      way.met.push({ table, chain: chain.name, rule })
      if (rule.target === null) continue
      const next = chainOf(way.rules, table, rule.target.name)
      if (next !== undefined) {
        const inside = follow(way, next)
        if (inside !== 'back') return inside
        if (rule.target.goto) return 'back'
        continue
      }
      const effect = rule.target.goto ? 'unsure' : effectOf(rule.target.name, rule.target.options)
      if (effect === 'accept' || effect === 'drop' || effect === 'translate' || effect === 'unsure') {
        return { end: effect, site }
      }
      if (effect === 'return') return 'back'
    }
    return 'back'
  } finally {
    way.active.delete(chain.name)
  }
}

function goesOn(way: Way, { target }: Rule): boolean {
  if (target === null) return true
  if (chainOf(way.rules, way.base.table, target.name) !== undefined || target.goto) return false
  return ['go-on', 'no-track', 'track'].includes(effectOf(target.name, target.options))
}
