import { nativeRules } from '../../src/firewall/nft-live.ts'
import { parseNft } from '../../src/firewall/nft-ruleset.ts'
import type { Family, LiveRules } from '../../src/firewall/rules.ts'
import type { Json } from '../../src/model/json.ts'
import type { Reading } from '../../src/model/reading.ts'

/** One of nft's tables, written short: `inet filter`; a chain with a hook is a base chain, as `input 0 drop`. */
export type NativeTable = {
  readonly name: string
  readonly chains: { readonly [name: string]: NativeChain }
  readonly sets?: readonly Json[]
  readonly flags?: readonly string[]
}
export type NativeChain = {
  /** `HOOK PRIORITY POLICY`, and the type unless it is filter. */
  readonly at?: string
  readonly rules: readonly (readonly Json[])[]
}

/** What `nft -j list ruleset` would print of these tables. */
function nftJson(tables: readonly NativeTable[]): string {
  let handle = 0
  const objects = tables.flatMap(({ name: full, chains, sets = [], flags }): Json[] => {
    const [family = '', table = ''] = full.split(/ (.*)/s)
    return [
      { table: { family, name: table, handle: 1, ...(flags === undefined ? {} : { flags }) } },
      ...Object.entries(chains).map(([name, { at }]): Json => {
        const [hook, prio, policy = 'accept', type = 'filter'] = at?.split(' ') ?? []
        const base = hook === undefined ? {} : { type, hook, prio: Number(prio), policy }
        return { chain: { family, table, name, ...base } }
      }),
      ...sets.map(
        (set): Json => ({
          [set !== null && typeof set === 'object' && 'map' in set ? 'map' : 'set']: {
            family,
            table,
            ...(set as object),
          },
        }),
      ),
      ...Object.entries(chains).flatMap(([chain, { rules }]) =>
        rules.map((expr): Json => {
          handle += 1
          return { rule: { family, table, chain, handle, expr } }
        }),
      ),
    ]
  })
  return JSON.stringify({ nftables: [{ metainfo: { json_schema_version: 1 } }, ...objects] })
}

export function nativeReading(tables: readonly NativeTable[]): Reading<readonly LiveRules[]> {
  const ruleset = parseNft(nftJson(tables))
  return ruleset.known ? nativeRules(ruleset.value, () => false) : ruleset
}

export function native(tables: readonly NativeTable[], family?: Family): readonly LiveRules[] {
  const reading = nativeReading(tables)
  if (!reading.known) throw new Error(reading.why)
  return reading.value.filter(({ rules }) => family === undefined || rules.family === family)
}

export function match(left: Json, right: Json, op = '=='): Json {
  return { match: { op, left, right } }
}
export function payload(protocol: string, field: string): Json {
  return { payload: { protocol, field } }
}
export function meta(key: string): Json {
  return { meta: { key } }
}
export function ct(key: string, dir?: string): Json {
  return { ct: { key, ...(dir === undefined ? {} : { dir }) } }
}
export function states(...names: readonly string[]): Json {
  return match(ct('state'), names.length === 1 ? (names[0] as string) : names, 'in')
}
export function port(number: Json, side = 'dport'): Json {
  return match(payload('tcp', side), number)
}
export function jump(target: string, kind = 'jump'): Json {
  return { [kind]: { target } }
}
export const accept: Json = { accept: null }
export const drop: Json = { drop: null }
