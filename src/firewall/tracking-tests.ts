import type { Node } from './decision.ts'
import { addressIn, portHolds, protocolHolds } from './header-tests.ts'
import { and, constant, no, not, or, unsure, yes } from './logic.ts'
import type { Packet } from './packet.ts'
import { opaque, type Question } from './question.ts'
import type { Match, Test } from './rules.ts'

/** conntrack_mt in net/netfilter/xt_conntrack.c: a packet without a connection fails every test but that of its state. */
export function trackingHolds(question: Question, packet: Packet, match: Match, site: string): Node {
  const { decisions } = question
  const states = match.tests.filter(({ option }) => option === 'ctstate' || option === 'state')
  const others = match.tests.filter(({ option }) => option !== 'ctstate' && option !== 'state')
  const stateHolds = and(
    decisions,
    ...states.map((test) => {
      const holds = stateIn(question, packet, test.values[0] ?? '')
      return test.negated ? not(decisions, holds) : holds
    }),
  )
  if (others.length === 0) return stateHolds
  if (untracked(packet)) {
    if (states.length === 0) return no(decisions)
    // Kernels before 4.12 go on to compare an empty connection here.
    return and(decisions, stateHolds, unsure(decisions))
  }
  return and(
    decisions,
    stateHolds,
    ...others.map((test) => {
      const holds = connectionTest(question, packet, test, site)
      return test.negated ? not(decisions, holds) : holds
    }),
  )
}

function stateIn(question: Question, packet: Packet, value: string): Node {
  const { decisions } = question
  const wanted = value.toUpperCase().split(',')
  if (!('is' in packet.state) || packet.state.is === 'raw') return unsure(decisions)
  if (wanted.includes(packet.state.is)) return yes(decisions)
  const pseudo = wanted.filter((each) => each === 'DNAT' || each === 'SNAT')
  if (pseudo.length === 0 || untracked(packet) || packet.translated === false) return no(decisions)
  return or(decisions, ...pseudo.map((each) => opaque(question, `translated ${each}`, null)))
}

function connectionTest(question: Question, packet: Packet, test: Test, site: string): Node {
  const value = test.values.join(' ')
  const text = `${test.option} ${value}`
  // An error belongs to the flow that it is about.
  const isOwn = 'is' in packet.state && packet.state.is !== 'RELATED'
  if (test.option === 'ctproto' && isOwn) return protocolHolds(question, packet, value)
  if (packet.direction === null || packet.translated !== false) return opaque(question, `${text} ${packet.kind}`, site)
  const original = packet.direction === 'original'
  // Without ports the kernel compares what stands in their place: of ICMP its type and id.
  const hasPorts = 'is' in packet.protocol && (packet.protocol.is === 'tcp' || packet.protocol.is === 'udp')
  if (test.option.endsWith('port') && !hasPorts) return opaque(question, `${text} ${packet.kind}`, site)
  switch (test.option) {
    case 'ctdir':
      return constant(question.decisions, value.toUpperCase() === packet.direction.toUpperCase())
    case 'ctorigsrc':
    case 'ctrepldst':
      return addressIn(question, original ? packet.source : packet.destination, value)
    case 'ctorigdst':
    case 'ctreplsrc':
      return addressIn(question, original ? packet.destination : packet.source, value)
    case 'ctorigsrcport':
    case 'ctrepldstport':
      return portHolds(question, original ? packet.sourcePort : packet.destinationPort, value)
    case 'ctorigdstport':
    case 'ctreplsrcport':
      return portHolds(question, original ? packet.destinationPort : packet.sourcePort, value)
    default:
      return opaque(question, `${text} ${packet.kind} ${'is' in packet.state ? packet.state.is : ''}`, site)
  }
}

/** Without a connection of its own. */
export function untracked(packet: Packet): boolean {
  return 'is' in packet.state && ['UNTRACKED', 'INVALID', 'raw'].includes(packet.state.is)
}
