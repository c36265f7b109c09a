import { known, type Reading, unknown } from '../model/reading.ts'
import { rulesOf } from './nft-rules.ts'
import type { NftBase, NftChain, NftRuleset, NftTable } from './nft-ruleset.ts'
import type { Chain, Family, Hook, LiveRules, Rule, Table } from './rules.ts'

/**
 * nft's own tables as live rules, one set for each family; `skipped` are those that a save tool of iptables prints. Unknown,
 * with the chain, where a chain's place or family is one that cannot be judged.
 */
export function nativeRules(
  { tables }: NftRuleset,
  skipped: (family: string, table: string) => boolean,
): Reading<readonly LiveRules[]> {
  const found: { readonly family: string; readonly table: Table }[] = []
  for (const table of tables) {
    if (skipped(table.family, table.name)) continue
    if (!IP_FAMILIES.has(table.family)) {
      const odd = table.chains.find(looksAtConnections)
      if (odd !== undefined) return unknown(`nft chain ${nameOf(table, odd)} looks at connections before IP does`)
      continue
    }
    const odd = [table.name, ...table.chains.map(({ name }) => name)].find((name) => !PLAIN_NAME.test(name))
    if (odd !== undefined)
      return unknown(`nft has a table or chain by the name of ${JSON.stringify(odd)}, which cannot be asked for`)
    const flag = table.flags.find((each) => each !== 'dormant' && each !== 'persist')
    if (flag !== undefined) {
      const why =
        flag === 'owner'
          ? 'belongs to a program that lets nobody else change it'
          : `has the flag ${JSON.stringify(flag)}, which is not known`
      return unknown(`nft table ${table.family} ${table.name} ${why}`)
    }
    const taken = table.chains.find(({ name }) => VERDICT_WORDS.has(name))
    if (taken !== undefined)
      return unknown(
        `nft chain ${nameOf(table, taken)} is called like a verdict, so that a jump could not be told from it`,
      )
    const chains: Chain[] = []
    for (const chain of table.chains) {
      const long = chain.rules.find((rule) => JSON.stringify([rule.statements, rule.comment]).includes('\\n'))
      if (long !== undefined) return unknown(`a rule in nft chain ${nameOf(table, chain)} is written on several lines`)
      const made = chainFrom(table, chain)
      if (!made.known) return made
      chains.push(made.value)
    }
    found.push({ family: table.family, table: { name: `${table.family} ${table.name}`, chains } })
  }
  const live = (['ip', 'ip6'] as const).map(
    (family): LiveRules => ({ backend: 'native', rules: { family, tables: tablesOf(found, family) } }),
  )
  return known(live.filter(({ rules }) => rules.tables.length > 0))
}

/** What targets that are no jump are called here. */
const VERDICT_WORDS: ReadonlySet<string> = new Set([
  ...[
    'accept',
    'drop',
    'reject',
    'return',
    'continue',
    'queue',
    'notrack',
    'unknown',
    'mark',
    'connmark',
    'set',
    'flow',
  ],
  ...['dup', 'fwd', 'ct', 'snat', 'dnat', 'masquerade', 'redirect', 'tproxy', 'synproxy', 'xt', 'jump', 'goto'],
])
/** More are a map or a list in the shape of rules; judging them would take longer than anybody waits. */
const MOST_STATEMENTS = 200
const MOST_RULES = 100_000
/** Names that nft reads as one word. */
const PLAIN_NAME = /^[A-Za-z_][A-Za-z0-9_.-]{0,63}$/
const IP_FAMILIES: ReadonlySet<string> = new Set(['ip', 'ip6', 'inet'])
/** Where connection tracking stands itself: who comes first there is settled by who was there first. */
const TRACKING_PRIORITY = -200

function tablesOf(
  found: readonly { readonly family: string; readonly table: Table }[],
  family: Family,
): readonly Table[] {
  return found.filter((each) => each.family === family || each.family === 'inet').map(({ table }) => table)
}

function chainFrom(table: NftTable, chain: NftChain): Reading<Chain> {
  const long = chain.rules.find(({ statements }) => statements.length > MOST_STATEMENTS)
  if (long !== undefined)
    return unknown(`a rule of nft chain ${nameOf(table, chain)} has more than ${MOST_STATEMENTS} statements`)
  const rules: Rule[] = []
  for (const rule of chain.rules) {
    for (const made of rulesOf(rule, table)) rules.push(made)
    if (rules.length > MOST_RULES)
      return unknown(`nft chain ${nameOf(table, chain)} comes to more than ${MOST_RULES} rules`)
  }
  const { base } = chain
  // Packets do not come through the chains of a dormant table.
  if (base === null || table.flags.includes('dormant')) return known({ name: chain.name, policy: null, rules })
  // Before IP, on one device: what passes there passes there with and without tracking.
  if (base.hook === 'ingress' || base.hook === 'egress') {
    if (looksAtConnections(chain))
      return unknown(`nft chain ${nameOf(table, chain)} looks at connections before IP does`)
    return known({ name: chain.name, policy: null, rules: [] })
  }
  const hook = hookFrom(base)
  if (hook === null) return unknown(`nft chain ${nameOf(table, chain)} stands at hook ${base.hook}, which is not known`)
  if (hook.priority === TRACKING_PRIORITY && (hook.at === 'prerouting' || hook.at === 'output') && rules.length > 0) {
    return unknown(`nft chain ${nameOf(table, chain)} stands at the very place of connection tracking (priority -200)`)
  }
  return known({ name: chain.name, policy: base.policy === 'drop' ? 'DROP' : 'ACCEPT', rules, hook })
}

function hookFrom({ hook, type, priority }: NftBase): Hook | null {
  if (type !== 'filter' && type !== 'nat' && type !== 'route') return null
  switch (hook) {
    case 'prerouting':
    case 'input':
    case 'forward':
    case 'output':
    case 'postrouting':
      return { at: hook, type, priority }
    default:
      return null
  }
}

function looksAtConnections({ rules }: NftChain): boolean {
  return /"(ct|ct [a-z]+|notrack|flow|xt|synproxy)":/.test(JSON.stringify(rules.map(({ statements }) => statements)))
}

function nameOf(table: NftTable, chain: NftChain): string {
  return `${table.family} ${table.name} ${chain.name}`
}
