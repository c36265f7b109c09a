import type { LiveRules, Rule } from '../firewall/rules.ts'
import type { Module } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

/**
 * The modules that have to go so that connection tracking is gone, leaf first, computed from who holds whom; the defrag
 * modules that only tracking held go with it. A holder that the list itself lacks is named all the same.
 */
export function unloadOrder(loaded: readonly Module[]): Reading<readonly string[]> {
  const byName = new Map(loaded.map((module) => [module.name, module]))
  const root = byName.get('nf_conntrack') ?? byName.get('ip_conntrack')
  if (root === undefined) return unknown('the conntrack module is not loaded')
  const order: string[] = []
  const seen = new Set<string>()
  const visit = (name: string): void => {
    if (seen.has(name)) return
    seen.add(name)
    for (const holder of byName.get(name)?.holders ?? []) visit(holder)
    order.push(name)
  }
  visit(root.name)
  for (const module of loaded) {
    const idle = module.holders.length > 0 && module.holders.every((holder) => seen.has(holder))
    if (module.name.startsWith('nf_defrag_') && !seen.has(module.name) && idle) order.push(module.name)
  }
  return known(order)
}

/** A module that cannot go, and why; a clause for a person. */
export type Held = {
  readonly module: string
  readonly why: string
  /** Who holds it may track by itself, or want tracking's hooks: then they stay attached without any rule. */
  readonly tracks: boolean
}

/**
 * Modules whose use is not explained by other modules nor by rules that go away: `references` counts one for each holder,
 * one for each rule that uses it, and whatever else the kernel does with it. Rules of other network namespaces count too.
 * @param live null where the rules are not known: then no count is too high for them
 */
export function heldFromOutside(
  order: readonly string[],
  loaded: readonly Module[],
  live: readonly LiveRules[] | null,
): readonly Held[] {
  return order.flatMap((name) => {
    const module = loaded.find((each) => each.name === name)
    if (module === undefined) return []
    if (module.references === null)
      return [{ module: name, why: `the kernel does not count who uses module ${name}`, tracks: false }]
    const unexplained = module.references - module.holders.length
    const uses = usesIn(live, name)
    if (uses === null || unexplained <= uses) return []
    const why = RULE_MODULE.test(name)
      ? `module ${name} is used by more than the rules here, as by those of another network namespace`
      : `module ${name} is used by something other than rules and modules`
    return [{ module: name, why, tracks: !keepsNoHooks(name) }]
  })
}

const RULE_MODULE = /^(xt|ipt|ip6t)_/

/** The matches and targets whose rules hold a module, one reference each; the common ones, where it is worth to count. */
const HELD_BY: { readonly [module: string]: readonly string[] } = {
  xt_conntrack: ['conntrack', 'state'],
  xt_state: ['conntrack', 'state'],
  xt_CT: ['CT', 'NOTRACK'],
}

/** How many references the rules explain; null where they may explain any number. */
function usesIn(live: readonly LiveRules[] | null, module: string): number | null {
  const names = HELD_BY[module]
  if (names !== undefined) {
    if (live === null) return null
    const rules = live.flatMap((each) =>
      each.rules.tables.flatMap(({ chains }) => chains.flatMap((chain) => chain.rules)),
    )
    return rules.reduce((sum, rule) => sum + usesOf(rule, names), 0)
  }
  // nft_chain_nat is held by every nat chain there is, also by an empty one that no rule of ours takes away.
  if (module === 'nft_chain_nat') return 0
  const byRules = RULE_MODULE.test(module) || /^(nft_|iptable_|ip6table_)/.test(module)
  return byRules || /^(nf|ip)_conntrack(_ipv[46])?$/.test(module) ? null : 0
}

function usesOf({ matches, target }: Rule, names: readonly string[]): number {
  const used = [...matches.map(({ name }) => name), target?.name ?? '']
  return used.filter((name) => names.includes(name)).length
}

/** Modules whose users, whoever they are, neither attach hooks here nor make entries of their own accord. */
function keepsNoHooks(module: string): boolean {
  if (RULE_MODULE.test(module) || module === 'nft_chain_nat') return true
  return /^(nf_conntrack_(?!bridge$)\w+|nfnetlink_\w+|nf_defrag_ipv[46])$/.test(module)
}
