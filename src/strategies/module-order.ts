import type { Module } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

/**
 * The modules that have to go so that connection tracking is gone, leaf first, computed from who holds whom; the defrag
 * modules that only tracking held go with it. Unknown, with the module that stands in the way, when something else uses one.
 */
export function unloadOrder(loaded: readonly Module[]): Reading<readonly string[]> {
  const byName = new Map(loaded.map((module) => [module.name, module]))
  const root = byName.get('nf_conntrack') ?? byName.get('ip_conntrack')
  if (root === undefined) return unknown('the conntrack module is not loaded')
  const order: string[] = []
  const visit = (module: Module): void => {
    if (order.includes(module.name)) return
    for (const holder of module.holders) {
      const held = byName.get(holder)
      if (held !== undefined) visit(held)
    }
    order.push(module.name)
  }
  visit(root)
  for (const module of loaded) {
    const idle = module.holders.length > 0 && module.holders.every((holder) => order.includes(holder))
    if (module.name.startsWith('nf_defrag_') && idle) order.push(module.name)
  }
  return known(order)
}

/**
 * Modules whose use is not explained by other modules nor by rules that go away: `references` counts one for each holder,
 * one for each rule that uses it, and whatever else the kernel does with it.
 */
export function heldFromOutside(order: readonly string[], loaded: readonly Module[]): readonly string[] {
  return order.filter((name) => {
    const module = loaded.find((each) => each.name === name)
    if (module === undefined || module.references === null || usedByRules(name)) return false
    return module.references > module.holders.length
  })
}

function usedByRules(name: string): boolean {
  // nft_chain_nat is held by every nat chain there is, also by an empty one that no rule of ours takes away.
  if (name === 'nft_chain_nat') return false
  return /^(xt_|ipt_|ip6t_|nft_|iptable_|ip6table_)/.test(name) || /^(nf|ip)_conntrack(_ipv[46])?$/.test(name)
}
