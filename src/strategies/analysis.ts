import type { ChainRef } from '../firewall/depends.ts'
import type { Edit } from '../firewall/edits.ts'
import { nativeChains } from '../firewall/native-chains.ts'
import { parseRules } from '../firewall/parse.ts'
import type { Backend, Family, LiveRules } from '../firewall/rules.ts'
import type { Facts, ManagerName } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { analyseNotrack } from './notrack-analysis.ts'
import { analyseUnload } from './unload-analysis.ts'

export type Service = { readonly protocol: 'tcp' | 'udp'; readonly port: number }

/** What needs algorithms rather than conditions: playbooks see it as `analysis`, the plan binds itself to the chains it rests on. */
export type Analysis = { readonly unload: UnloadAnalysis; readonly notrack: NotrackAnalysis }

export type UnloadAnalysis = {
  readonly possible: boolean
  /** Why not, a sentence; empty when possible. */
  readonly why: string
  /** Stateful rules that can go without changing any packet's fate. */
  readonly edits: readonly Edit[]
  /** Modules to remove, leaf first. */
  readonly modules: readonly string[]
  readonly dependsOn: readonly ChainRef[]
}

export type NotrackAnalysis = {
  readonly safe: boolean
  /** Why not, a sentence; empty when safe. */
  readonly why: string
  readonly ports: readonly Service[]
  /** Part of the sampled entries that these ports hold, 0 to 1; 0 where there is no sample. */
  readonly share: number
  readonly edits: readonly Edit[]
  readonly flows: readonly Flows[]
  readonly dependsOn: readonly ChainRef[]
  readonly notes: readonly string[]
}

/** Flows to the host's own addresses, as the flush step takes them. */
export type Flows = {
  readonly protocol: 'tcp' | 'udp'
  readonly ports: readonly number[]
  readonly addresses: readonly string[]
}

/** @param ports the operator's own choice; null: chosen from who fills the table and who listens. */
export function analyse(facts: Facts, ports: readonly Service[] | null): Analysis {
  const live = liveRules(facts)
  return { unload: analyseUnload(facts, live), notrack: analyseNotrack(facts, live, ports) }
}

/** Every rule set that the kernel holds, or why they cannot all be known. */
export function liveRules(facts: Facts): Reading<readonly LiveRules[]> {
  const { firewall } = facts
  const found: LiveRules[] = []
  for (const backend of ['legacy', 'nft'] as const satisfies readonly Backend[]) {
    for (const family of ['ip', 'ip6'] as const satisfies readonly Family[]) {
      const dump = firewall[backend][family]
      if (!dump.known)
        return unknown(`the ${familyName(family)} rules of iptables-${backend} are not known: ${dump.why}`)
      if (dump.value === null) continue
      const rules = parseRules(dump.value, family)
      if (!rules.known)
        return unknown(`the ${familyName(family)} rules of iptables-${backend} cannot be read: ${rules.why}`)
      found.push({ backend, rules: rules.value })
    }
  }
  const { nftRuleset } = firewall
  if (!nftRuleset.known) return unknown(`the nft rules are not known: ${nftRuleset.why}`)
  if (nftRuleset.value !== null) {
    const native = nativeChains(nftRuleset.value)
    if (!native.known) return native
    const [first] = native.value
    if (first !== undefined)
      return unknown(`nft chain "${first}" filters beside iptables, and native nft rules are not judged yet`)
  }
  return known(found)
}

/** The first of these that is on the host, with the sign it was known by. */
export function managerAmong(facts: Facts, names: readonly ManagerName[]): string | null {
  const { present } = facts.managers
  if (!present.known) return `who else manages the firewall is not known: ${present.why}`
  const found = present.value.find(({ name }) => names.includes(name))
  return found === undefined ? null : `${found.name} is here (${found.sign})`
}

function familyName(family: Family): string {
  return family === 'ip' ? 'IPv4' : 'IPv6'
}
