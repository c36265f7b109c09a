import type { Assignment, Node } from './decision.ts'
import { type Decided, decidedBy } from './decider.ts'
import { fate, metWhere, passes, rawFate, untrackedWhere } from './evaluate.ts'
import { addressIn } from './header-tests.ts'
import { and, either, not, or } from './logic.ts'
import {
  LATER_IN,
  LATER_OUT,
  overLoopback,
  type Packet,
  reply,
  request,
  type Service,
  type State,
  SYN,
} from './packet.ts'
import type { Question } from './question.ts'
import type { LiveRules } from './rules.ts'

/** One side of a comparison: something that passes or not, and the ways it was made of, for naming the rule. */
export type Passage = {
  readonly name: string
  readonly passes: Node
  /** Who decides on one packet, way by way, in the order of blame. */
  readonly ways: readonly Way[]
}
export type Way = (at: Assignment) => Decided

/**
 * What of a service passes, over everything the rules can tell apart. A flow passes when its first packet and all later
 * ones do, both ways, in the states that tracking gives them where raw leaves them tracked. Two rule sets are equal for a
 * service when all its passages are.
 */
export function passagesOf(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  const wire = wirePassages(question, live, service)
  return [...wire, ...loopbackPassages(question, live, service)]
}

/** Which packets of a service meet a rule that counts them, one entry per kind of packet; null where that is not clear. */
export function metersOf(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  site: string,
): readonly (Node | null)[] {
  const { decisions, space } = question
  return (['wire', 'lo'] as const).flatMap((over) => {
    const [asked, answered] = [request(space.family, service, over), reply(space.family, service, over)]
    const untracked = untrackedThroughout(question, live, service, over)
    if (untracked.in !== untracked.out) return [null]
    const tcp = service.protocol === 'tcp'
    const met = (packet: Packet, flags: readonly string[], state: State, kind: string) => {
      const of = (as: State) => ({
        ...packet,
        flags,
        state: { is: as },
        kind: tcp ? `${packet.kind} ${kind}` : packet.kind,
      })
      return either(
        decisions,
        untracked.in,
        metWhere(question, live, of('UNTRACKED'), site),
        metWhere(question, live, of(state), site),
      )
    }
    const sides = over === 'wire' ? [asked] : [asked, overLoopback(asked)]
    const backSides = over === 'wire' ? [answered] : [answered, overLoopback(answered)]
    return [
      ...sides.flatMap((side) => [
        met(side, tcp ? SYN : [], 'NEW', 'first'),
        ...(tcp ? LATER_IN : [[]]).map((flags) => met(side, flags, 'ESTABLISHED', 'later')),
      ]),
      ...backSides.flatMap((side) => (tcp ? LATER_OUT : [[]]).map((flags) => met(side, flags, 'ESTABLISHED', 'later'))),
    ]
  })
}

/** Where all packets of a service are untracked: both ways, over the wire and, if `lo` is set, over loopback. */
export function untrackedThroughout(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  over: 'wire' | 'lo',
): { readonly in: Node; readonly out: Node } {
  const { family } = question.space
  const requests = request(family, service, over)
  return {
    in: untrackedWhere(question, live, over === 'lo' ? overLoopback(requests) : requests),
    out: untrackedWhere(question, live, reply(family, service, over)),
  }
}

function wirePassages(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  const { decisions, space } = question
  const incoming = kinds(question, live, request(space.family, service, 'wire'), service)
  const outgoing = kinds(question, live, reply(space.family, service, 'wire'), service)
  const untracked = untrackedThroughout(question, live, service, 'wire')
  const tcp = service.protocol === 'tcp'
  const flow = byTracking(question, untracked, {
    // The entry never sees an answer, so a later packet of TCP is out of its window's order: INVALID.
    requestsOnly: and(
      decisions,
      incoming.first.NEW,
      tcp ? incoming.later.INVALID : incoming.later.NEW,
      outgoing.later.UNTRACKED,
    ),
    repliesOnly: and(
      decisions,
      incoming.first.UNTRACKED,
      incoming.later.UNTRACKED,
      tcp ? outgoing.later.INVALID : outgoing.later.NEW,
      outgoing.later.NEW,
    ),
    both: and(decisions, incoming.first.NEW, incoming.later.ESTABLISHED, outgoing.later.ESTABLISHED),
    neither: and(decisions, incoming.first.UNTRACKED, incoming.later.UNTRACKED, outgoing.later.UNTRACKED),
  })
  const first = either(decisions, untracked.in, incoming.first.UNTRACKED, incoming.first.NEW)
  const strays = or(decisions, and(decisions, incoming.first.NEW, incoming.later.ESTABLISHED), incoming.later.NEW)
  const later = either(decisions, untracked.in, incoming.later.UNTRACKED, strays)
  // Replies to requests that nobody tracks never belong to an established connection.
  const alone = tcp ? or(decisions, outgoing.later.INVALID, outgoing.later.NEW) : outgoing.later.NEW
  const answers = or(decisions, outgoing.later.ESTABLISHED, outgoing.later.NEW)
  const replies = either(
    decisions,
    untracked.out,
    outgoing.later.UNTRACKED,
    either(decisions, untracked.in, alone, answers),
  )
  const outside = not(decisions, fromLoopbackAddress(question))
  const passages: Passage[] = [
    {
      name: 'connections from outside',
      passes: and(decisions, outside, flow),
      ways: [...incoming.ways, ...outgoing.ways],
    },
    { name: 'first packets from outside', passes: and(decisions, outside, first), ways: incoming.ways },
    { name: 'later packets from outside', passes: and(decisions, outside, later), ways: incoming.ways },
    { name: 'replies', passes: and(decisions, outside, replies), ways: outgoing.ways },
  ]
  if (tcp) return passages
  // A UDP server also asks others from its own port; a TCP port that listens is never picked for that.
  const own = byTracking(
    question,
    { in: untracked.out, out: untracked.in },
    {
      requestsOnly: and(decisions, outgoing.later.NEW, incoming.later.UNTRACKED),
      repliesOnly: and(decisions, outgoing.later.UNTRACKED, incoming.later.NEW),
      both: and(decisions, outgoing.later.NEW, outgoing.later.ESTABLISHED, incoming.later.ESTABLISHED),
      neither: and(decisions, outgoing.later.UNTRACKED, incoming.later.UNTRACKED),
    },
  )
  return [
    ...passages,
    {
      name: `what the host itself asks from port ${service.port}`,
      passes: and(decisions, outside, own),
      ways: [...outgoing.ways, ...incoming.ways],
    },
  ]
}

