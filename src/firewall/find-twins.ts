import type { Difference } from './compare.ts'
import { type Placed, withPlaced } from './edits.ts'
import { rulesWithSay } from './evaluate.ts'
import type { Question } from './question.ts'
import { type LiveRules, type Rule, siteOf } from './rules.ts'
import { type Likeness, type Twin, twinRule, twinsOf } from './twins.ts'

/**
 * The fewest twins under which nothing changes, or what stands in the way. Twins go beside the rules they twin; where a
 * rule above catches untracked packets first, that rule's chain is copied from there on, above it. `changes` judges a rule
 * set; whatever is proposed here, it has the last word.
 */
export function findTwins(
  question: Question,
  live: readonly LiveRules[],
  likenesses: readonly Likeness[],
  trial: { readonly ports: readonly string[]; readonly changes: (live: readonly LiveRules[]) => readonly Difference[] },
): { readonly twins: readonly Twin[] } | { readonly difference: Difference; readonly tooMany: number | null } {
  // Each is written once: what was asked about its rule is remembered by it.
  const written = new Map<Twin, Placed>()
  const placed = (twin: Twin): Placed => {
    const known = written.get(twin) ?? { ...twin, ...twinRule(twin.parts, trial.ports, 'ctfleet') }
    written.set(twin, known)
    return known
  }
  const withTwins = (twins: readonly Twin[]) => live.map((each) => withPlaced(each, twins.map(placed)))
  const attempt = (twins: readonly Twin[]) => trial.changes(withTwins(twins))
  const untouched = attempt([])
  if (untouched.length === 0) return { twins: [] }

  const blockers: Blocker[] = []
  let first: Difference | undefined
  for (let round = 0; round < 4; round += 1) {
    const all = likenesses.flatMap((likeness) => twinsOf(question, live, likeness, blockers))
    const twins = [...new Map(all.map((twin) => [JSON.stringify(twin), twin])).values()]
    const heard = rulesHeard(question, withTwins(twins), likenesses)
    const some = leastHarm(
      twins.filter((twin) => heard.has(placed(twin).rule)),
      attempt,
    )
    const { kept, left, full } = some.left.length === 0 ? some : leastHarm(twins, attempt)
    if (left.length === 0 && kept.length > MOST_TWINS) {
      return { difference: first ?? (untouched[0] as Difference), tooMany: kept.length }
    }
    if (left.length === 0) return { twins: fewest(kept, (fewer) => attempt(fewer).length === 0) }
    // With every twin in place: what still differs is what no twin mends.
    first = full.find(({ kind }) => kind === 'effects' || kind === 'unsure') ?? full[0]
    const found = left.flatMap(({ kind, rule }) => (kind === 'breaks' && rule !== null ? blockersAt(live, rule) : []))
    const fresh = found.filter(
      (each) => !blockers.some((known) => known.chain === each.chain && known.index <= each.index),
    )
    if (fresh.length === 0) break
    blockers.push(...fresh)
  }
  return { difference: first ?? (untouched[0] as Difference), tooMany: null }
}

type Blocker = { readonly table: string; readonly chain: string; readonly index: number }

/** More would be a copy of the firewall rather than a patch to it, and nobody reads through them before saying yes. */
export const MOST_TWINS = 300

/** Twins that say what is said below them anyway are not heard, and need not be tried one by one. */
function rulesHeard(
  question: Question,
  live: readonly LiveRules[],
  likenesses: readonly Likeness[],
): ReadonlySet<Rule> {
  const packets = likenesses.flatMap(({ become }) => become)
  return new Set(packets.flatMap((packet) => [...rulesWithSay(question, live, packet)]))
}

/** A twin may do harm that another would not: those go first, as long as fewer differences remain. */
function leastHarm(
  twins: readonly Twin[],
  attempt: (twins: readonly Twin[]) => readonly Difference[],
): { readonly kept: readonly Twin[]; readonly left: readonly Difference[]; readonly full: readonly Difference[] } {
  let kept = twins
  const full = attempt(kept)
  let left = full
  if (twins.length > FEW_TWINS) return { kept, left, full }
  for (const twin of twins) {
    if (left.length === 0) break
    const fewer = kept.filter((each) => each !== twin)
    const without = attempt(fewer)
    if (without.length < left.length) [kept, left] = [fewer, without]
  }
  return { kept, left, full }
}

/** As many as can be tried one by one, each with a difference to look for; and where a yes or no is enough. */
const FEW_TWINS = 24
const SOME_TWINS = 60

function fewest(twins: readonly Twin[], works: (twins: readonly Twin[]) => boolean): readonly Twin[] {
  let kept = twins
  if (twins.length > SOME_TWINS) return kept
  for (const twin of twins) {
    const without = kept.filter((each) => each !== twin)
    if (works(without)) kept = without
  }
  return kept
}

/** A rule by its site, and the rules that lead to its chain. */
function blockersAt(live: readonly LiveRules[], site: string): readonly Blocker[] {
  return live.flatMap(({ rules }) =>
    rules.tables.flatMap((table) => {
      const where = (is: (chain: string, rule: Rule) => boolean) =>
        table.chains.flatMap((chain) =>
          chain.rules.flatMap((rule, index) =>
            is(chain.name, rule) ? [{ table: table.name, chain: chain.name, index }] : [],
          ),
        )
      const found = where((chain, rule) => siteOf(table.name, chain, rule) === site)
      for (const { chain } of found) {
        const callers = where((_, rule) => rule.target?.name === chain)
        found.push(...callers.filter((caller) => !found.some((known) => known.chain === caller.chain)))
      }
      return found
    }),
  )
}
