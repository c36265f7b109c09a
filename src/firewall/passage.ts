import { type Decided, decidedBy, type MetRule } from './decider.ts'
import type { Assignment, Node } from './decision.ts'
import { fate, passes, rawFate, untrackedWhere } from './evaluate.ts'
import { and, either, or } from './logic.ts'
import { LATER_IN, LATER_OUT, type Packet, type State, SYN } from './packet.ts'
import { type Question, toldApart } from './question.ts'
import { type LiveRules, siteOf } from './rules.ts'
import { effectOf } from './targets.ts'

/** One side of a comparison: something that passes or not, and the ways it was made of, for naming the rule. */
export type Passage = {
  readonly name: string
  readonly passes: Node
  /** Who decides on one packet, way by way, in the order of blame. */
  readonly ways: readonly Way[]
  /** That less passes is told in a note; that more does is never right. */
  readonly mayBreak?: true
  /** Errors may be sent about its packets. */
  readonly answered?: true
}
export type Way = (at: Assignment) => Decided

/** Where packets of a flow are untracked, on their way there and back; `ways` name the rule where that is unsure. */
export type Untracked = { readonly in: Node; readonly out: Node; readonly ways: readonly Way[] }

type FlowState = Exclude<State, 'RELATED'>
export type Kinds = {
  readonly first: Readonly<Record<FlowState, Node>>
  readonly later: Readonly<Record<FlowState, Node>>
  readonly ways: readonly Way[]
}

/** Whether a flow's packets pass one way, in each state. */
export function kinds(question: Question, live: readonly LiveRules[], packet: Packet): Kinds {
  const { decisions } = question
  const tcp = isTcp(packet)
  const later = laterFlags(question, packet)
  const ways: Way[] = []
  const pass = (flags: readonly string[], state: State, kind: string) => {
    const asked: Packet = { ...packet, flags, state: { is: state }, kind: tcp ? `${packet.kind} ${kind}` : packet.kind }
    ways.push((at) => decidedBy(question, live, asked, at))
    return and(
      decisions,
      passes(question, rawFate(question, live, asked)),
      passes(question, fate(question, live, asked)),
    )
  }
  const each = (of: (state: FlowState) => Node): Readonly<Record<FlowState, Node>> => ({
    UNTRACKED: of('UNTRACKED'),
    NEW: of('NEW'),
    ESTABLISHED: of('ESTABLISHED'),
    INVALID: of('INVALID'),
  })
  return {
    first: each((state) => pass(tcp ? SYN : [], state, 'first')),
    later: each((state) => and(decisions, ...later.map((flags) => pass(flags, state, 'later')))),
    ways,
  }
}

export function untrackedWays(question: Question, live: readonly LiveRules[], there: Packet, back: Packet): Untracked {
  const [going, coming] = [packetsOneWay(question, there), packetsOneWay(question, back)]
  return {
    in: untrackedAlways(question, live, going),
    out: untrackedAlways(question, live, coming),
    ways: [going, coming].map((packets) => (at) => takenApart(question, live, packets, at)),
  }
}

function laterFlags(question: Question, packet: Packet): readonly (readonly string[])[] {
  return !isTcp(packet) ? [[]] : toldApart(question, packet.direction === 'reply' ? LATER_OUT : LATER_IN)
}

function packetsOneWay(question: Question, packet: Packet): readonly Packet[] {
  const flags = laterFlags(question, packet)
  return [packet, ...flags.map((each): Packet => ({ ...packet, flags: each, kind: `${packet.kind} later` }))]
}

/** Where all packets of one way are untracked, or none; unsure where a rule takes some of them and leaves others. */
function untrackedAlways(question: Question, live: readonly LiveRules[], packets: readonly Packet[]): Node {
  return packets
    .map((each) => untrackedWhere(question, live, each))
    .reduce((left, right) => (left === right ? left : question.decisions.combine('alike', left, right, alike)))
}

function alike(left: string, right: string): string {
  return left === right ? left : 'unsure'
}

/** The rule that takes one packet and leaves another. */
function takenApart(
  question: Question,
  live: readonly LiveRules[],
  packets: readonly Packet[],
  at: Assignment,
): Decided {
  const [first, ...others] = packets.map((packet) =>
    decidedBy(question, live, packet, at).met.find(({ rule: { target } }) => {
      const effect = target === null ? '' : effectOf(target.name, target.options)
      return effect === 'no-track' || effect === 'track'
    }),
  )
  if (others.every((each) => each?.rule === first?.rule)) return { end: 'accept', site: null, met: [] }
  const found = [first, ...others].find((each) => each !== undefined) as MetRule
  return { end: 'unsure', site: siteOf(found.table, found.chain, found.rule), met: [] }
}

/** A flow as a whole, and each part of it alone, in the states that tracking gives where raw leaves it tracked. */
export type FlowPasses = { readonly flow: Node; readonly first: Node; readonly later: Node; readonly replies: Node }

export function flowPasses(
  question: Question,
  { there, back, untracked, tcp }: { there: Kinds; back: Kinds; untracked: Untracked; tcp: boolean },
): FlowPasses {
  const { decisions } = question
  const flow = byTracking(question, untracked, {
    // The entry never sees an answer, so a later packet of TCP is out of its window's order: INVALID.
    requestsOnly: and(decisions, there.first.NEW, tcp ? there.later.INVALID : there.later.NEW, back.later.UNTRACKED),
    repliesOnly: and(
      decisions,
      there.first.UNTRACKED,
      there.later.UNTRACKED,
      tcp ? back.later.INVALID : back.later.NEW,
      back.later.NEW,
    ),
    both: and(decisions, there.first.NEW, there.later.ESTABLISHED, back.later.ESTABLISHED),
    neither: and(decisions, there.first.UNTRACKED, there.later.UNTRACKED, back.later.UNTRACKED),
  })
  const strays = or(decisions, and(decisions, there.first.NEW, there.later.ESTABLISHED), there.later.NEW)
  // Replies to requests that nobody tracks never belong to an established connection.
  const alone = tcp ? or(decisions, back.later.INVALID, back.later.NEW) : back.later.NEW
  const answers = or(decisions, back.later.ESTABLISHED, back.later.NEW)
  return {
    flow,
    first: either(decisions, untracked.in, there.first.UNTRACKED, there.first.NEW),
    later: either(decisions, untracked.in, there.later.UNTRACKED, strays),
    replies: either(decisions, untracked.out, back.later.UNTRACKED, either(decisions, untracked.in, alone, answers)),
  }
}

export type ByTracking = {
  /** Only the requests are tracked; only the replies; both; neither. */
  readonly requestsOnly: Node
  readonly repliesOnly: Node
  readonly both: Node
  readonly neither: Node
}

export function byTracking(question: Question, untracked: Untracked, flow: ByTracking): Node {
  const { decisions } = question
  return either(
    decisions,
    untracked.in,
    either(decisions, untracked.out, flow.neither, flow.repliesOnly),
    either(decisions, untracked.out, flow.requestsOnly, flow.both),
  )
}

function isTcp({ protocol }: Packet): boolean {
  return 'is' in protocol && protocol.is === 'tcp'
}

/** Whether ICMP errors about a passage's packets are to be expected: not where a connection that never comes about is asked of. */
export function isAnswered({ answered }: Passage): boolean {
  return answered === true
}
