import { parseRule } from './parse-rule.ts'
import type { Backend, Chain, Family, LiveRules, RuleSet, Table } from './rules.ts'

/**
 * One rule that comes or goes. `spec` is the iptables arguments after the chain; `after` and `before` are the specs of its
 * neighbours above and below as the save tool prints them, null at the chain's ends. Edits of one chain stand in
 * top-down order, and the neighbour above may be the edit before.
 */
export type Edit = {
  readonly backend: Backend
  readonly family: Family
  readonly table: string
  readonly chain: string
  readonly action: 'add' | 'remove'
  readonly spec: string
  /** Unique in a patch; for an added rule, the comment it carries. */
  readonly key: string
  readonly after: string | null
  readonly before: string | null
}

/** Where a rule is put: below the rule with this number, or at the top (-1). */
export type Placed = {
  readonly backend: Backend
  readonly family: Family
  readonly table: string
  readonly chain: string
  readonly below: number
  readonly spec: string
}

const POLICY_CHAINS: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** The rules as they are with `placed` set in; numbers count the rules as they were. */
export function withPlaced(live: LiveRules, placed: readonly Placed[]): LiveRules {
  const mine = placed.filter(({ backend, family }) => backend === live.backend && family === live.rules.family)
  if (mine.length === 0) return live
  const names = new Set([...live.rules.tables.map(({ name }) => name), ...mine.map(({ table }) => table)])
  const tables = [...names].map((name) => {
    const table = live.rules.tables.find((each) => each.name === name) ?? { name, chains: [] }
    return tableWith(
      table,
      mine.filter((each) => each.table === name),
    )
  })
  return { ...live, rules: { ...live.rules, tables } }
}

/** The rules as they are once the edits are done. @throws where a neighbour is not there. */
export function withEdits(rules: RuleSet, edits: readonly Edit[]): RuleSet {
  return edits.reduce((now, edit) => {
    const table = now.tables.find(({ name }) => name === edit.table) ?? { name: edit.table, chains: [] }
    const chain = chainIn(table, edit.chain)
    const specs = chain.rules.map(({ spec }) => spec)
    const at = specs.findIndex((spec, index) =>
      edit.action === 'remove'
        ? spec === edit.spec && (specs[index - 1] ?? null) === edit.after
        : (specs[index - 1] ?? null) === edit.after && spec === edit.before,
    )
    const place = at === -1 && edit.action === 'add' && (specs.at(-1) ?? null) === edit.after ? specs.length : at
    if (place === -1) throw new TypeError(`no place for ${edit.key} in ${edit.table} ${edit.chain}`)
    const changed =
      edit.action === 'remove' ? chain.rules.toSpliced(place, 1) : chain.rules.toSpliced(place, 0, ruleFrom(edit.spec))
    return replaceChain(now, table, { ...chain, rules: changed })
  }, rules)
}

/** Turns placed rules into edits: chain by chain, top-down, each with its neighbours. */
export function addEdits(
  live: readonly LiveRules[],
  placed: readonly (Placed & { readonly key: string })[],
): readonly Edit[] {
  const sorted = placed
    .map((each, order) => ({ each, order }))
    .sort(
      (a, b) => chainKey(a.each).localeCompare(chainKey(b.each)) || a.each.below - b.each.below || a.order - b.order,
    )
    .map(({ each }) => each)
  return sorted.map((each, index) => {
    const { below, ...edit } = each
    const previous = sorted[index - 1]
    const rules = live.find(({ backend, rules }) => backend === each.backend && rules.family === each.family)?.rules
    const specs =
      rules?.tables
        .find(({ name }) => name === each.table)
        ?.chains.find(({ name }) => name === each.chain)
        ?.rules.map(({ spec }) => spec) ?? []
    const follows = previous !== undefined && chainKey(previous) === chainKey(each) && previous.below === below
    return {
      ...edit,
      action: 'add',
      after: follows ? previous.spec : (specs[below] ?? null),
      before: specs[below + 1] ?? null,
    }
  })
}

function chainKey({ backend, family, table, chain }: Placed): string {
  // Filter before raw: a packet must not become untracked before its twin lets it in.
  return `${backend} ${family} ${table === 'raw' ? 1 : 0} ${table} ${chain}`
}

function tableWith(table: Table, placed: readonly Placed[]): Table {
  if (placed.length === 0) return table
  const names = new Set([...table.chains.map(({ name }) => name), ...placed.map(({ chain }) => chain)])
  const chains = [...names].map((name) => {
    const chain = chainIn(table, name)
    const at = (below: number) =>
      placed.filter((each) => each.chain === name && each.below === below).map(({ spec }) => ruleFrom(spec))
    return { ...chain, rules: [...at(-1), ...chain.rules.flatMap((rule, index) => [rule, ...at(index)])] }
  })
  return { ...table, chains }
}

function chainIn(table: Table, name: string): Chain {
  const policy = POLICY_CHAINS.has(name) ? 'ACCEPT' : null
  return table.chains.find((chain) => chain.name === name) ?? { name, policy, rules: [] }
}

function replaceChain(rules: RuleSet, table: Table, chain: Chain): RuleSet {
  const chains = table.chains.some(({ name }) => name === chain.name)
    ? table.chains.map((each) => (each.name === chain.name ? chain : each))
    : [...table.chains, chain]
  const changed = { ...table, chains }
  const tables = rules.tables.some(({ name }) => name === table.name)
    ? rules.tables.map((each) => (each.name === table.name ? changed : each))
    : [...rules.tables, changed]
  return { ...rules, tables }
}

function ruleFrom(spec: string) {
  const rule = parseRule(spec)
  if (!rule.known) throw new TypeError(`${rule.why}: ${spec}`)
  return rule.value
}
