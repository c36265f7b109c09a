import type { Json } from '../model/json.ts'
import { NEEDS_TRACKING } from './match-kinds.ts'
import { mergedTests } from './nft-kinds.ts'
import { apartByPorts, doubtedMatches, matchesOf, unknownMatch } from './nft-matches.ts'
import type { NftRule, NftStatement, NftTable } from './nft-ruleset.ts'
import { ruleText, statementText } from './nft-text.ts'
import type { Match, Rule, Target } from './rules.ts'
import { NEEDS_TRACKING_TARGETS } from './targets.ts'

/**
 * One nft rule as rules with one target each, in the order of its statements: a verdict map is as many rules as it has
 * elements, since they exclude each other, and a port whose protocol is not named makes two of one. Statements that neither
 * match nor alter the packet's way leave nothing.
 */
export function rulesOf(rule: NftRule, table: NftTable): readonly Rule[] {
  const spec = (isListedAsItIs(rule) ? ruleText(rule) : null) ?? JSON.stringify(rule.statements)
  const matches: Match[] = []
  const made: Rule[] = []
  const push = (target: Target | null, more: readonly Match[] = []) => {
    const at = rule.handle === null ? {} : { handle: rule.handle }
    for (const row of apartByPorts([...matches, ...more])) {
      made.push({ spec, matches: row.map((match) => inTable(match, table)), target, ...at })
    }
  }
  const merged = mergedTests(rule.statements.flatMap(({ match }) => (match === undefined ? [] : [testOf(match)])))
  for (const statement of rule.statements) {
    const meaning = meaningOf(statement, table, merged)
    switch (meaning.is) {
      case 'nothing':
        continue
      case 'match':
        if (meaning.writes !== undefined) push(meaning.writes)
        matches.push(...meaning.matches)
        continue
      case 'target':
        push(meaning.target, [...(meaning.of ?? []), ...familyLeftOut(rule, statement, matches)])
        continue
      case 'map':
        for (const { matches: more, target } of meaning.elements) push(target, more)
        continue
    }
  }
  if (made.length === 0) push(null)
  // Where a connection is only read to be written elsewhere, no match and no target says so.
  if (readsConnection(rule.statements) && !made.some(needsTracking)) push(null, [{ name: 'ct', tests: [], text: spec }])
  return made
}

/** A set belongs to its table: another one of that name is another set. */
function inTable(match: Match, { family, name }: NftTable): Match {
  const [test] = match.tests
  const table = `${family} ${name}`
  if (match.name === 'set' && test !== undefined) {
    const [set = '', ...rest] = test.values
    return { ...match, tests: [{ ...test, values: [`${table} ${set}`, ...rest] }] }
  }
  if (match.name === 'ct' || match.tests.length > 0 || !match.text.includes('@')) return match
  return { ...match, tests: [{ option: 'table', negated: false, values: [table] }] }
}

/** Whether a rule's text is nft's own language and says all of it, so that it can be written again. */
export function isWritable({ spec, matches }: Rule): boolean {
  return !spec.startsWith('[') && !matches.some(({ text }) => text.startsWith(LEFT_OUT))
}

/**
 * In tables of both families nft 1.0.6 lists `meta nfproto ipv4 tcp dport 5 reject with tcp reset` without its family, unless
 * something else than tests stands before the reject (measured).
 */
function familyLeftOut(rule: NftRule, statement: NftStatement, matches: readonly Match[]): readonly Match[] {
  if (rule.family !== 'inet' || fieldsOf(statement.reject ?? null).type !== 'tcp reset') return []
  const before = rule.statements.slice(0, rule.statements.indexOf(statement))
  if (before.some(({ match }) => match === undefined) || matches.some(({ name }) => name === 'nfproto')) return []
  return [{ name: 'flow', tests: [], text: `${LEFT_OUT}${ruleText(rule) ?? ''}` }]
}

const LEFT_OUT = 'a family that may be left out of '

type Meaning =
  | { readonly is: 'nothing' }
  | { readonly is: 'match'; readonly matches: readonly Match[]; readonly writes?: Target }
  /** `of`: the packets that it can be done to. */
  | { readonly is: 'target'; readonly target: Target; readonly of?: readonly Match[] }
  | {
      readonly is: 'map'
      readonly elements: readonly { readonly matches: readonly Match[]; readonly target: Target }[]
    }

