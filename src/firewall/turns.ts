import { type BaseChain, basesOn, rawBasesOn } from './bases.ts'
import type { Packet } from './packet.ts'
import { type Chain, chainOf, type Hook, type LiveRules, type Table } from './rules.ts'

/**
 * The rule sets with one base chain each, in the order in which a packet comes to them: by hook, then by priority. Among equals
 * whoever was registered last comes first (nf_hook_entries_grow in net/netfilter/core.c; measured on 6.18), which nothing tells
 * afterwards, so there is one answer for every order that may be. At most 24 of them.
 */
export function turnsOf(live: readonly LiveRules[], path: Packet['path']): readonly (readonly LiveRules[])[] {
  const turns = live.flatMap((each) => basesOn(each, path).flatMap((base) => turnAt(each, base) ?? []))
  const places = new Map<number, Turn[]>()
  for (const turn of turns) places.set(turn.place, [...(places.get(turn.place) ?? []), turn])
  if (new Set(turns.map(({ from }) => from)).size < 2 && places.size === turns.length) return [live]
  const raw = live.flatMap((each) => rawBasesOn(each, path).flatMap((base) => turnAt(each, base)?.alone ?? []))
  const inOrder = [...places].toSorted(([a], [b]) => a - b).map(([, tied]) => tied.map(({ alone }) => alone))
  return inOrder.reduce<readonly (readonly LiveRules[])[]>(
    (orders, tied) => orders.flatMap((head) => permuted(tied).map((tail) => [...head, ...tail])).slice(0, MOST_ORDERS),
    [raw],
  )
}

const HOOKS: readonly Hook['at'][] = ['prerouting', 'input', 'forward', 'output', 'postrouting']
/** Priorities are 32 bits wide. */
const FAR = 2 ** 33
const MOST_ORDERS = 24

/** From include/uapi/linux/netfilter_ipv4.h. */
const IPTABLES_PRIORITY: Readonly<Record<string, number>> = { raw: -300, mangle: -150, filter: 0, security: 50 }

/** `place`: hook and priority in one number. */
type Turn = { readonly from: LiveRules; readonly alone: LiveRules; readonly place: number }

/** Null for a chain that lets everything pass. */
function turnAt(each: LiveRules, base: BaseChain): Turn | null {
  const table = each.rules.tables.find(({ name }) => name === base.table)
  const chain = chainOf(each.rules, base.table, base.chain)
  if (table === undefined || chain === undefined || (chain.policy !== 'DROP' && chain.rules.length === 0)) return null
  const hook = chain.hook?.at ?? (base.chain.toLowerCase() as Hook['at'])
  const priority = chain.hook?.priority ?? IPTABLES_PRIORITY[base.table] ?? 0
  return {
    from: each,
    alone: { ...each, rules: { ...each.rules, tables: [only(table, chain)] } },
    place: HOOKS.indexOf(hook) * FAR + priority,
  }
}

/** Kept, since what is worked out for a table is remembered by it. */
const made = new WeakMap<Chain, WeakMap<Table, Table>>()

function only(table: Table, chain: Chain): Table {
  const known = made.get(chain)?.get(table)
  if (known !== undefined) return known
  const chains = table.chains.filter((each) => each === chain || each.policy === null)
  const alone = { ...table, chains }
  made.set(chain, (made.get(chain) ?? new WeakMap<Table, Table>()).set(table, alone))
  return alone
}

function permuted<T>(items: readonly T[]): readonly (readonly T[])[] {
  if (items.length < 2) return [items]
  return items.flatMap((first, at) => permuted(items.toSpliced(at, 1)).map((rest) => [first, ...rest]))
}
