import { known, type Reading, unknown } from '../model/reading.ts'

const IPTABLES_TABLES = new Set(['raw', 'mangle', 'nat', 'filter', 'security'])
const IPTABLES_HOOKS = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])

/**
 * The base chains of `nft -j list ruleset` that are nobody's iptables rules, as `family table chain`: they filter packets
 * beside iptables, and this version does not read them.
 */
export function nativeChains(ruleset: string): Reading<readonly string[]> {
  const objects = objectsIn(ruleset)
  if (objects === null) return unknown('what nft printed is not its JSON')
  return known(
    objects.flatMap((each) => {
      const chain = each.chain
      if (chain === undefined || typeof chain.hook !== 'string') return []
      const [family, table, name] = [chain.family, chain.table, chain.name].map(String) as [string, string, string]
      const iptables = (family === 'ip' || family === 'ip6') && IPTABLES_TABLES.has(table) && IPTABLES_HOOKS.has(name)
      return iptables ? [] : [`${family} ${table} ${name}`]
    }),
  )
}

type NftObject = { readonly chain?: { readonly [key: string]: unknown } }

function objectsIn(text: string): readonly NftObject[] | null {
  try {
    const value: unknown = JSON.parse(text)
    const objects = (value as { readonly nftables?: unknown } | null)?.nftables
    if (!Array.isArray(objects)) return null
    return objects.filter((each): each is NftObject => typeof each === 'object' && each !== null)
  } catch {
    return null
  }
}