/** No packet with a loopback address of another host is ever answered over the wire. */
export function fromLoopbackAddress(question: Question): Node {
  return addressIn(question, 'client', question.space.family === 'ip' ? '127.0.0.0/8' : '::1/128')
}

/** Over loopback a packet keeps on its way in the connection that it got on its way out. */
function loopbackPassages(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  const { decisions, space } = question
  const requests = request(space.family, service, 'lo')
  const replies = reply(space.family, service, 'lo')
  const asked = [kinds(question, live, overLoopback(requests), service), kinds(question, live, requests, service)]
  const answered = [kinds(question, live, replies, service), kinds(question, live, overLoopback(replies), service)]
  const untracked = untrackedThroughout(question, live, service, 'lo')
  const tcp = service.protocol === 'tcp'
  const all = (which: readonly Kinds[], part: 'first' | 'later', state: FlowState) =>
    and(decisions, ...which.map((each) => each[part][state]))
  const flow = byTracking(question, untracked, {
    requestsOnly: and(
      decisions,
      all(asked, 'first', 'NEW'),
      all(asked, 'later', tcp ? 'INVALID' : 'NEW'),
      all(answered, 'later', 'UNTRACKED'),
    ),
    repliesOnly: and(
      decisions,
      all(asked, 'first', 'UNTRACKED'),
      all(asked, 'later', 'UNTRACKED'),
      all(answered, 'later', tcp ? 'INVALID' : 'NEW'),
      all(answered, 'later', 'NEW'),
    ),
    both: and(
      decisions,
      all(asked, 'first', 'NEW'),
      all(asked, 'later', 'ESTABLISHED'),
      all(answered, 'later', 'ESTABLISHED'),
    ),
    neither: and(
      decisions,
      all(asked, 'first', 'UNTRACKED'),
      all(asked, 'later', 'UNTRACKED'),
      all(answered, 'later', 'UNTRACKED'),
    ),
  })
  const ways = [...asked, ...answered].flatMap((each) => each.ways)
  return [{ name: "the host's own connections to itself", passes: flow, ways }]
}

type FlowState = Exclude<State, 'RELATED'>
type Kinds = {
  readonly first: Readonly<Record<FlowState, Node>>
  readonly later: Readonly<Record<FlowState, Node>>
  readonly ways: readonly Way[]
}

function kinds(question: Question, live: readonly LiveRules[], packet: Packet, service: Service): Kinds {
  const { decisions } = question
  const tcp = service.protocol === 'tcp'
  const later = !tcp ? [[]] : packet.direction === 'reply' ? LATER_OUT : LATER_IN
  const ways: Way[] = []
  const pass = (flags: readonly string[], state: State, kind: string) => {
    const asked: Packet = { ...packet, flags, state: { is: state }, kind: tcp ? `${packet.kind} ${kind}` : packet.kind }
    ways.push((at) => decidedBy(question, live, asked, at))
    return and(decisions, passes(question, rawFate(question, live, asked)), passes(question, fate(question, live, asked)))
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

type ByTracking = {
  /** Only the requests are tracked; only the replies; both; neither. */
  readonly requestsOnly: Node
  readonly repliesOnly: Node
  readonly both: Node
  readonly neither: Node
}

function byTracking(question: Question, untracked: { readonly in: Node; readonly out: Node }, flow: ByTracking): Node {
  const { decisions } = question
  return either(
    decisions,
    untracked.in,
    either(decisions, untracked.out, flow.neither, flow.repliesOnly),
    either(decisions, untracked.out, flow.requestsOnly, flow.both),
  )
}
