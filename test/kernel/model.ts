import type { BaseChain } from '../../src/firewall/bases.ts'
import { seenBy } from '../../src/firewall/bases.ts'
import { decidedIn } from '../../src/firewall/decider.ts'
import type { Assignment, Node } from '../../src/firewall/decision.ts'
import { chainFate, questionFor, untrackedWhere } from '../../src/firewall/evaluate.ts'
import { ruleMatches } from '../../src/firewall/match.ts'
import { asNftHolds } from '../../src/firewall/nft-quirks.ts'
import type { Packet } from '../../src/firewall/packet.ts'
import { parseRules } from '../../src/firewall/parse.ts'
import type { Question } from '../../src/firewall/question.ts'
import { type Chain, chainOf, type Family, type LiveRules, type Rule, siteOf } from '../../src/firewall/rules.ts'
import { effectOf } from '../../src/firewall/targets.ts'
import { cellsOf, exactly, inCells, type Seen } from './seen.ts'

/** All that these tests know of the firewall model: how to ask it about one packet with every field known. */
export type Model = {
  readonly live: LiveRules
  readonly question: Question
  /** The counter of each rule that has one, as `table chain index`; of nft's own as `family table chain handle`. */
  readonly places: ReadonlyMap<Rule, string>
}

export function modelOf(live: LiveRules, places: Model['places']): Model {
  return { live, question: questionFor(live.rules.family, [live], { ports: [], budget: 3_000_000 }), places }
}

/** One way through a base chain that the model holds for possible: the places that count the packet, and how it ends. */
export type Way = {
  readonly counted: readonly string[]
  readonly end: 'accept' | 'drop'
  readonly notrack: boolean
  /** The target's name that ended it; empty for a policy. */
  readonly by: string
}

/** What the model says about itself differently when asked differently. */
export type Contradiction = { readonly place: string; readonly says: string }

export type Asked = {
  /** One way where the model tells, several where it leaves something open, none where it leaves too much open. */
  readonly ways: readonly Way[]
  readonly contradictions: readonly Contradiction[]
}

/** Reads what a save tool printed; throws where the model cannot. */
export function readModel(family: Family, backend: 'legacy' | 'nft', saved: string): Model {
  const rules = parseRules(saved, family)
  if (!rules.known) throw new Error(`the model cannot read the rules: ${rules.why}`)
  const held = backend === 'nft' ? asNftHolds(rules.value) : rules.value
  const live: LiveRules = { backend, rules: held }
  const places = new Map<Rule, string>()
  for (const table of held.tables) {
    for (const chain of table.chains) {
      for (const [index, rule] of chain.rules.entries()) places.set(rule, `${table.name} ${chain.name} ${index}`)
    }
  }
  return modelOf(live, places)
}

/** What a packet meets in one base chain, and whether the model's other answers about it agree. */
export function ask(model: Model, base: BaseChain, seen: Seen): Asked {
  const { question, live } = model
  const chain = chainOf(live.rules, base.table, base.chain)
  if (chain === undefined) return { ways: [{ counted: [], end: 'accept', notrack: false, by: '' }], contradictions: [] }
  const known = exactly(question, seen, live.backend)
  // The kernel at hand knows the way in there as well.
  const exact = base.sees === 'in' ? seenBy(known, base) : known
  const cells = cellsOf(question, seen)
  const contradictions: Contradiction[] = []
  const walk: Walk = { model, base, exact, byCells: seenBy(inCells(exact), base), cells, contradictions }
  const ends = follow(walk, chain, [START(cells)])
  if (ends === null) return { ways: [], contradictions }
  const policy = chain.policy === 'DROP' ? 'drop' : 'accept'
  const ways = ends.map(({ counted, end, notrack, by }): Way => {
    if (end === 'accept' || end === 'drop') return { counted, end, notrack: notrack === true, by }
    const place = live.backend === 'native' ? [] : [`${base.table} ${base.chain} policy`]
    return { counted: [...counted, ...place], end: policy, notrack: notrack === true, by: '' }
  })
  const [only] = ways
  if (ways.length === 1 && only !== undefined) contradictions.push(...otherAnswers(walk, only))
  return { ways, contradictions }
}

type Walk = {
  readonly model: Model
  readonly base: BaseChain
  readonly exact: Packet
  /** The same with ports, interfaces, protocol and state as variables, as classes of packets have them. */
  readonly byCells: Packet
  readonly cells: Assignment
  readonly contradictions: Contradiction[]
}

type Step = {
  readonly counted: readonly string[]
  readonly end: 'back' | 'return' | 'accept' | 'drop'
  readonly notrack: boolean | null
  readonly by: string
  /** What we took for true on the way, of tests whose answer the model does not know. */
  readonly assumed: Assignment
}

const MOST_WAYS = 32
const START = (assumed: Assignment): Step => ({ counted: [], end: 'back', notrack: null, by: '', assumed })

/** All steps that are still under way go through the chain; null when there are too many ways. */
function follow(walk: Walk, chain: Chain, from: readonly Step[]): readonly Step[] | null {
  let going = from
  const left: Step[] = []
  for (const rule of chain.rules) {
    const next: Step[] = []
    for (const step of going) {
      for (const { holds, assumed } of answers(walk, rule, chain.name, step.assumed)) {
        if (!holds) {
          next.push({ ...step, assumed })
          continue
        }
        const place = walk.model.places.get(rule)
        const counted = place === undefined ? step.counted : [...step.counted, place]
        const after = execute(walk, rule, { ...step, assumed, counted })
        if (after === null) return null
        for (const each of after) (each.end === 'back' ? next : left).push(each)
      }
    }
    if (next.length + left.length > MOST_WAYS) return null
    going = next
    if (going.length === 0) break
  }
  return [...left.map((step): Step => (step.end === 'return' ? { ...step, end: 'back' } : step)), ...going]
}

