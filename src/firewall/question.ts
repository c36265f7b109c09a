import type { Decisions, Node } from './decision.ts'
import { constant, unsure } from './logic.ts'
import type { Packet } from './packet.ts'
import type { Rule, Table } from './rules.ts'
import { cellIn, type Range, type Space } from './space.ts'

/** What the rules of a host are asked with: one space and one diagram for all questions that are compared. */
export type Question = {
  readonly decisions: Decisions
  readonly space: Space
  /** Sets that rules write to: what is in them changes with the packets. */
  readonly writtenSets: ReadonlySet<string>
  /** Some rule marks packets by their state, so a mark may differ once tracking does. */
  readonly marksByState: boolean
  /** Address tests that were asked before. */
  readonly addressTests: Map<string, Node>
  /** Rules and whole tables that were asked before; rule sets that are tried share most of them. */
  readonly ruleTests: WeakMap<Rule, Map<string, Node>>
  readonly fates: WeakMap<Table, Map<string, Node>>
  readonly packets: { readonly keys: WeakMap<Packet, string>; readonly texts: Map<string, string> }
}

/** Equal for packets that every rule treats alike. */
export function packetKey({ packets }: Question, packet: Packet): string {
  const known = packets.keys.get(packet)
  if (known !== undefined) return known
  const text = JSON.stringify(packet)
  const key = packets.texts.get(text) ?? String(packets.texts.size)
  packets.texts.set(text, key)
  packets.keys.set(packet, key)
  return key
}

/** Whether a variable's value lies in ranges of its space. */
export function cellTest<T extends bigint | number>(
  question: Question,
  name: string,
  cuts: readonly T[],
  ranges: readonly Range<T>[],
): Node {
  const { decisions } = question
  return decisions.branch({ name, size: cuts.length, volatile: null }, (cell) => {
    const inside = cellIn(cuts, cell, ranges)
    return inside === null ? unsure(decisions, `${name} is cut too coarsely`) : constant(decisions, inside)
  })
}

/** A test whose answer we do not know but name: wherever it is asked by this name, the answer is the same. */
export function opaque(question: Question, name: string, site: string | null, metered = false): Node {
  const { decisions } = question
  const volatile = site === null ? null : { site, metered }
  return decisions.branch({ name, size: 2, volatile }, (cell) => constant(decisions, cell === 1))
}
