import type { Node } from './decision.ts'
import { addressIn, portHolds, protocolHolds } from './header-tests.ts'
import { and, constant, no, not, or, unsure, yes } from './logic.ts'
import { type Packet, STATES } from './packet.ts'
import { opaque, type Question } from './question.ts'
import type { Match, Test } from './rules.ts'

/** conntrack_mt in net/netfilter/xt_conntrack.c: a packet without a connection fails every test but that of its state. */
export function trackingHolds(question: Question, packet: Packet, match: Match, site: string): Node {
  const { decisions } = question
  const { states, others } = askedBy(match)
  let stateHolds = yes(decisions)
  for (const state of states) stateHolds = and(decisions, stateHolds, stateIn(question, packet, state))
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

type StateTest = {
  readonly wanted: ReadonlySet<string>
  readonly pseudo: readonly string[]
  readonly negated: boolean
  /** Some word of it is no state. */
  readonly odd: boolean
}
type AskedBy = { readonly states: readonly StateTest[]; readonly others: readonly Test[] }

/** What a match asks, taken apart once: large rule sets ask it of many packets. */
function askedBy(match: Match): AskedBy {
  const known = asked.get(match)
  if (known !== undefined) return known
  const ofState = ({ option }: Test) => option === 'ctstate' || option === 'state'
  const states = match.tests.filter(ofState).map(({ values, negated }) => {
    const wanted = (values[0] ?? '').toUpperCase().split(',')
    return {
      wanted: new Set(wanted),
      pseudo: wanted.filter((each) => each === 'DNAT' || each === 'SNAT'),
      negated,
      odd: !wanted.every((each) => WORDS.has(each)),
    }
  })
  const made = { states, others: match.tests.filter((test) => !ofState(test)) }
  asked.set(match, made)
  return made
}

const asked = new WeakMap<Match, AskedBy>()
const WORDS: ReadonlySet<string> = new Set([...STATES, 'DNAT', 'SNAT'])

function stateIn(question: Question, packet: Packet, { wanted, pseudo, negated, odd }: StateTest): Node {
  const { decisions } = question
  if (odd || !('is' in packet.state) || packet.state.is === 'raw') return unsure(decisions)
  const isOpen = pseudo.length > 0 && !untracked(packet) && packet.translated !== false
  if (wanted.has(packet.state.is) || !isOpen) return constant(decisions, wanted.has(packet.state.is) !== negated)
  const holds = or(decisions, ...pseudo.map((each) => opaque(question, `translated ${each}`, null)))
  return negated ? not(decisions, holds) : holds
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
