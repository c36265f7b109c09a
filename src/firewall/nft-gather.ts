import type { Json } from '../model/json.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { JsonObject, NftBase, NftChain, NftRule, NftRuleset, NftSet, NftStatement, NftTable } from './nft-shape.ts'

/** Puts the flat list of objects that nft prints together to tables; the first damage is unknown, with its path. */
export function gatherNft(document: Json): Reading<NftRuleset> {
  const objects = isObject(document) ? document.nftables : undefined
  if (!isList(objects)) return unknown('no list of objects under the key nftables')
  const gathered: Gathered = { tables: new Map(), others: [] }
  for (const [index, each] of objects.entries()) {
    const damage = take(gathered, each)
    if (damage !== null) return unknown(`nftables[${index}]${damage}`)
  }
  return known({ tables: [...gathered.tables.values()].map(closed), others: gathered.others })
}

type Gathered = { readonly tables: Map<string, OpenTable>; readonly others: Json[] }
type OpenTable = Omit<NftTable, 'chains' | 'sets'> & {
  readonly chains: Map<string, OpenChain>
  readonly sets: Map<string, NftSet>
  readonly others: Json[]
}
type OpenChain = NftChain & { readonly rules: NftRule[] }

/** Where the damage is, and what it is, to be put behind the path so far; null for none. */
type Damage = string | null

const OTHER_COMMANDS = new Set(['replace', 'delete', 'destroy', 'list', 'reset', 'rename'])

function take(into: Gathered, object: Json): Damage {
  const [command, of] = oneKey(object)
  if (command === null) return `: expected an object with one key, found ${shown(object)}`
  if (command === 'flush') {
    if (oneKey(of)[0] !== 'ruleset') return '.flush: a rule set cannot be read off from a command that flushes a part'
    into.tables.clear()
    return null
  }
  if (OTHER_COMMANDS.has(command)) return `.${command}: a rule set cannot be read off from this command`
  if (command !== 'add' && command !== 'create' && command !== 'insert') return takeObject(into, command, of, null)
  const [kind, body] = oneKey(of)
  if (kind === null) return `.${command}: expected an object with one key, found ${shown(of)}`
  const damage = takeObject(into, kind, body, command)
  return damage === null ? null : `.${command}${damage}`
}

function takeObject(into: Gathered, kind: string, body: Json, command: string | null): Damage {
  const at = `.${kind}`
  if (!isObject(body) || (kind !== 'table' && body.table === undefined)) {
    if (OURS.has(kind)) return `${at}: expected an object that names a table, found ${shown(body)}`
    into.others.push({ [kind]: body })
    return null
  }
  const { family, table: name } = kind === 'table' ? { family: body.family, table: body.name } : body
  if (typeof family !== 'string' || typeof name !== 'string') return `${at}: expected a family and a table`
  const table = into.tables.get(`${family} ${name}`)
  if (kind === 'table') return table !== undefined && command === 'add' ? null : declare(into, family, name, body)
  if (table === undefined) return `${at}: no table ${shown(`${family} ${name}`)} before it`
  const damage = takeInto(table, kind, body, command)
  return damage === null ? null : `${at}${damage}`
}

/** Kinds that must name a table; others without one are kept aside. */
const OURS = new Set(['table', 'chain', 'rule', 'set', 'map', 'element'])

function declare(into: Gathered, family: string, name: string, body: JsonObject): Damage {
  const { family: _, name: __, flags, ...rest } = body
  const key = `${family} ${name}`
  if (into.tables.has(key)) return `.table: ${shown(key)} comes a second time`
  const set = strings(flags)
  if (set === null) return '.table.flags: expected strings'
  into.tables.set(key, { family, name, flags: set, chains: new Map(), sets: new Map(), others: [], rest })
  return null
}

function takeInto(table: OpenTable, kind: string, body: JsonObject, command: string | null): Damage {
  switch (kind) {
    case 'chain':
      return takeChain(table, body)
    case 'rule':
      return takeRule(table, body, command)
    case 'set':
    case 'map':
      return takeSet(table, body, kind === 'map')
    case 'element':
      return takeElement(table, body)
    default:
      table.others.push({ [kind]: body })
      return null
  }
}

