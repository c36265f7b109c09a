import type { LiveRules } from '../firewall/rules.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

/** What of `nft -j list ruleset` has to do with tracking's hooks, apart from the rules that are judged as rules. */
export type NftHolders = {
  /** What keeps the hooks attached whether or not a packet meets it: `ct helper "ftp" in ip filter`. */
  readonly holders: readonly string[]
  /** Base chains of type nat, also without rules: `ip nat PREROUTING`. */
  readonly natChains: readonly string[]
}

/**
 * Objects, sets and rules of nft that need tracking. A rule's need counts from the moment it is there, in a chain that no
 * packet comes through and in a dormant table as well (measured on 6.18, where chains of type nat and notrack need none).
 * @param live rules of tables in here are judged by their meaning, and are not named
 */
export function nftHolders(ruleset: string | null, live: readonly LiveRules[]): Reading<NftHolders> {
  if (ruleset === null) return known({ holders: [], natChains: [] })
  const objects = objectsIn(ruleset)
  if (objects === null) return unknown('what nft printed is not its JSON')
  const holders: string[] = []
  const natChains: string[] = []
  for (const object of objects) {
    for (const [kind, body] of Object.entries(object)) {
      if (typeof body !== 'object' || body === null) continue
      const { family, table, name, chain, type, hook } = body as Named
      const where = `${family} ${table}`
      if (OBJECTS.has(kind)) holders.push(`${kind} "${name}" in ${where}`)
      else if ((kind === 'set' || kind === 'map') && needsTracking(body)) holders.push(`${kind} "${name}" in ${where}`)
      else if (kind === 'chain' && type === 'nat' && hook !== undefined) natChains.push(`${where} ${name}`)
      else if (kind === 'rule' && !isJudged(live, family, table) && needsTracking(body))
        holders.push(`a rule in chain "${where} ${chain}"`)
    }
  }
  return known({ holders: [...new Set(holders)], natChains })
}

/** What nft names its objects by; text where it is there. */
type Named = { readonly [key in 'family' | 'table' | 'name' | 'chain' | 'type' | 'hook']: string | undefined }

const OBJECTS: ReadonlySet<string> = new Set(['ct helper', 'ct timeout', 'ct expectation', 'synproxy'])

/** Expressions and statements that need it, and `xt`, behind which nft hides what it does not know. */
const NEEDING: ReadonlySet<string> = new Set([
  ...OBJECTS,
  'ct',
  'ct count',
  'snat',
  'dnat',
  'masquerade',
  'redirect',
  'flow',
  'xt',
])

function needsTracking(value: unknown): boolean {
  if (Array.isArray(value)) return value.some(needsTracking)
  if (typeof value !== 'object' || value === null) return false
  return Object.entries(value).some(([key, inner]) => NEEDING.has(key) || needsTracking(inner))
}

/** nft's own tables are named with their family among the live rules, those of iptables without. */
function isJudged(live: readonly LiveRules[], family: string | undefined, table: string | undefined): boolean {
  return live.some(({ backend, rules }) =>
    rules.tables.some(
      ({ name }) => name === `${family} ${table}` || (backend === 'nft' && rules.family === family && name === table),
    ),
  )
}

function objectsIn(text: string): readonly object[] | null {
  try {
    const value: unknown = JSON.parse(text)
    const objects = (value as { readonly nftables?: unknown } | null)?.nftables
    if (!Array.isArray(objects)) return null
    return objects.filter((each): each is object => typeof each === 'object' && each !== null)
  } catch {
    return null
  }
}
