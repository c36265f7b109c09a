import { percent } from '../diagnosis/numbers.ts'
import type { Service } from '../firewall/packet.ts'
import type { PortDecision, PortRule } from '../model/explanation.ts'
import type { Facts, PortShare } from '../model/facts.ts'
import { known, type Reading } from '../model/reading.ts'
import { shareOfTable } from './shares.ts'

export type { Service }

/** A port counts as busy when it holds this part of what the table may hold: then leaving it out makes room. */
export const BUSY_SHARE = 0.1

/**
 * Ports that hold a notable part of the table: of the host itself where something listens, of others where the flows go through
 * this host; ssh's own port never.
 */
export function busyServices(facts: Facts): readonly Service[] {
  const decisions = portDecisions(facts, null)
  if (!decisions.known) return []
  return decisions.value.flatMap(({ decision, protocol, port, local }): readonly Service[] => {
    if (decision !== 'chosen' || !isOfService(protocol)) return []
    return [{ protocol, port, ...(goesElsewhere(local) ? { forwarded: true } : {}) }]
  })
}

/**
 * What decides about each port that the sample of entries names, busiest first.
 * @param named the operator's own choice, which no other reason overrides; null: each is judged
 */
export function portDecisions(facts: Facts, named: readonly Service[] | null): Reading<readonly PortDecision[]> {
  const { sample } = facts.entries
  if (!sample.known) return sample
  const { read, total, byDestinationPort } = sample.value
  const unseen = (named ?? []).filter(
    ({ protocol, port }, at, all) =>
      !byDestinationPort.some((each) => each.protocol === protocol && each.port === port) &&
      all.findIndex((each) => each.protocol === protocol && each.port === port) === at,
  )
  const none = { entries: 0, share: 0, local: null }
  return known(
    [...byDestinationPort, ...unseen.map((each) => ({ ...each, key: `${each.protocol} ${each.port}`, ...none }))].map(
      (each) => {
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
      },
    ),
  )
}

type Decision = { readonly decision: PortRule; readonly why: string }

function decide(facts: Facts, given: PortShare, listens: Reading<boolean>): Decision {
  const { protocol, port, share, local } = given
  const ssh = facts.privilege.sshPort
  if (!isOfService(protocol)) return say('other-protocol', 'neither tcp nor udp')
  if (protocol === 'tcp' && (port === 22 || (ssh.known && ssh.value === port))) {
    return say('ssh', 'ssh, the way in: left alone unless named with --ports')
  }
  if (local === null) return say('addresses-unknown', "whether its flows end here is not known: the host's addresses")
  if (goesElsewhere(local)) return decideForwarded(facts, given, local)
  if (!listens.known) return say('listeners-unknown', `who listens is not known: ${listens.why}`)
  if (!listens.value) return say('not-listening', 'nothing on this host listens there')
  return byRoom(facts, share, 'listens here')
}

function decideForwarded(facts: Facts, { entries }: PortShare, local: number): Decision {
  const { ip, ip6 } = facts.system.forwarding
  const forwards = [ip, ip6].some((each) => each.known && each.value)
  if (!forwards) return say('elsewhere', 'its flows go to other hosts')
  const { sample } = facts.entries
  const { addresses } = facts.listeners
  if (!sample.known || !addresses.known) return say('elsewhere', 'its flows go to other hosts')
  // What this host itself asks of others is not forwarded; of its sources the sample names those that count.
  const own = sample.value.bySource.filter(({ key }) => addresses.value.includes(key))
  const asked = own.reduce((sum, source) => sum + source.entries, 0)
  const passing = Math.max(0, entries * (1 - local) - asked) / Math.max(sample.value.read, 1)
  if (passing === 0) return say('elsewhere', 'its flows go from this host to others')
  return byRoom(facts, passing, 'goes to other hosts through this one')
}

/** Where it is not known how full the table is, it may be full. */
function byRoom(facts: Facts, share: number, what: string): Decision {
  const { usage } = facts.conntrack
  const filled = share * (usage.known ? Math.min(usage.value, 1) : 1)
  const holds = `${percent(filled)} of what the table may hold`
  if (filled < BUSY_SHARE) return say('not-busy', `holds ${holds}; from ${percent(BUSY_SHARE)} on it makes room`)
  return say('chosen', `${what}, and holds ${holds}`)
}

function say(decision: PortRule, why: string): Decision {
  return { decision, why }
}

function goesElsewhere(local: number | null): local is number {
  return local !== null && local <= 0.5
}

function decideNamed({ protocol, port }: PortShare, named: readonly Service[]): Decision {
  const found = named.filter((each) => each.protocol === protocol && each.port === port)
  if (found.length === 0) return say('not-named', 'not among those named with --ports')
  return say('chosen', `named with --ports${found.every(({ forwarded }) => forwarded) ? ', as forwarded' : ''}`)
}

function listensOn(facts: Facts, { protocol, port }: PortShare): Reading<boolean> {
  const { sockets } = facts.listeners
  if (!sockets.known) return sockets
  return known(sockets.value.some((socket) => socket.protocol === protocol && socket.port === port))
}

function isOfService(protocol: string): protocol is Service['protocol'] {
  return protocol === 'tcp' || protocol === 'udp'
}