function takeChain(table: OpenTable, body: JsonObject): Damage {
  const { family: _, table: __, name, type, hook, prio, policy = 'accept', dev, ...rest } = body
  if (typeof name !== 'string') return '.name: expected a string'
  if (table.chains.has(name)) return `: ${shown(name)} comes a second time`
  const isBase = [type, hook, prio, body.policy, dev].some((each) => each !== undefined)
  const devices = strings(dev)
  let base: NftBase | null = null
  if (isBase) {
    if (typeof type !== 'string' || typeof hook !== 'string') return ': expected type and hook of a base chain'
    if (typeof prio !== 'number') return `.prio: expected a number, found ${shown(prio)}`
    if (policy !== 'accept' && policy !== 'drop') return `.policy: expected accept or drop, found ${shown(policy)}`
    if (devices === null) return '.dev: expected strings'
    // JSON has a -0 that nobody means.
    base = { type, hook, priority: prio + 0, policy, devices }
  }
  table.chains.set(name, { name, base, rules: [], rest })
  return null
}

function takeRule(table: OpenTable, body: JsonObject, command: string | null): Damage {
  const { family: _, table: __, chain: name, handle = null, comment = null, expr = [], ...rest } = body
  const chain = typeof name === 'string' ? table.chains.get(name) : undefined
  if (chain === undefined) return `.chain: no chain ${shown(name)} before it`
  if (handle !== null && typeof handle !== 'number') return `.handle: expected a number, found ${shown(handle)}`
  if (comment !== null && typeof comment !== 'string') return `.comment: expected a string, found ${shown(comment)}`
  if (command !== null && (handle !== null || rest.index !== undefined)) return ': placed by handle or index'
  if (!isList(expr)) return `.expr: expected a list, found ${shown(expr)}`
  const statements: NftStatement[] = []
  for (const [index, each] of expr.entries()) {
    const statement = typeof each === 'string' ? { text: each } : each
    if (oneKey(statement)[0] === null) return `.expr[${index}]: expected an object with one key, found ${shown(each)}`
    statements.push(statement as NftStatement)
  }
  const rule: NftRule = { family: table.family, handle, comment, statements, rest }
  if (command === 'insert') chain.rules.unshift(rule)
  else chain.rules.push(rule)
  return null
}

function takeSet(table: OpenTable, body: JsonObject, isMap: boolean): Damage {
  const { family: _, table: __, name, type, map = null, flags, elem = [], timeout = null, ...rest } = body
  if (typeof name !== 'string') return '.name: expected a string'
  if (table.sets.has(name)) return `: ${shown(name)} comes a second time`
  if (type === undefined) return '.type: expected the type of the elements'
  const has = strings(flags)
  if (has === null) return '.flags: expected strings'
  if (timeout !== null && typeof timeout !== 'number') return `.timeout: expected a number, found ${shown(timeout)}`
  const elements = isList(elem) ? elem : [elem]
  table.sets.set(name, { name, isMap, type, mapsTo: map, flags: has, elements, timeout, rest })
  return null
}

function takeElement(table: OpenTable, body: JsonObject): Damage {
  const set = typeof body.name === 'string' ? table.sets.get(body.name) : undefined
  if (set === undefined) return `.name: no set ${shown(body.name)} before it`
  const more = isList(body.elem) ? body.elem : body.elem === undefined ? [] : [body.elem]
  table.sets.set(set.name, { ...set, elements: [...set.elements, ...more] })
  return null
}

function closed(table: OpenTable): NftTable {
  return { ...table, chains: [...table.chains.values()], sets: [...table.sets.values()] }
}

function oneKey(value: Json): readonly [kind: string | null, body: Json] {
  const [only, ...more] = isObject(value) ? Object.entries(value) : []
  return only === undefined || more.length > 0 ? [null, null] : only
}

/** Nothing, one or several strings; null for anything else. */
function strings(value: Json | undefined): readonly string[] | null {
  const list = value === undefined ? [] : isList(value) ? value : [value]
  return list.every((each): each is string => typeof each === 'string') ? list : null
}

function isList(value: Json | undefined): value is readonly Json[] {
  return Array.isArray(value)
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function shown(value: Json | undefined): string {
  const text = JSON.stringify(value) ?? 'nothing'
  return text.length > 60 ? `${text.slice(0, 60)}…` : text
}