const NOTHING: Meaning = { is: 'nothing' }

/** `doubted`: left sides of tests that ask for something else than they say. */
function meaningOf(statement: NftStatement, table: NftTable, doubted: ReadonlySet<Json> = new Set()): Meaning {
  const entries = Object.entries(statement)
  if (entries.length !== 1) return unsure(statement)
  const [kind, body] = entries[0] as [string, Json]
  const text = statementText(statement) ?? JSON.stringify(statement)
  switch (kind) {
    case 'match': {
      const [left, op, right] = testOf(body)
      return { is: 'match', matches: (doubted.has(left) ? doubtedMatches : matchesOf)(left, op, right) }
    }
    case 'counter':
    case 'log':
    case 'last':
    case 'secmark':
    case 'comment':
      return NOTHING
    case 'limit':
    case 'quota':
      return { is: 'match', matches: [{ name: kind, tests: [], text }] }
    case 'ct count':
      return { is: 'match', matches: [{ name: 'ct count', tests: [], text }] }
    case 'set':
      return setStatement(body, text, table)
    case 'map':
    case 'meter':
      return { is: 'match', matches: [{ name: 'dynset', tests: [], text }] }
    case 'mangle':
      return mangled(fieldsOf(body), text)
    case 'ct helper':
      return target('ct', text, [{ option: 'helper', negated: false, values: [typeof body === 'string' ? body : ''] }])
    case 'reject': {
      const { type = '' } = fieldsOf(body)
      const reset = [{ option: 'reject-with', negated: false, values: ['tcp-reset'] }]
      return { ...target('reject', text, type === 'tcp reset' ? reset : []), of: rejected(fieldsOf(body)) }
    }
    case 'ct expectation': {
      const name = typeof body === 'string' ? body : ''
      return target('ct', text, [{ option: 'expectation', negated: false, values: [name] }])
    }
    case 'ct timeout':
      return target('ct', text)
    case 'vmap':
      return verdictMap(fieldsOf(body), table)
    case 'jump':
    case 'goto':
      return { is: 'target', target: jumpTo(kind, body, text) }
    case 'accept':
    case 'drop':
    case 'return':
    case 'continue':
    case 'notrack':
    case 'snat':
    case 'dnat':
    case 'masquerade':
    case 'redirect':
    case 'tproxy':
    case 'synproxy':
    case 'flow':
    case 'dup':
    case 'xt':
      return target(kind, text)
    default:
      return unsure(statement)
  }
}

function testOf(match: Json): readonly [left: Json, op: string, right: Json] {
  const { left = null, op = '', right = null } = fieldsOf(match)
  return [left, typeof op === 'string' ? op : '', right]
}

function target(name: string, text: string, options: Target['options'] = []): Meaning & { readonly is: 'target' } {
  return { is: 'target', target: { name, goto: false, options, text } }
}

/** It may match or not, end the packet's way or not. */
function unsure(statement: NftStatement): Meaning {
  return target('unknown', statementText(statement) ?? JSON.stringify(statement))
}

function jumpTo(kind: 'jump' | 'goto', body: Json, text: string): Target {
  const { target: chain = '' } = fieldsOf(body)
  return { name: typeof chain === 'string' ? chain : '', goto: kind === 'goto', options: [], text }
}

/** An element that is added may not find room in its set, or may be over its limit: then the rule ends there. */
function setStatement(body: Json, text: string, table: NftTable): Meaning {
  const { set = '' } = fieldsOf(body)
  const options = [
    { option: 'add', negated: false, values: [`${table.family} ${table.name} ${typeof set === 'string' ? set : ''}`] },
  ]
  const writes: Target = { name: 'set', goto: false, options, text }
  return { is: 'match', matches: [{ name: 'dynset', tests: [], text }], writes }
}

