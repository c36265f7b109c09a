import { no } from './logic.ts'
import { bearsName, ruleMatches } from './match.ts'
import { NEEDS_TRACKING } from './match-kinds.ts'
import type { Packet } from './packet.ts'
import { type Question, siteFor } from './question.ts'
import { type Chain, chainOf, type Rule, type RuleSet } from './rules.ts'
import { DEEPEST, STEPS_A_RULE, tooDeep } from './work.ts'

/** A rule that a class of packets can meet, and where it stands. */
export type Met = { readonly chain: string; readonly index: number; readonly rule: Rule }

/** The rules of one table that packets of a class can match, whatever their state when `anyState`, chain by chain. */
export function rulesMet(
  question: Question,
  rules: RuleSet,
  at: { readonly table: string; readonly chain: string },
  packet: Packet,
  anyState: boolean,
): { readonly chains: readonly string[]; readonly met: readonly Met[] } {
  const never = no(question.decisions)
  const chains: string[] = []
  const met: Met[] = []
  const seen = new Set<string>()
  const visit = (chain: Chain, depth: number) => {
    if (seen.has(chain.name)) return
    if (depth > DEEPEST) throw tooDeep(chain.name)
    seen.add(chain.name)
    chains.push(chain.name)
    question.decisions.work.spend(chain.rules.length * STEPS_A_RULE)
    for (const [index, rule] of chain.rules.entries()) {
      const asked = anyState ? stateless(question, rule) : rule
      const site = !bearsName(asked) ? '' : siteFor(question, at.table, chain.name, rule)
      if (ruleMatches(question, packet, asked, site) === never) continue
      met.push({ chain: chain.name, index, rule })
      const next = rule.target === null ? undefined : chainOf(rules, at.table, rule.target.name)
      if (next !== undefined) visit(next, depth + 1)
    }
  }
  const base = chainOf(rules, at.table, at.chain)
  if (base !== undefined) visit(base, 0)
  return { chains, met }
}

function stateless({ memory }: Question, rule: Rule): Rule {
  if (!rule.matches.some(({ name }) => NEEDS_TRACKING.has(name))) return rule
  const known = memory.stateless.get(rule)
  if (known !== undefined) return known
  const made = { ...rule, matches: rule.matches.filter(({ name }) => !NEEDS_TRACKING.has(name)) }
  memory.stateless.set(rule, made)
  return made
}
