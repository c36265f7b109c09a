import type { Chain, LiveRules, Match, Rule } from './rules.ts'
import { effectOf, refusalOf } from './targets.ts'

/**
 * The rules with each long row that differs in one address alone, as blocklists are, taken for a single test whose answer is
 * open: its first rule asks it, the others are silent, so that all keep their numbers. Two rule sets that are equal for every
 * answer are equal; that they differ has to be told from the rules as they are. The same rules come back where no row is long.
 */
export function coarsened(live: readonly LiveRules[]): readonly LiveRules[] {
  const made = live.map((each) => {
    const tables = each.rules.tables.map((table) => {
      const chains = table.chains.map((chain) => coarseChain(chain, table.name))
      return chains.every((chain, index) => chain === table.chains[index]) ? table : { ...table, chains }
    })
    const same = tables.every((table, index) => table === each.rules.tables[index])
    return same ? each : { ...each, rules: { ...each.rules, tables } }
  })
  return made.every((each, index) => each === live[index]) ? live : made
}

/** Shorter rows are cheap as they are. */
const LONG = 16

function coarseChain(chain: Chain, table: string): Chain {
  const likes = chain.rules.map(likeOf)
  const rules: Rule[] = []
  let at = 0
  let changed = false
  while (at < chain.rules.length) {
    const like = likes[at] as string | null
    let end = at + 1
    while (like !== null && end < likes.length && likes[end] === like) end += 1
    const row = chain.rules.slice(at, end)
    if (row.length < LONG) rules.push(...row)
    else {
      changed = true
      rules.push(
        ...row.map((rule, index) => (index === 0 ? asked(rule, `${table} ${chain.name} ${at}`) : silent(rule))),
      )
    }
    at = end
  }
  return changed ? { ...chain, rules } : chain
}

/** Equal for rules that differ in one address alone; null for a rule that is more than that. */
function likeOf({ matches, target, handle }: Rule): string | null {
  if (target === null || target.goto || handle !== undefined) return null
  const effect = effectOf(target.name, target.options)
  if (effect !== 'accept' && effect !== 'drop') return null
  const addresses = matches.filter(isAddress)
  if (addresses.length !== 1 || !matches.every((match) => isAddress(match) || OTHERS.has(match.name))) return null
  const rest = matches.filter((match) => !isAddress(match) && match.name !== 'comment' && match.name !== 'counters')
  return JSON.stringify([
    addresses[0]?.name,
    rest.map(({ name, tests }) => [name, tests]),
    target.name,
    refusalOf(target),
  ])
}

function isAddress({ name, tests }: Match): boolean {
  return (name === 'source' || name === 'destination') && tests.length === 1 && tests[0]?.negated === false
}

const OTHERS: ReadonlySet<string> = new Set(['in', 'out', 'protocol', 'tcp', 'udp', 'multiport', 'comment', 'counters'])

function asked(rule: Rule, name: string): Rule {
  const open = ({ name: option }: Match): Match => ({
    name: 'row',
    tests: [{ option, negated: false, values: [] }],
    text: `one of the addresses of ${name}`,
  })
  return { ...rule, matches: rule.matches.map((match) => (isAddress(match) ? open(match) : match)) }
}

function silent({ spec }: Rule): Rule {
  return { spec, matches: [], target: null }
}