/** What is written to a packet and read again by rules or by the kernel. */
function mangled({ key = null, value = null }: Fields, text: string): Meaning {
  const [kind, body] = Object.entries(fieldsOf(key))[0] ?? ['', null]
  const field = fieldsOf(body ?? null).key
  if (kind === 'ct') return field === 'zone' ? target('ct', text) : target('connmark', text)
  if (kind === 'meta' && field === 'mark') {
    const restores = JSON.stringify(value).includes('"ct"')
    return target('mark', text, restores ? [{ option: 'restore', negated: false, values: [] }] : [])
  }
  // Addresses and ports would no longer be what later rules are asked about.
  const header = fieldsOf(body ?? null).field
  if (kind === 'payload' && !HARMLESS_FIELD.test(typeof header === 'string' ? header : ''))
    return target('unknown', text)
  if (kind === 'meta' && field === 'nftrace') return NOTHING
  // What is for another host is dropped when it is delivered.
  if (kind === 'meta' && field === 'pkttype') return target('unknown', text)
  if (kind === 'meta' || kind === 'payload' || kind === 'exthdr' || kind === 'tcp option') return target('mark', text)
  return target('unknown', text)
}

/**
 * What nft does not print of a reject: in a table of both families an answer by ICMP goes to its own family's packets alone,
 * and a reset to TCP's, whose test it leaves out in a table of one family (measured with 1.0.6).
 */
function rejected({ type = null }: Fields): readonly Match[] {
  if (type === 'tcp reset')
    return [{ name: 'protocol', tests: [{ option: 'protocol', negated: false, values: ['tcp'] }], text: '' }]
  const family = type === 'icmp' ? 'ipv4' : type === 'icmpv6' ? 'ipv6' : null
  if (family === null) return []
  return [{ name: 'nfproto', tests: [{ option: 'nfproto', negated: false, values: [family] }], text: '' }]
}

/** Not what decides where a packet goes: an address, a port, a protocol, or a part of the packet without a name. */
const HARMLESS_FIELD = /^(?!saddr$|daddr$|sport$|dport$|protocol$|nexthdr$)./

/** Of an address of a connection without its family, nft 1.0.6 lists another one where a prefix is meant (measured). */
function isListedAsItIs({ statements }: NftRule): boolean {
  return !/"key":"[sd]addr"/.test(JSON.stringify(statements))
}

function readsConnection(statements: readonly NftStatement[]): boolean {
  return /"ct":\{/.test(JSON.stringify(statements))
}

function needsTracking({ matches, target }: Rule): boolean {
  return matches.some(({ name }) => NEEDS_TRACKING.has(name)) || NEEDS_TRACKING_TARGETS.has(target?.name ?? '')
}

/** Of a verdict map; a longer one is not taken apart. */
const MOST_ELEMENTS = 5000

function verdictMap({ key = null, data = null }: Fields, table: NftTable): Meaning {
  const text = statementText({ vmap: { key, data } }) ?? 'vmap'
  const elements = elementsOf(data, table)
  if (elements === null || elements.length > MOST_ELEMENTS) return target('unknown', text)
  const made: { readonly matches: readonly Match[]; readonly target: Target }[] = []
  const values: Json[] = []
  let rest = null as Target | null
  for (const element of elements) {
    if (!Array.isArray(element) || element.length !== 2) return target('unknown', text)
    const [value = null, verdict = null] = element as readonly Json[]
    const meaning = meaningOf(fieldsOf(verdict), table)
    const to: Target =
      meaning.is === 'target'
        ? meaning.target
        : { name: 'unknown', goto: false, options: [], text: JSON.stringify(verdict) }
    if (plainValue(value) === '*') rest = to
    else {
      values.push(plainValue(value))
      made.push({ matches: matchesOf(key, '==', plainValue(value)), target: to })
    }
  }
  // Asked as a rule would, so that who lacks what is asked about is not among the rest, nor who comes back from a jump.
  if (rest !== null) {
    made.push({
      matches: values.length === 0 ? [unknownMatch('*')] : matchesOf(key, '!=', { set: values }),
      target: rest,
    })
  }
  return { is: 'map', elements: made }
}

/** The pairs of a verdict map; null where they come and go with the packets, or are not known. */
function elementsOf(data: Json, table: NftTable): readonly Json[] | null {
  if (typeof data === 'string') {
    const map = table.sets.find(({ name, isMap }) => isMap && `@${name}` === data)
    if (map === undefined || map.flags.some((flag) => flag === 'dynamic' || flag === 'timeout')) return null
    return map.elements
  }
  const { set } = fieldsOf(data)
  return Array.isArray(set) ? (set as readonly Json[]) : null
}

function plainValue(value: Json): Json {
  const { elem } = fieldsOf(value)
  return elem === undefined ? value : (fieldsOf(elem).val ?? null)
}

type Fields = { readonly [key: string]: Json }

function fieldsOf(value: Json): Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : {}
}
