import { parseRule } from './parse-rule.ts'
import {
  type Backend,
  type Chain,
  type Family,
  type Hook,
  isNativeTable,
  type LiveRules,
  type Rule,
  type RuleSet,
  type Table,
} from './rules.ts'

/**
 * One rule that comes or goes. For iptables `spec` is the arguments after the chain, `after` and `before` are the specs of its
 * neighbours above and below as the save tool prints them, null at the chain's ends. For nft's own, `table` is `inet filter`,
 * `spec` the rule as `nft -s list` prints it, and the neighbours are handles of rules that stay. Edits of one chain stand in
 * top-down order; for iptables the neighbour above may be the edit before.
 */
export type Edit = {
  readonly backend: Backend
  readonly family: Family | 'inet'
  readonly table: string
  readonly chain: string
  readonly action: 'add' | 'remove'
  readonly spec: string
  /** Unique in a patch; for an added rule, the comment it carries. */
  readonly key: string
  readonly after: string | null
  readonly before: string | null
}

/** Where a rule is put: below the rule with this number, or at the top (-1). `rule` is what `spec` says. */
export type Placed = {
  readonly backend: Backend
  readonly family: Family | 'inet'
  readonly table: string
  readonly chain: string
  readonly below: number
  readonly spec: string
  readonly rule: Rule
}

/** nft's table for rules that leave packets untracked: before tracking, beside whatever else there is. */
export const OWN_TABLE = 'inet ctfleet'
export const OWN_HOOKS: Readonly<Record<string, Hook>> = {
  prerouting: { at: 'prerouting', type: 'filter', priority: -300 },
  output: { at: 'output', type: 'filter', priority: -300 },
}

const POLICY_CHAINS: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/** The rules as they are with `placed` set in; numbers count the rules as they were. */
export function withPlaced(live: LiveRules, placed: readonly Placed[]): LiveRules {
  const mine = placed.filter((each) => concerns(each, live))
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

/** The rules of iptables as they are once the edits are done. @throws where a neighbour is not there. */
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
    const { below, rule: _, ...edit } = each
    const rules = live
      .find((one) => concerns(each, one))
      ?.rules.tables.find(({ name }) => name === each.table)
      ?.chains.find(({ name }) => name === each.chain)?.rules
    const neighbour = (at: number) => neighbourAt(rules ?? [], at)
    const previous = sorted[index - 1]
    const follows =
      each.backend !== 'native' &&
      previous !== undefined &&
      chainKey(previous) === chainKey(each) &&
      previous.below === below
    return {
      ...edit,
      action: 'add',
      after: follows ? previous.spec : neighbour(below),
      before: neighbour(below + 1),
    }
  })
}

/** What names a rule as a neighbour: its handle where it has one. */
export function neighbourAt(rules: readonly Rule[], at: number): string | null {
  const rule = rules[at]
  return rule === undefined ? null : rule.handle === undefined ? rule.spec : String(rule.handle)
}

/** Whether an edit's rule filters packets of these live rules. */
function concerns({ backend, family, table }: Pick<Placed, 'backend' | 'family' | 'table'>, live: LiveRules): boolean {
  if (backend !== live.backend) return false
  return isNativeTable(table) ? family === 'inet' || family === live.rules.family : family === live.rules.family
}

/** @throws where the text is no rule of iptables. */
export function ruleFrom(spec: string): Rule {
  const rule = parseRule(spec)
  if (!rule.known) throw new TypeError(`${rule.why}: ${spec}`)
  return rule.value
}

function chainKey({ backend, family, table, chain }: Omit<Placed, 'below' | 'rule'>): string {
  // Filter before raw: a packet must not become untracked before its twin lets it in.
  if (backend === 'native') return `${backend} ${table === OWN_TABLE ? 1 : 0} ${table} ${chain}`
  return `${backend} ${family} ${table === 'raw' ? 1 : 0} ${table} ${chain}`
}

function tableWith(table: Table, placed: readonly Placed[]): Table {
  if (placed.length === 0) return table
  const names = new Set([...table.chains.map(({ name }) => name), ...placed.map(({ chain }) => chain)])
  const chains = [...names].map((name) => {
    const mine = placed.filter((each) => each.chain === name)
    const chain = chainIn(table, name)
    if (mine.length === 0) return chain
    const rules: Rule[] = []
    for (let at = -1; at < chain.rules.length; at += 1) {
      if (at >= 0) rules.push(chain.rules[at] as Rule)
      for (const each of mine) if (each.below === at) rules.push(each.rule)
    }
    return { ...chain, rules }
  })
  return { ...table, chains }
}

function chainIn(table: Table, name: string): Chain {
  const known = table.chains.find((chain) => chain.name === name)
  if (known !== undefined) return known
  const hook = table.name === OWN_TABLE ? OWN_HOOKS[name] : undefined
  if (hook !== undefined) return { name, policy: 'ACCEPT', rules: [], hook }
  return { name, policy: POLICY_CHAINS.has(name) ? 'ACCEPT' : null, rules: [] }
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
