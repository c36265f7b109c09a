import type { Json } from '../model/json.ts'
import type { Reading } from '../model/reading.ts'
import { gatherNft } from './nft-gather.ts'
import { readJson } from './nft-json.ts'
import type { JsonObject, NftChain, NftRuleset, NftSet, NftTable } from './nft-shape.ts'

export type {
  NftBase,
  NftChain,
  NftRule,
  NftRuleset,
  NftStatement,
  NftTable,
} from './nft-shape.ts'

/**
 * Reads what `nft -j list ruleset` printed, or a stream of `add`, `create`, `insert` and `flush ruleset`. Total: damage is
 * unknown, with the place of it, since a rule that was lost may be the one that decides. At most 64 Mi characters and 100
 * levels. Numbers above 2^53, such as counters of bytes, come out rounded.
 */
export function parseNft(text: string): Reading<NftRuleset> {
  const document = readJson(text)
  if (!document.known) return document
  return gatherNft(document.value)
}

/**
 * JSON for `nft -j -f`, which `parseNft` reads as the same again. nft does not take all that it prints: no `xt`, and 1.0.6 no
 * ct timeouts or synproxy objects; its JSON leaves out a netdev chain's interfaces and that a set is dynamic.
 */
export function printNft(ruleset: NftRuleset): string {
  return JSON.stringify({ nftables: [...ruleset.others, ...ruleset.tables.flatMap(objectsOf)] })
}

/** Chains before all that jumps to them, rules after all that they name. */
function objectsOf(table: NftTable): readonly Json[] {
  const { family, name, flags, rest } = table
  const inTable = { family, table: name }
  return [
    { table: { family, name, ...(flags.length === 0 ? {} : { flags }), ...rest } },
    ...table.chains.map((chain) => ({ chain: { ...inTable, name: chain.name, ...baseOf(chain), ...chain.rest } })),
    ...table.others,
    ...table.sets.map((set) => setOf(set, inTable)),
    ...table.chains.flatMap((chain) =>
      chain.rules.map((rule) => ({
        rule: {
          ...inTable,
          chain: chain.name,
          ...(rule.handle === null ? {} : { handle: rule.handle }),
          ...(rule.comment === null ? {} : { comment: rule.comment }),
          expr: rule.statements.map((statement) => ('text' in statement ? (statement.text as Json) : statement)),
          ...rule.rest,
        },
      })),
    ),
  ]
}

function baseOf({ base }: NftChain): JsonObject {
  if (base === null) return {}
  const { type, hook, priority, policy, devices } = base
  return { type, hook, prio: priority, policy, ...(devices.length === 0 ? {} : { dev: devices }) }
}

function setOf(set: NftSet, inTable: JsonObject): Json {
  const { name, type, mapsTo, flags, elements, timeout, rest } = set
  return {
    [set.isMap ? 'map' : 'set']: {
      ...inTable,
      name,
      type,
      ...(mapsTo === null ? {} : { map: mapsTo }),
      ...(flags.length === 0 ? {} : { flags }),
      ...(timeout === null ? {} : { timeout }),
      ...(elements.length === 0 ? {} : { elem: elements }),
      ...rest,
    },
  }
}
