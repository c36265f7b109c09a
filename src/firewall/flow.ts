import type { Node } from './decision.ts'
import { metWhere } from './evaluate.ts'
import { forwardMeters, forwardPassages } from './forward-flow.ts'
import { addressIn } from './header-tests.ts'
import { and, either, not } from './logic.ts'
import {
  forwardedReply,
  forwardedRequest,
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
import { byTracking, flowPasses, type Kinds, kinds, type Passage, type Untracked, untrackedWays } from './passage.ts'
import type { Question } from './question.ts'
import { refusalPassages } from './refusals.ts'
import type { LiveRules } from './rules.ts'
import { turnsOf } from './turns.ts'

/**
 * What of a service passes, over everything the rules can tell apart. A flow passes when its first packet and all later
 * ones do, both ways, in the states that tracking gives them where raw leaves them tracked. Two rule sets are equal for a
 * service when all its passages are.
 */
export function passagesOf(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  if (service.forwarded) return forwardPassages(question, live, service)
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
  if (service.forwarded) return forwardMeters(question, live, service, site)
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
      return turnsOf(live, packet.path).map((turn) =>
        either(
          decisions,
          untracked.in,
          metWhere(question, turn, of('UNTRACKED'), site),
          metWhere(question, turn, of(state), site),
        ),
      )
    }
    const sides = over === 'wire' ? [asked] : [asked, overLoopback(asked)]
    const backSides = over === 'wire' ? [answered] : [answered, overLoopback(answered)]
    return [
      ...sides.flatMap((side) => [
        ...met(side, tcp ? SYN : [], 'NEW', 'first'),
        ...(tcp ? LATER_IN : [[]]).flatMap((flags) => met(side, flags, 'ESTABLISHED', 'later')),
      ]),
      ...backSides.flatMap((side) =>
        (tcp ? LATER_OUT : [[]]).flatMap((flags) => met(side, flags, 'ESTABLISHED', 'later')),
      ),
    ]
  })
}

/** Where all packets of a service are untracked: both ways, over the wire or, for the host's own clients, over loopback. */
export function untrackedThroughout(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  over: 'wire' | 'lo',
): Untracked {
  const { family } = question.space
  if (service.forwarded) {
    return untrackedWays(question, live, forwardedRequest(family, service), forwardedReply(family, service))
  }
  const requests = request(family, service, over)
  const leaving = over === 'lo' ? overLoopback(requests) : requests
  return untrackedWays(question, live, leaving, reply(family, service, over))
}

function wirePassages(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  const { decisions, space } = question
  const incoming = kinds(question, live, request(space.family, service, 'wire'))
  const outgoing = kinds(question, live, reply(space.family, service, 'wire'))
  const untracked = untrackedThroughout(question, live, service, 'wire')
  const tcp = service.protocol === 'tcp'
  const { flow, first, later, replies } = flowPasses(question, { there: incoming, back: outgoing, untracked, tcp })
  const outside = not(decisions, fromLoopbackAddress(question))
  const passages: Passage[] = [
    {
      name: 'connections from outside',
      passes: and(decisions, outside, flow),
      ways: [...incoming.ways, ...outgoing.ways, ...untracked.ways],
      answered: true,
    },
    {
      name: 'first packets from outside',
      passes: and(decisions, outside, first),
      ways: incoming.ways,
      ...(tcp ? {} : { answered: true }),
    },
    { name: 'later packets from outside', passes: and(decisions, outside, later), ways: incoming.ways },
    { name: 'replies', passes: and(decisions, outside, replies), ways: outgoing.ways },
    ...refusalPassages(question, live, {
      name: 'connections from outside',
      first: [firstOf(request(space.family, service, 'wire'))],
      reply: [reply(space.family, service, 'wire')],
      untracked: untracked.in,
      among: outside,
    }),
  ]
  if (tcp) return passages
  // A UDP server also asks others from its own port; a TCP port that listens is never picked for that.
  const asking = kinds(question, live, { ...reply(space.family, service, 'wire'), direction: 'original' })
  const told = kinds(question, live, { ...request(space.family, service, 'wire'), direction: 'reply' })
  const own = byTracking(
    question,
    { ...untracked, in: untracked.out, out: untracked.in },
    {
      requestsOnly: and(decisions, asking.later.NEW, told.later.UNTRACKED),
      // Who is tracked alone seems to begin.
      repliesOnly: and(decisions, asking.later.UNTRACKED, incoming.later.NEW),
      both: and(decisions, asking.later.NEW, asking.later.ESTABLISHED, told.later.ESTABLISHED),
      neither: and(decisions, asking.later.UNTRACKED, told.later.UNTRACKED),
    },
  )
  return [
    ...passages,
    {
      name: `answers to what the host itself sends from port ${service.port}`,
      passes: and(decisions, outside, own),
      ways: [...asking.ways, ...told.ways, ...incoming.ways],
    },
    {
      name: `first packets of the host itself from port ${service.port}`,
      passes: and(decisions, outside, either(decisions, untracked.out, asking.later.UNTRACKED, asking.later.NEW)),
      ways: asking.ways,
      answered: true,
    },
  ]
}

/** As `kinds` asks about it, so that both mean the same packet. */
function firstOf(packet: Packet): Packet {
  return 'is' in packet.protocol && packet.protocol.is === 'tcp' ? { ...packet, kind: `${packet.kind} first` } : packet
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
  const asked = [kinds(question, live, overLoopback(requests)), kinds(question, live, requests)]
  const answered = [kinds(question, live, replies), kinds(question, live, overLoopback(replies))]
  const untracked = untrackedThroughout(question, live, service, 'lo')
  const tcp = service.protocol === 'tcp'
  const all = (which: readonly Kinds[], part: 'first' | 'later', state: keyof Kinds['first']) =>
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
  const ways = [...[...asked, ...answered].flatMap((each) => each.ways), ...untracked.ways]
  return [
    { name: "the host's own connections to itself", passes: flow, ways },
    ...refusalPassages(question, live, {
      name: "the host's own connections to itself",
      first: [firstOf(overLoopback(requests)), firstOf(requests)],
      reply: [replies, overLoopback(replies)],
      untracked: untracked.in,
      among: decisions.terminal('yes'),
    }),
  ]
}
