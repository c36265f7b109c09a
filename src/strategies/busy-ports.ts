import { percent } from '../diagnosis/numbers.ts'
import type { PortDecision, PortRule } from '../model/explanation.ts'
import type { Facts, PortShare } from '../model/facts.ts'
import { known, type Reading } from '../model/reading.ts'
import { shareOfTable } from './shares.ts'

export type Service = { readonly protocol: 'tcp' | 'udp'; readonly port: number }

/** A port counts as busy when it holds this part of what the table may hold: then leaving it out makes room. */
export const BUSY_SHARE = 0.1

/** Ports of the host that hold a notable part of the table and have a listener; ssh's own port never. */
export function busyServices(facts: Facts): readonly Service[] {
  const decisions = portDecisions(facts, null)
  if (!decisions.known) return []
  return decisions.value.flatMap(({ decision, protocol, port }) =>
    decision === 'chosen' && isOfService(protocol) ? [{ protocol, port }] : [],
  )
}

/**
 * What decides about each port that the sample of entries names, busiest first.
 * @param named the operator's own choice, which no other reason overrides; null: each is judged
 */
export function portDecisions(facts: Facts, named: readonly Service[] | null): Reading<readonly PortDecision[]> {
  const { sample } = facts.entries
  if (!sample.known) return sample
  const { read, total, byDestinationPort } = sample.value
  return known(
    byDestinationPort.map((each) => {
      const listens = listensOn(facts, each)
      return {
        protocol: each.protocol,
        port: each.port,
        entries: each.entries,
        share: shareOfTable(each.entries, { read, total }),
        local: each.local,
        listens,
        ...(named === null ? decide(facts, each, listens) : decideNamed(each, named)),
      }
    }),
  )
}

type Decision = { readonly decision: PortRule; readonly why: string }

function decide(facts: Facts, { protocol, port, share, local }: PortShare, listens: Reading<boolean>): Decision {
  const ssh = facts.privilege.sshPort
  const { usage } = facts.conntrack
  // Where it is not known how full the table is, it may be full.
  const filled = share * (usage.known ? Math.min(usage.value, 1) : 1)
  const say = (decision: PortRule, why: string): Decision => ({ decision, why })
  if (!isOfService(protocol)) return say('other-protocol', 'neither tcp nor udp')
  if (protocol === 'tcp' && (port === 22 || (ssh.known && ssh.value === port))) {
    return say('ssh', 'ssh, the way in: left alone unless named with --ports')
  }
  if (local === null) return say('addresses-unknown', "whether its flows end here is not known: the host's addresses")
  if (local <= 0.5) return say('elsewhere', 'its flows go to other hosts')
  if (!listens.known) return say('listeners-unknown', `who listens is not known: ${listens.why}`)
  if (!listens.value) return say('not-listening', 'nothing on this host listens there')
  const holds = `${percent(filled)} of what the table may hold`
  if (filled < BUSY_SHARE) return say('not-busy', `holds ${holds}; from ${percent(BUSY_SHARE)} on it makes room`)
  return say('chosen', `listens here, and holds ${holds}`)
}

function decideNamed({ protocol, port }: PortShare, named: readonly Service[]): Decision {
  return named.some((each) => each.protocol === protocol && each.port === port)
    ? { decision: 'chosen', why: 'named with --ports' }
    : { decision: 'not-named', why: 'not among those named with --ports' }
}

function listensOn(facts: Facts, { protocol, port }: PortShare): Reading<boolean> {
  const { sockets } = facts.listeners
  if (!sockets.known) return sockets
  return known(sockets.value.some((socket) => socket.protocol === protocol && socket.port === port))
}

function isOfService(protocol: string): protocol is Service['protocol'] {
  return protocol === 'tcp' || protocol === 'udp'
}
