/** Rules as the iptables save tools print them, one family and one backend at a time. */
export type Family = 'ip' | 'ip6'
export type Backend = 'legacy' | 'nft'

export type RuleSet = { readonly family: Family; readonly tables: readonly Table[] }

/** What one backend holds for one family; every live one filters every packet. */
export type LiveRules = { readonly backend: Backend; readonly rules: RuleSet }

export type Table = { readonly name: string; readonly chains: readonly Chain[] }

/** `policy` is null for a chain that a user made. */
export type Chain = {
  readonly name: string
  readonly policy: 'ACCEPT' | 'DROP' | null
  readonly rules: readonly Rule[]
}

/** `spec` is the rule as it was printed, without `-A CHAIN`. A rule without target only counts. */
export type Rule = { readonly spec: string; readonly matches: readonly Match[]; readonly target: Target | null }

/**
 * One module with its tests, all of which must hold: `{ name: 'tcp', tests: [{ option: 'dport', … }] }`.
 * The built-in ones are `source`, `destination`, `in`, `out`, `protocol`, `fragment` and `counters`.
 */
export type Match = { readonly name: string; readonly tests: readonly Test[]; readonly text: string }
export type Test = { readonly option: string; readonly negated: boolean; readonly values: readonly string[] }

export type Target = { readonly name: string; readonly goto: boolean; readonly options: readonly Test[] }

export function chainOf(rules: RuleSet, table: string, chain: string): Chain | undefined {
  return rules.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain)
}
