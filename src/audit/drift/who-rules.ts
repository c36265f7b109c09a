import type { LiveRules } from '../../firewall/rules.ts'
import type { Suspect } from '../../model/audit.ts'
import type { Facts } from '../../model/facts.ts'
import type { Reading } from '../../model/reading.ts'
import { ACTORS, type Actor, bearsMark, ownsChain, ownsTable } from './actors.ts'
import type { RulePlace } from './gone.ts'
import { momentText, startedSince } from './suspect.ts'
import type { Traces } from './traces.ts'

/** Whose rules stand where ours are gone, whose chains came since, and who was started since. */
export function whoChanged(
  places: readonly RulePlace[],
  facts: Facts,
  { live, traces }: { readonly live: Reading<readonly LiveRules[]>; readonly traces: Traces },
): readonly Suspect[] {
  return ACTORS.flatMap((actor): readonly Suspect[] => {
    const owned = places.filter(({ table, chain }) => ownsChain(actor, chain) || ownsTable(actor, table))
    // Who takes away no rules but its own has nothing to do with those of ours in other chains.
    if (actor.takes === 'its own' && owned.length === 0) return []
    const own = [...new Set(owned.map(({ table, chain }) => `${table} ${chain}`))].map(
      (site) => `it keeps ${site}, where rules of ctfleet were, and writes it anew as a whole`,
    )
    const since = sinceThen(actor, live, traces)
    const here = [...new Set([...own, ...present(actor, facts, live)])]
    if (since.length > 0 && here.length > 0)
      return [{ who: actor.name, certainty: 'likely', evidence: [...since, ...here] }]
    if (own.length > 0) return [{ who: actor.name, certainty: 'likely', evidence: here }]
    if (since.length > 0) return [{ who: actor.name, certainty: 'likely', evidence: since }]
    return here.length > 0 && actor.takes === 'all' ? [{ who: actor.name, certainty: 'possible', evidence: here }] : []
  })
}

/** Whose rules these are, by the marks they bear. */
export function whoBrought(
  rules: readonly { readonly table: string; readonly chain: string; readonly rule: Parameters<typeof bearsMark>[1] }[],
  live: Reading<readonly LiveRules[]>,
  traces: Traces,
): readonly Suspect[] {
  return ACTORS.flatMap((actor): readonly Suspect[] => {
    const its = rules.filter(
      ({ table, chain, rule }) => ownsTable(actor, table) || ownsChain(actor, chain) || bearsMark(actor, rule),
    )
    const [first] = its
    if (first === undefined) return []
    const evidence = [`${its.length} of these rules bear its mark: ${first.table} ${first.chain}: ${first.rule.spec}`]
    return [{ who: actor.name, certainty: 'certain', evidence: [...evidence, ...sinceThen(actor, live, traces)] }]
  })
}

function sinceThen(actor: Actor, live: Reading<readonly LiveRules[]>, traces: Traces): readonly string[] {
  const started = startedSince(actor, traces)
  const chains = newNames(actor, live, traces)
  const shown = chains.slice(0, 3).join(', ')
  const more = chains.length > 3 ? ` and ${chains.length - 3} more` : ''
  return [
    ...(started === undefined ? [] : [`${started.name} was started ${momentText(started.at)}, after ctfleet's change`]),
    ...(chains.length === 0 ? [] : [`its chains are there now, and were not before ctfleet's change: ${shown}${more}`]),
  ]
}

/** Chains and tables with its names that the dump from before the change has not. */
function newNames(actor: Actor, live: Reading<readonly LiveRules[]>, { before }: Traces): readonly string[] {
  if (!live.known || !before.known) return []
  const names = live.value.flatMap(({ backend, rules }) => {
    const then = backend === 'legacy' ? before.value.iptables : before.value.nft
    if (then === null) return []
    return rules.tables.flatMap(({ name, chains }) => [
      ...(ownsTable(actor, name) && !then.has(name) ? [name] : []),
      ...chains.flatMap((chain) => (ownsChain(actor, chain.name) && !then.has(chain.name) ? [chain.name] : [])),
    ])
  })
  return [...new Set(names)]
}

function present(actor: Actor, { managers }: Facts, live: Reading<readonly LiveRules[]>): readonly string[] {
  const manager = managers.present.known ? managers.present.value.find(({ name }) => name === actor.manager) : undefined
  const marked = live.known
    ? live.value.some(({ rules }) =>
        rules.tables.some(
          ({ name, chains }) => ownsTable(actor, name) || chains.some((chain) => ownsChain(actor, chain.name)),
        ),
      )
    : false
  return [
    ...(manager === undefined ? [] : [`it manages a firewall here (${manager.sign})`]),
    ...(marked ? ['chains of its own are there'] : []),
  ]
}
