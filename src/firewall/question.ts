import type { CellRange, Decisions, Node } from './decision.ts'
import { constant, unsure } from './logic.ts'
import type { Field, Packet } from './packet.ts'
import { type Chain, type Rule, siteOf, type Table } from './rules.ts'
import { flagsPass, type Range, type Space } from './space.ts'
import type { Refusal } from './targets.ts'

/** What the rules of a host are asked with: one space and one diagram for all questions that are compared. */
export type Question = {
  readonly decisions: Decisions
  readonly space: Space
  /** Sets that rules write to: what is in them changes with the packets. */
  readonly writtenSets: ReadonlySet<string>
  /** Some rule marks packets by their state, so a mark may differ once tracking does. */
  readonly marksByState: boolean
  /** How rules refuse packets, of all ways there are. */
  readonly refusals: ReadonlySet<Refusal>
  /** Tests of addresses and ports that were asked before. */
  readonly fieldTests: Map<string, Node>
  /** What was asked before; rule sets that are tried share most rules, chains and tables. */
  readonly memory: Memory
}

export type Memory = {
  /** What a rule says of addresses, ports, protocol and interfaces, by the packet's header key. */
  readonly headerTests: WeakMap<Rule, (Node | undefined)[]>
  readonly stateless: WeakMap<Rule, Rule>
  readonly sites: WeakMap<Rule, string>
  readonly blocks: WeakMap<Rule, Block[]>
  readonly chains: WeakMap<Chain, readonly Block[]>
  readonly fates: WeakMap<Table, Map<string, Node>>
  readonly keys: WeakMap<Packet, PacketKeys>
  readonly wholes: Map<string, number>
  readonly headers: Map<string, number>
}

/** Some rules that stand together, and what packets of a class meet in them, worked out once. */
export type Block = {
  readonly rules: readonly Rule[]
  readonly plain: boolean
  /** Those that packets can match by their header, by header key. */
  readonly within: Map<number, readonly Rule[]>
  readonly runs: Map<number, readonly Run[]>
}

/** Rules in a row that do the same to whom they match; `rule` stands for all of them. */
export type Run = { readonly matches: Node; readonly rule: Rule }

/** `whole` is equal for packets that every rule treats alike, `header` for those that rules treat alike which look at addresses, ports, protocol and interfaces alone. */
export type PacketKeys = { readonly whole: number; readonly header: number }

export function newMemory(): Memory {
  return {
    headerTests: new WeakMap(),
    stateless: new WeakMap(),
    sites: new WeakMap(),
    blocks: new WeakMap(),
    chains: new WeakMap(),
    fates: new WeakMap(),
    keys: new WeakMap(),
    wholes: new Map(),
    headers: new Map(),
  }
}

export function packetKeys({ memory, space }: Question, packet: Packet): PacketKeys {
  const known = memory.keys.get(packet)
  if (known !== undefined) return known
  const { flags, state, direction, translated, kind } = packet
  const header = numberOf(memory.headers, headerText(packet))
  const seen = flags === null ? '-' : flagsSeen(space, flags)
  const rest = [header, seen, fieldText(state), direction, translated, kind].join('\n')
  const keys = { whole: numberOf(memory.wholes, rest), header }
  memory.keys.set(packet, keys)
  return keys
}

/** One set of flags for all that no rule tells apart: the first of them. */
export function toldApart({ space }: Question, sets: readonly (readonly string[])[]): readonly (readonly string[])[] {
  const first = new Map(sets.toReversed().map((flags) => [flagsSeen(space, flags), flags]))
  return sets.filter((flags) => first.get(flagsSeen(space, flags)) === flags)
}

/** Equal for sets of flags that no rule tells apart. */
function flagsSeen({ flagTests }: Space, flags: readonly string[]): string {
  return flagTests.map((test) => Number(flagsPass(flags, test))).join('')
}

/** No name of an interface, an address or a variable has a newline in it. */
function headerText(packet: Packet): string {
  const { family, path, protocol, source, destination, sourcePort, destinationPort, in: into, out, icmpType } = packet
  const { local, fragment } = packet
  const fields = [protocol, sourcePort, destinationPort, into, out].map(fieldText)
  return [family, path, source, destination, ...fields, icmpType, local.source, local.destination, fragment].join('\n')
}

function fieldText(field: Field<string | number>): string {
  return 'is' in field ? `=${field.is}` : `~${field.any}`
}

function numberOf(texts: Map<string, number>, text: string): number {
  const known = texts.get(text)
  if (known !== undefined) return known
  texts.set(text, texts.size)
  return texts.size - 1
}

/** The rule's name, as a person finds it; a rule stands in one place. */
export function siteFor({ memory }: Question, table: string, chain: string, rule: Rule): string {
  const known = memory.sites.get(rule)
  if (known !== undefined) return known
  const site = siteOf(table, chain, rule)
  memory.sites.set(rule, site)
  return site
}

/** Whether a variable's value lies in ranges of its space; unsure where a border runs through a cell. */
export function cellTest<T extends bigint | number>(
  question: Question,
  name: string,
  cuts: readonly T[],
  ranges: readonly Range<T>[],
): Node {
  const { decisions } = question
  const cells: CellRange[] = []
  for (const [from, to] of ranges) {
    const first = lastAtMost(cuts, from)
    const last = lastAtMost(cuts, to)
    const next = cuts[last + 1]
    if (cuts[first] !== from || (next !== undefined && BigInt(next) !== BigInt(to) + 1n)) return unsure(decisions)
    cells.push([first, last])
  }
  return decisions.inside({ name, size: cuts.length, volatile: null }, apart(cells))
}

/** A test whose answer we do not know but name: wherever it is asked by this name, the answer is the same. */
export function opaque(question: Question, name: string, site: string | null, metered = false): Node {
  const { decisions } = question
  const volatile = site === null ? null : { site, metered }
  return decisions.branch({ name, size: 2, volatile }, (cell) => constant(decisions, cell === 1))
}

function lastAtMost<T extends bigint | number>(cuts: readonly T[], value: T): number {
  let low = 0
  let high = cuts.length - 1
  while (low < high) {
    const middle = (low + high + 1) >> 1
    if ((cuts[middle] as T) <= value) low = middle
    else high = middle - 1
  }
  return low
}

function apart(cells: CellRange[]): readonly CellRange[] {
  const merged: [number, number][] = []
  for (const [first, last] of cells.sort((a, b) => a[0] - b[0])) {
    const before = merged.at(-1)
    if (before !== undefined && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else merged.push([first, last])
  }
  return merged
}
