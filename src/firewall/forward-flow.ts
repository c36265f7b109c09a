import type { Node } from './decision.ts'
import { metWhere, untrackedWhere } from './evaluate.ts'
import { addressIn, portHolds } from './header-tests.ts'
import { and, either, not, or } from './logic.ts'
import {
  forwardedFromPort,
  forwardedReply,
  forwardedRequest,
  LATER_IN,
  LATER_OUT,
  type Packet,
  refusalOfForwarded,
  type Service,
  type State,
  SYN,
  toGroup,
} from './packet.ts'
import { flowPasses, kinds, type Passage, untrackedWays } from './passage.ts'
import type { Question } from './question.ts'
import { refusalPassages } from './refusals.ts'
import type { Family, LiveRules } from './rules.ts'
import { turnsOf } from './turns.ts'

/**
 * What passes through this host to a port of others, and what else comes by with that port. An answer cannot be told from a
 * stranger's packet once nothing is tracked: TCP's flags say at least whether it opens a connection, UDP has nothing of the kind.
 */
export function forwardPassages(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  const { decisions, space } = question
  const [request, reply] = [forwardedRequest(space.family, service), forwardedReply(space.family, service)]
  const [there, back] = [kinds(question, live, request), kinds(question, live, reply)]
  const untracked = untrackedWays(question, live, request, reply)
  const tcp = service.protocol === 'tcp'
  const { flow, first, later, replies } = flowPasses(question, { there, back, untracked, tcp })
  const routed = not(decisions, withLoopbackAddress(question))
  // From the port to the port, a packet that opens nothing may be of either way.
  const told = tcp
    ? and(decisions, routed, not(decisions, portHolds(question, CLIENT_PORT, `${service.port}`)))
    : routed
  return [
    {
      name: 'forwarded connections',
      passes: and(decisions, told, flow),
      ways: [...there.ways, ...back.ways, ...untracked.ways],
      answered: true,
    },
    {
      name: 'first packets of forwarded connections',
      passes: and(decisions, routed, first),
      ways: there.ways,
      answered: true,
    },
    { name: 'later packets of forwarded connections', passes: and(decisions, told, later), ways: there.ways },
    { name: 'forwarded replies', passes: and(decisions, told, replies), ways: back.ways },
    ...refusalPassages(question, live, {
      name: 'forwarded connections',
      first: [tcp ? { ...request, kind: `${request.kind} first` } : request],
      reply: [refusalOfForwarded(space.family, service)],
      untracked: untracked.in,
      among: routed,
    }),
    ...fromPortPassages(question, live, service),
    ...(tcp ? [] : groupPassages(question, live, service)),
  ]
}

/** Which forwarded packets meet a rule that counts them, one entry per kind of packet; null where that is not clear. */
export function forwardMeters(
  question: Question,
  live: readonly LiveRules[],
  service: Service,
  site: string,
): readonly (Node | null)[] {
  const { decisions, space } = question
  const [request, reply] = [forwardedRequest(space.family, service), forwardedReply(space.family, service)]
  const untracked = untrackedWays(question, live, request, reply)
  if (untracked.in !== untracked.out) return [null]
  const tcp = service.protocol === 'tcp'
  const met = (packet: Packet, flags: readonly string[], state: State, kind: string) => {
    const named = tcp ? `${packet.kind} ${kind}` : packet.kind
    return turnsOf(live, packet.path).map((turn) => {
      const as = (which: State) =>
        metWhere(question, turn, { ...packet, flags, state: { is: which }, kind: named }, site)
      return either(decisions, untrackedWhere(question, live, packet), as('UNTRACKED'), as(state))
    })
  }
  const stranger = forwardedFromPort(space.family, service).request
  return [
    ...met(request, tcp ? SYN : [], 'NEW', 'first'),
    ...(tcp ? LATER_IN : [[]]).flatMap((flags) => met(request, flags, 'ESTABLISHED', 'later')),
    ...(tcp ? LATER_OUT : [[]]).flatMap((flags) => met(reply, flags, 'ESTABLISHED', 'later')),
    ...(tcp ? [] : met(stranger, [], 'NEW', 'first')),
  ]
}

const CLIENT_PORT = { any: 'client port' }

/** No router passes on a packet with a loopback address (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3). */
function withLoopbackAddress(question: Question): Node {
  const range = question.space.family === 'ip' ? '127.0.0.0/8' : '::1/128'
  return or(question.decisions, addressIn(question, 'client', range), addressIn(question, 'server', range))
}

/**
 * Flows of clients that took the port for their own: from there to any port of others, and back. A client of TCP does so by
 * chance alone, so there only a connection that could not be opened before counts; with UDP (53 to 53, 123 to 123) all does.
 */
function fromPortPassages(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  const { decisions, space } = question
  const { request, reply } = forwardedFromPort(space.family, service)
  const [there, back] = [kinds(question, live, request), kinds(question, live, reply)]
  const tcp = service.protocol === 'tcp'
  const untracked = untrackedWays(question, live, request, reply)
  const { flow, first } = flowPasses(question, { there, back, untracked, tcp })
  const routed = not(decisions, withLoopbackAddress(question))
  const whole: Passage = {
    name: `forwarded connections from port ${service.port}`,
    passes: and(decisions, routed, flow),
    ways: [...there.ways, ...back.ways, ...untracked.ways],
  }
  const start: Passage = {
    name: firstFromPort(service),
    passes: and(decisions, routed, first),
    ways: there.ways,
  }
  const refusals = refusalPassages(question, live, {
    name: whole.name,
    first: [tcp ? { ...request, kind: `${request.kind} first` } : request],
    reply: [refusalOfFromPort(space.family, service)],
    untracked: untracked.in,
    among: routed,
  })
  const all = [whole, start, ...refusals]
  return tcp ? all.map((each) => ({ ...each, mayBreak: true })) : all
}

/** The passage of the first packets that such clients send. */
export function firstFromPort({ port }: Service): string {
  return `first packets from port ${port}`
}

function refusalOfFromPort(family: Family, service: Service): Packet {
  const { sourcePort, destinationPort } = forwardedFromPort(family, service).reply
  const kind = 'refusal of a forwarded request from the port'
  return { ...refusalOfForwarded(family, service), sourcePort, destinationPort, kind }
}

/** Broadcasts and multicasts go untracked too, since their destination is no address of the host. */
function groupPassages(question: Question, live: readonly LiveRules[], service: Service): readonly Passage[] {
  const { decisions, space } = question
  return (['dport', 'sport'] as const).map((side) => {
    const packet = toGroup(space.family, service, side)
    const { first, ways } = kinds(question, live, packet)
    const untracked = untrackedWhere(question, live, packet)
    return {
      name: `broadcasts ${side === 'dport' ? 'to' : 'from'} port ${service.port}`,
      passes: either(decisions, untracked, first.UNTRACKED, first.NEW),
      ways,
    }
  })
}
