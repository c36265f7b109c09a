import { nativeChains } from '../firewall/native-chains.ts'
import { parseRules } from '../firewall/parse.ts'
import type { Backend, Family, LiveRules } from '../firewall/rules.ts'
import type { Facts, ManagerName } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

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

/** The first of these that is on the host, with the sign it was known by; null when none is. */
export function managerAmong(facts: Facts, names: readonly ManagerName[]): Reading<string | null> {
  const { present } = facts.managers
  if (!present.known) return unknown(`who else manages the firewall is not known: ${present.why}`)
  const found = present.value.find(({ name }) => names.includes(name))
  return known(found === undefined ? null : `${found.name} is here (${found.sign})`)
}

function familyName(family: Family): string {
  return family === 'ip' ? 'IPv4' : 'IPv6'
}
