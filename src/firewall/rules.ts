/** Rules as data: those of iptables, one family and one backend at a time, and nft's own, one family at a time. */
export type Family = 'ip' | 'ip6'
/** Who holds the rules: the old tables, nf_tables by way of iptables, or nf_tables by way of nft. */
export type Backend = 'legacy' | 'nft' | 'native'

export type RuleSet = { readonly family: Family; readonly tables: readonly Table[] }

/** What one backend holds for one family; every live one filters every packet. */
export type LiveRules = { readonly backend: Backend; readonly rules: RuleSet }

/** nft's own tables are named with their family: `inet filter`. */
export type Table = { readonly name: string; readonly chains: readonly Chain[] }

/** `policy` is null for a chain that a user made. */
export type Chain = {
  readonly name: string
  readonly policy: 'ACCEPT' | 'DROP' | null
  readonly rules: readonly Rule[]
  /** Where a base chain of nft's own stands; those of iptables stand where their names say. */
  readonly hook?: Hook
}

/** Priorities as the kernel counts them: smaller ones come first, connection tracking stands at -200. */
export type Hook = {
  readonly at: 'prerouting' | 'input' | 'forward' | 'output' | 'postrouting'
  readonly type: 'filter' | 'nat' | 'route'
  readonly priority: number
}

/**
 * `spec` is the rule as it was printed, without `-A CHAIN` or, for nft's own, without its handle. A rule without target only
 * counts. An nft rule with several verdicts is several rules with one `handle`.
 */
export type Rule = {
  readonly spec: string
  readonly matches: readonly Match[]
  readonly target: Target | null
  readonly handle?: number
}

/**
 * One module with its tests, all of which must hold: `{ name: 'tcp', tests: [{ option: 'dport', … }] }`.
 * The built-in ones are `source`, `destination`, `in`, `out`, `protocol`, `fragment` and `counters`.
 * `text` is how its own tool writes it.
 */
export type Match = { readonly name: string; readonly tests: readonly Test[]; readonly text: string }
export type Test = { readonly option: string; readonly negated: boolean; readonly values: readonly string[] }

/** iptables' targets are in capitals; nft's verdicts and statements in small letters, so that no chain's name is taken for one. */
export type Target = {
  readonly name: string
  readonly goto: boolean
  readonly options: readonly Test[]
  /** How nft writes it. */
  readonly text?: string
}

export function chainOf(rules: RuleSet, table: string, chain: string): Chain | undefined {
  return rules.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain)
}

/** Names a rule the way a person finds it: `filter: -A INPUT …`, `inet filter input: …`. */
export function siteOf(table: string, chain: string, rule: Rule): string {
  return isNativeTable(table) ? `${table} ${chain}: ${rule.spec}` : `${table}: -A ${chain} ${rule.spec}`.trimEnd()
}

export function policySite(table: string, chain: string): string {
  return isNativeTable(table) ? `${table}: policy of chain ${chain}` : `${table}: policy of ${chain}`
}

export function isNativeTable(table: string): boolean {
  return table.includes(' ')
}