/** Where a packet goes that matched: on (`back`), out of the chain (`return`), or to its end. */
function execute(walk: Walk, { target }: Rule, step: Step): readonly Step[] | null {
  if (target === null) return [step]
  const chain = chainOf(walk.model.live.rules, walk.base.table, target.name)
  if (chain !== undefined) {
    const inside = follow(walk, chain, [step])
    if (inside === null || !target.goto) return inside
    return inside.map((each): Step => (each.end === 'back' ? { ...each, end: 'return' } : each))
  }
  const effect = target.goto ? 'unsure' : effectOf(target.name, target.options)
  switch (effect) {
    case 'accept':
    case 'drop':
      return [{ ...step, end: effect, by: target.name }]
    case 'return':
      return [{ ...step, end: 'return' }]
    case 'no-track':
      return [{ ...step, notrack: step.notrack ?? true }]
    case 'track':
      return [{ ...step, notrack: step.notrack ?? false }]
    case 'go-on':
      return [step]
    case 'translate':
    case 'unsure':
      return null
  }
}

type Answer = { readonly holds: boolean; readonly assumed: Assignment }

function answers(walk: Walk, rule: Rule, chain: string, assumed: Assignment): readonly Answer[] {
  const { question } = walk.model
  const site = siteOf(walk.base.table, chain, rule)
  const found = possible(question, ruleMatches(question, walk.exact, rule, site), assumed)
  const coarse = possible(question, ruleMatches(question, walk.byCells, rule, site), assumed)
  const [one, other] = [found[0] as Answer, coarse[0] as Answer]
  if (found.length === 1 && coarse.length === 1 && one.holds !== other.holds) {
    walk.contradictions.push({
      place: walk.model.places.get(rule) ?? site,
      says: `${one.holds ? 'matches' : 'does not match'} with its fields, but ${other.holds ? 'matches' : 'does not match'} by its cells`,
    })
  }
  return found
}

/** The answers a test may give; where one thing alone is open, what was taken for true holds for the rest of the way. */
function possible(question: Question, node: Node, assumed: Assignment): readonly Answer[] {
  const { decisions } = question
  const open = decisions.variablesOf(node).filter(({ name }) => !assumed.has(name))
  const sizes = open.reduce((product, { size }) => product * size, 1)
  if (sizes > 4096) return BOTH(assumed)
  const found: Answer[] = []
  for (let code = 0; code < sizes; code += 1) {
    const trial = new Map(assumed)
    let rest = code
    for (const { name, size } of open) {
      trial.set(name, rest % size)
      rest = Math.floor(rest / size)
    }
    const value = decisions.valueAt(node, trial)
    if (value !== 'yes' && value !== 'no') return BOTH(assumed)
    found.push({ holds: value === 'yes', assumed: trial })
  }
  if (found.every(({ holds }) => holds === found[0]?.holds)) return [{ holds: found[0]?.holds === true, assumed }]
  return found.length === 2 ? found : BOTH(assumed)
}

const BOTH = (assumed: Assignment): readonly Answer[] => [
  { holds: true, assumed },
  { holds: false, assumed },
]

/** The model's diagrams and its rule by rule answer, for a packet whose way we know. */
function otherAnswers(walk: Walk, way: Way): readonly Contradiction[] {
  const { model, base, exact, cells } = walk
  const { question, live } = model
  const place = `${base.table} ${base.chain}`
  const found: Contradiction[] = []
  const told = (node: Node) =>
    question.decisions.variablesOf(node).every(({ name }) => cells.has(name))
      ? question.decisions.valueAt(node, cells)
      : null
  for (const [how, packet] of [
    ['with its fields', exact],
    ['by its cells', walk.byCells],
  ] as const) {
    const fate = told(chainFate(question, live.rules, base, packet))
    if (fate !== null && fate !== way.end && fate !== 'unsure') {
      found.push({ place, says: `rule by rule it ends in ${way.end}, the chain's fate ${how} is ${fate}` })
    }
  }
  const decided = decidedIn(question, live.rules, base, { packet: exact, assignment: cells })
  const met = decided.met.flatMap(({ rule }) => model.places.get(rule) ?? [])
  const rules = way.counted.filter((each) => !each.endsWith(' policy'))
  if (decided.end !== 'unsure' && (decided.end !== way.end || met.join() !== rules.join())) {
    found.push({
      place,
      says: `decidedIn says ${decided.end} after ${met.join(', ')}; ${way.end} after ${rules.join(', ')}`,
    })
  }
  if ('is' in exact.state && exact.state.is === 'raw') {
    const notrack = told(untrackedWhere(question, [enteredAt(live, base)], exact))
    // A packet that raw drops is never asked for its tracking.
    if (way.end === 'accept' && (notrack === 'yes') !== way.notrack && notrack !== null && notrack !== 'unsure') {
      found.push({ place, says: `untrackedWhere says ${notrack}, rule by rule it is ${way.notrack ? 'yes' : 'no'}` })
    }
  }
  return found
}

/** nft's own rules with one base chain alone: before tracking there may be several. */
function enteredAt(live: LiveRules, base: BaseChain): LiveRules {
  if (live.backend !== 'native') return live
  const tables = live.rules.tables.map((table) => ({
    ...table,
    chains: table.chains.map((chain) => {
      if (table.name === base.table && chain.name === base.chain) return chain
      const { hook: _, ...rest } = chain
      return rest
    }),
  }))
  return { ...live, rules: { ...live.rules, tables } }
}
