import {
  forwardedFromPort,
  forwardedReply,
  forwardedRequest,
  icmpMessage,
  LATER_IN,
  LATER_OUT,
  NOT_OPENING,
  OPENING,
  overLoopback,
  type Packet,
  refusalOfForwarded,
  reply,
  request,
  resetOf,
  type Service,
  type State,
  SYN,
  toGroup,
} from './packet.ts'
import type { Loopback } from './raw-rules.ts'
import type { Family } from './rules.ts'
import type { Likeness } from './twins.ts'

/** Whose way untracked packets of a service must go: a request that of a new one, a reply that of an established one. */
export function likenessesOf(
  family: Family,
  service: Service,
  { loopback, resets }: { readonly loopback: Loopback; readonly resets: boolean },
): readonly Likeness[] {
  if (service.forwarded) return forwardLikenesses(family, service, resets)
  const over = loopback === 'untracked' ? (['wire', 'lo'] as const) : (['wire'] as const)
  const [asked, answered] = [request(family, service, 'lo'), reply(family, service, 'lo')]
  return [
    ...over.map((way) => alike(request(family, service, way), service, { state: 'NEW', side: 'dport', only: null })),
    ...over.map((way) =>
      alike(reply(family, service, way), service, { state: 'ESTABLISHED', side: 'sport', only: null }),
    ),
    ...(loopback === 'tracked'
      ? []
      : [
          alike(overLoopback(asked), service, { state: 'NEW', side: 'dport', only: '-o lo' }),
          alike(overLoopback(answered), service, { state: 'ESTABLISHED', side: 'sport', only: '-i lo' }),
        ]),
    ...(resets && service.protocol === 'tcp' ? resetLikenesses(family, service, loopback) : []),
  ]
}

/** What refuses an untracked packet belongs to no connection either. */
function resetLikenesses(family: Family, service: Service, loopback: Loopback): readonly Likeness[] {
  const answered = reply(family, service, 'lo')
  const over: readonly (readonly [Packet, string | null])[] = [
    [reply(family, service, 'wire'), null],
    ...(loopback === 'tracked'
      ? []
      : ([
          [answered, null],
          [overLoopback(answered), '-i lo'],
        ] as const)),
  ]
  return over.map(([packet, only]) => resetLikeness(packet, only))
}

function resetLikeness(packet: Packet, only: string | null): Likeness {
  return { like: resetOf(packet, 'RELATED'), become: [resetOf(packet, 'INVALID')], side: 'sport', only }
}

/** An ICMP error about an untracked flow belongs to no connection: what was RELATED comes as INVALID. */
export function icmpLikeness(family: Family, type: number, path: 'in' | 'out' | 'forward'): Likeness {
  const packet = icmpMessage(family, type, path)
  return {
    like: { ...packet, state: { is: 'RELATED' } },
    become: [{ ...packet, state: { is: 'INVALID' } }],
    side: null,
    only: null,
  }
}

/**
 * The answers are known by their port, and those of TCP by flags too: what opens a connection from the service's port is no
 * answer, and goes the way of a new connection.
 */
function forwardLikenesses(family: Family, service: Service, resets: boolean): readonly Likeness[] {
  const reply = alike(forwardedReply(family, service), service, { state: 'ESTABLISHED', side: 'sport', only: null })
  const fromPort = forwardedFromPort(family, service).request
  const stranger = alike(fromPort, service, { state: 'NEW', side: 'sport', only: null })
  const groups = service.protocol === 'udp' ? (['dport', 'sport'] as const) : []
  return [
    alike(forwardedRequest(family, service), service, { state: 'NEW', side: 'dport', only: null }),
    ...(service.protocol === 'tcp'
      ? [
          { ...reply, besides: NOT_OPENING },
          { ...stranger, become: stranger.become.slice(0, 1), besides: OPENING },
          ...(resets ? [resetLikeness(refusalOfForwarded(family, service), null)] : []),
        ]
      : [reply]),
    ...groups.map((side) => alike(toGroup(family, service, side), service, { state: 'NEW', side, only: null })),
  ]
}

function alike(
  packet: Packet,
  service: Service,
  as: { readonly state: State; readonly side: 'dport' | 'sport'; readonly only: string | null },
): Likeness {
  const request = packet.direction === 'original'
  const flags = service.protocol === 'udp' ? [[]] : request ? [SYN, ...LATER_IN] : LATER_OUT
  return {
    like: { ...packet, flags: flags[0] ?? [], state: { is: as.state } },
    become: flags.map((each): Packet => ({ ...packet, flags: each, state: { is: 'UNTRACKED' } })),
    side: as.side,
    only: as.only,
  }
}
