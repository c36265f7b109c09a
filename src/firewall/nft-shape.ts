import type { Json } from '../model/json.ts'

/** What `nft -j list ruleset` printed, as data: nothing is left out; what we don't know is kept. */
export type NftRuleset = {
  readonly tables: readonly NftTable[]
  /** The metainfo, and objects that belong to no table. */
  readonly others: readonly Json[]
}

export type NftTable = {
  readonly family: string
  readonly name: string
  readonly flags: readonly string[]
  readonly chains: readonly NftChain[]
  readonly sets: readonly NftSet[]
  /** Flowtables, counters, ct helpers …, and objects of unknown kind that name this table, whole. */
  readonly others: readonly Json[]
  /** Every other key of the object: handle, comment …. So in chains, rules and sets. */
  readonly rest: JsonObject
}

export type NftChain = {
  readonly name: string
  /** Null for a chain that packets enter only by a jump. */
  readonly base: NftBase | null
  /** In the order in which packets meet them. */
  readonly rules: readonly NftRule[]
  readonly rest: JsonObject
}

export type NftBase = {
  readonly type: string
  readonly hook: string
  readonly priority: number
  readonly policy: 'accept' | 'drop'
  /** Interfaces of a netdev chain; empty where nft leaves them out, as 1.0.6 does. */
  readonly devices: readonly string[]
}

export type NftRule = {
  /** Of its table: some statements are written differently in `inet` and in `ip`. */
  readonly family: string
  readonly handle: number | null
  readonly comment: string | null
  readonly statements: readonly NftStatement[]
  readonly rest: JsonObject
}

/**
 * One statement of a rule as nft prints it: an object with one key, kept whole. What nft cannot print as JSON it prints as a
 * string of its own language; that is `{ text: … }` here.
 */
export type NftStatement = JsonObject

export type NftSet = {
  readonly name: string
  readonly isMap: boolean
  readonly type: Json
  /** What a map's values are; null in a set. */
  readonly mapsTo: Json
  readonly flags: readonly string[]
  readonly elements: readonly Json[]
  /** Seconds that an element stays; null where it stays for good. */
  readonly timeout: number | null
  readonly rest: JsonObject
}

export type JsonObject = { readonly [key: string]: Json }
