import { nativeRules } from '../firewall/nft-live.ts'
import { asNftHolds } from '../firewall/nft-quirks.ts'
import { parseNft } from '../firewall/nft-ruleset.ts'
import { parseRules } from '../firewall/parse.ts'
import type { Family, LiveRules } from '../firewall/rules.ts'
import type { Facts, ManagerName } from '../model/facts.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

/** Every rule set that the kernel holds, or why they cannot all be known. */
export function liveRules(facts: Facts): Reading<readonly LiveRules[]> {
  const { firewall } = facts
  const found: LiveRules[] = []
  const printed = new Set<string>()
  for (const backend of ['legacy', 'nft'] as const) {
    for (const family of ['ip', 'ip6'] as const satisfies readonly Family[]) {
      const dump = firewall[backend][family]
      if (!dump.known)
        return unknown(`the ${familyName(family)} rules of iptables-${backend} are not known: ${dump.why}`)
      if (dump.value === null) continue
      // A table that iptables cannot print is nft's own, and is read from there.
      const rules = parseRules(dump.value.replaceAll(INCOMPATIBLE, ''), family)
      if (!rules.known)
        return unknown(`the ${familyName(family)} rules of iptables-${backend} cannot be read: ${rules.why}`)
      // Of a table that holds base chains of nft's own too, iptables prints the rest alone: it is read as a whole below.
      const mixed = new Set([...dump.value.matchAll(MIXED)].map(([, name]) => name))
      const whole = { ...rules.value, tables: rules.value.tables.filter(({ name }) => !mixed.has(name)) }
      found.push({ backend, rules: backend === 'nft' ? asNftHolds(whole) : whole })
      if (backend === 'nft') for (const { name } of whole.tables) printed.add(`${family} ${name}`)
    }
  }
  const { nftRuleset } = firewall
  if (!nftRuleset.known) return unknown(`the nft rules are not known: ${nftRuleset.why}`)
  if (nftRuleset.value === null) return known(found)
  const ruleset = parseNft(nftRuleset.value)
  if (!ruleset.known) return unknown(`the nft rules cannot be read: ${ruleset.why}`)
  const native = nativeRules(ruleset.value, (family, table) => printed.has(`${family} ${table}`))
  return native.known ? known([...found, ...native.value]) : native
}

const MIXED = /^# ?Table \W?(\w+)\W contains incompatible base-chains/gm
const INCOMPATIBLE = /^# ?Table .* is incompatible, use 'nft' tool\.?$/gm

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
