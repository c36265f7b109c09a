import { decidedBy } from './decider.ts'
import type { Node } from './decision.ts'
import { fate, passes, rawFate, refusedWhere, untrackedWhere } from './evaluate.ts'
import { and, either, no, or } from './logic.ts'
import { icmpMessage, LATER_IN, type Packet, resetOf, type State } from './packet.ts'
import type { Passage, Way } from './passage.ts'
import type { Question } from './question.ts'
import type { LiveRules } from './rules.ts'
import type { Refusal } from './targets.ts'
import { turnsOf } from './turns.ts'

/**
 * What tells a client that it is refused. The answer belongs to the packet that it is about: RELATED where that was tracked,
 * else INVALID, and no rule leaves it untracked (nf_conntrack_attach in net/netfilter/nf_conntrack_core.c gives it a state
 * without a connection, at which NOTRACK does nothing).
 */
export function refusalPassages(question: Question, live: readonly LiveRules[], of: Refused): readonly Passage[] {
  const kinds = [...question.refusals].sort()
  if (kinds.length === 0) return []
  const orders = of.first.map((packet) => turnsOf(live, packet.path))
  const most = Math.max(...orders.map(({ length }) => length))
  const asked = Array.from({ length: most }, (_, at) => orders.map((each) => each[at % each.length] ?? live))
  const tcp = of.first.some(({ flags }) => flags?.length !== 0)
  const refused = tcp ? [of, begun(question, live, of)] : [of]
  return kinds.flatMap((how) =>
    asked.flatMap((turns) => refused.flatMap((each) => refusalsInTurn(question, live, { ...each, how, turns }))),
  )
}

type Refused = {
  readonly name: string
  /** The first packet of a connection, once for each time that it comes through the rules. */
  readonly first: readonly Packet[]
  /** A packet back to the client, once for each time likewise. */
  readonly reply: readonly Packet[]
  /** Where its packets are untracked. */
  readonly untracked: Node
  /** The state of what is meant by `first` elsewhere; NEW unless said. */
  readonly tracked?: State
  /** Who is asked about. */
  readonly among: Node
}

type AskedRefusal = Refused & {
  readonly how: Refusal
  /** For each of the first packets, the order in which it comes to the rules. */
  readonly turns: readonly (readonly LiveRules[])[]
}

function refusalsInTurn(question: Question, live: readonly LiveRules[], of: AskedRefusal): readonly Passage[] {
  const { decisions } = question
  const { how, turns } = of
  const ways: Way[] = []
  const asks = (state: State): Node => {
    ways.push(
      ...of.first.map(
        (packet): Way =>
          (at) =>
            decidedBy(question, live, inState(packet, state), at),
      ),
    )
    return refusedOnTheWay(question, live, { first: of.first, asked: state, how, turns })
  }
  const answers = (state: State): Node => {
    const passing = of.reply.map((reply, index) => {
      const packet = answerOf(reply, how, state)
      ways.unshift((at) => decidedBy(question, live, packet, at))
      const raw = passes(question, rawFate(question, live, packet))
      const known = passes(question, fate(question, live, packet))
      // What comes in over loopback has lost that state, and a rule may leave it untracked (measured on 6.18).
      if (index === 0 || state !== 'INVALID') return and(decisions, raw, known)
      const untracked = inState(packet, 'UNTRACKED')
      ways.unshift((at) => decidedBy(question, live, untracked, at))
      const loose = passes(question, fate(question, live, untracked))
      return and(decisions, raw, either(decisions, untrackedWhere(question, live, packet), loose, known))
    })
    return and(decisions, ...passing)
  }
  const refused = either(decisions, of.untracked, asks('UNTRACKED'), asks(of.tracked ?? 'NEW'))
  const told = either(decisions, of.untracked, answers('INVALID'), answers('RELATED'))
  const kind = how === 'reset' ? 'resets' : ICMP_REFUSALS
  return [
    { name: `refusals of ${of.name} by ${kind}`, passes: and(decisions, of.among, refused), ways },
    { name: `${kind} that refuse ${of.name}`, passes: and(decisions, of.among, refused, told), ways },
  ]
}

/** Such passages are looked after by the twins of ICMP errors, for all ports at once. */
export const ICMP_REFUSALS = 'ICMP errors'

function refusedOnTheWay(
  question: Question,
  live: readonly LiveRules[],
  { first, asked, how, turns }: Pick<AskedRefusal, 'first' | 'how' | 'turns'> & { readonly asked: State },
): Node {
  const { decisions } = question
  let refused = no(decisions)
  let alive = decisions.terminal('yes')
  for (const [index, packet] of first.map((each) => inState(each, asked)).entries()) {
    const here = refusedWhere(question, turns[index] ?? live, packet, how)
    refused = or(decisions, refused, and(decisions, alive, here))
    const passing = and(
      decisions,
      passes(question, rawFate(question, live, packet)),
      passes(question, fate(question, live, packet)),
    )
    alive = and(decisions, alive, passing)
  }
  return refused
}

/** Some rules let a connection of TCP begin and refuse what follows. */
function begun(question: Question, live: readonly LiveRules[], of: Refused): Refused {
  const { decisions } = question
  const begins = (state: State) =>
    and(
      decisions,
      ...of.first.flatMap((each) => {
        const packet = inState(each, state)
        return [passes(question, rawFate(question, live, packet)), passes(question, fate(question, live, packet))]
      }),
    )
  return {
    ...of,
    name: `${of.name} that have begun`,
    first: of.first.map((each) => ({ ...each, flags: LATER_IN[0] ?? [], kind: each.kind.replace(/first$/, 'later') })),
    tracked: 'ESTABLISHED',
    among: and(decisions, of.among, either(decisions, of.untracked, begins('UNTRACKED'), begins('NEW'))),
  }
}

function inState(packet: Packet, state: State): Packet {
  return { ...packet, state: { is: state } }
}

function answerOf(reply: Packet, how: Refusal, state: State): Packet {
  if (how === 'reset') return resetOf(reply, state)
  const { family, path, source, destination, local } = reply
  const message = icmpMessage(family, family === 'ip' ? 3 : 1, path === 'in' ? 'in' : 'out')
  return {
    ...message,
    source,
    destination,
    local,
    in: reply.in,
    out: reply.out,
    state: { is: state },
    kind: `${reply.kind} error`,
  }
}
