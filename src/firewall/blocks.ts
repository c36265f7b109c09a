import type { Decisions, Node } from './decision.ts'
import { or } from './logic.ts'
import { bearsName, headerMatches, isPlain, ruleMatches } from './match.ts'
import type { Packet } from './packet.ts'
import { type Block, packetKeys, type Question, type Run, siteFor } from './question.ts'
import type { Chain, Rule } from './rules.ts'
import { effectOf, refusalOf } from './targets.ts'
import { STEPS_A_RULE } from './work.ts'

/**
 * A chain in pieces that stay the same when a rule comes or goes elsewhere: where a piece ends is told by its last rule
 * alone. So a trial with one rule more asks only the piece that it fell into.
 */
export function blocksOf(question: Question, chain: Chain): readonly Block[] {
  const { memory } = question
  const known = memory.chains.get(chain)
  if (known !== undefined) return known
  const blocks: Block[] = []
  let rules: Rule[] = []
  for (const rule of chain.rules) {
    rules.push(rule)
    if (endsBlock(rule)) {
      blocks.push(blockOf(question, rules))
      rules = []
    }
  }
  if (rules.length > 0) blocks.push(blockOf(question, rules))
  memory.chains.set(chain, blocks)
  return blocks
}

/** What packets of a class meet in a block: rules in a row that do the same are one, rules that they never match are left out. */
export function runsOf(
  question: Question,
  block: Block,
  at: { readonly packet: Packet; readonly table: string; readonly chain: string },
): readonly Run[] {
  const keys = packetKeys(question, at.packet)
  const key = block.plain ? keys.header : keys.whole
  const known = block.runs.get(key)
  if (known !== undefined) return known
  const { decisions } = question
  const never = decisions.terminal('no')
  const runs: { matches: Node[]; rule: Rule; does: string | null }[] = []
  decisions.work.spend(block.rules.length * STEPS_A_RULE)
  let within = block.within.get(keys.header)
  if (within === undefined) {
    within = block.rules.filter((rule) => rule.target !== null && headerMatches(question, at.packet, rule) !== never)
    block.within.set(keys.header, within)
  }
  for (const rule of within) {
    const site = !bearsName(rule) ? '' : siteFor(question, at.table, at.chain, rule)
    const matches = ruleMatches(question, at.packet, rule, site)
    if (matches === never) continue
    const does = whatItDoes(rule)
    const last = runs.at(-1)
    if (last !== undefined && does !== null && last.does === does) last.matches.push(matches)
    else runs.push({ matches: [matches], rule, does })
  }
  const found = runs.map(({ matches, rule }): Run => ({ matches: anyOf(decisions, matches), rule }))
  block.runs.set(key, found)
  return found
}

function blockOf({ memory }: Question, rules: readonly Rule[]): Block {
  const first = rules[0] as Rule
  const same = (block: Block) =>
    block.rules.length === rules.length && block.rules.every((rule, index) => rule === rules[index])
  const known = memory.blocks.get(first)?.find(same)
  if (known !== undefined) return known
  const block: Block = { rules, plain: rules.every(isPlain), within: new Map(), runs: new Map() }
  memory.blocks.set(first, [...(memory.blocks.get(first) ?? []), block])
  return block
}

/** One rule in sixteen or so, by its text. */
function endsBlock({ spec }: Rule): boolean {
  let sum = 0
  for (let at = 0; at < spec.length; at += 1) sum = (sum * 31 + spec.charCodeAt(at)) >>> 0
  return sum % 16 === 0
}

/** Null where two rules can't be put together. */
function whatItDoes({ target }: Rule): string | null {
  if (target === null || target.goto) return null
  const effect = effectOf(target.name, target.options)
  return effect === 'accept' || effect === 'drop' ? `${target.name} ${refusalOf(target)}` : null
}

/** Pairwise, so that long rows stay cheap. */
function anyOf(decisions: Decisions, tests: readonly Node[]): Node {
  if (tests.length === 1) return tests[0] as Node
  const half = tests.length >> 1
  return or(decisions, anyOf(decisions, tests.slice(0, half)), anyOf(decisions, tests.slice(half)))
}
