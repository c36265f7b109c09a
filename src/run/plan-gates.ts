import type { Facts } from '../model/facts.ts'
import type { Host } from '../model/host.ts'
import type { Json } from '../model/json.ts'
import type { Gate } from '../model/plan.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'
import type { GatesOf } from '../plan/assemble.ts'
import { dropsGate, invalidGate } from '../plan/rate-gates.ts'
import type { WantedGate } from '../playbook/playbook.ts'
import type { Service } from '../strategies/notrack-analysis.ts'

/** Ports asked for after the change, at most: each takes a connection of this machine's for every host at a time. */
const MOST_PORTS = 32

/** What the analyses say that gates rest on. */
export type Judged = {
  /** Left untracked by this plan. */
  readonly services: readonly Service[]
  /** The edits with which nothing is tracked any more; none where there are no such. */
  readonly lastRules: readonly Json[]
}

/**
 * The playbook's gates for one host, once its changes are known; a gate that cannot be asked there is left out, and a note
 * says so. A new login is asked for whatever the playbook says, since nothing is confirmed without one.
 */
export function gatesFor(
  { transport }: Host,
  facts: Facts,
  wanted: readonly WantedGate[],
  { services, lastRules }: Judged,
): GatesOf {
  const login = { gate: 'login' } as const
  const all = wanted.some(({ gate }) => gate === 'login') ? wanted : [login, ...wanted]
  return (changes) => {
    const gates = all.map((each) => gateFor(each))
    return {
      gates: gates.flatMap(({ gate }) => (gate.known ? [gate.value] : [])),
      notes: gates.flatMap(({ gate, what, left = null }) => {
        const why = gate.known ? left : gate.why
        return why === null ? [] : [`Not tested after the change: ${what} (${why})`]
      }),
    }

    function gateFor(each: WantedGate): Considered {
      switch (each.gate) {
        case 'reads-back':
          return { gate: known({ gate: each.gate }), what: 'whether the changes read back' }
        case 'login': {
          const isHere = transport === 'local'
          return {
            gate: isHere ? unknown('it is this machine itself') : known({ gate: each.gate }),
            what: 'whether a new login is possible',
          }
        }
        case 'ports': {
          const what = 'whether ports still answer'
          if (each.ports !== null) return { gate: known({ gate: each.gate, ports: each.ports }), what }
          const listening = portsOf(facts, services)
          const gate = mapReading(listening, (ports) => ({
            gate: each.gate,
            ports: ports.slice(0, MOST_PORTS).toSorted((a, b) => a - b),
          }))
          const more = listening.known ? listening.value.slice(MOST_PORTS).toSorted((a, b) => a - b) : []
          if (more.length === 0) return { gate, what }
          return { gate, what: 'whether all ports still answer', left: `not asked: ${more.join(', ')}` }
        }
        case 'drops':
          return { gate: dropsGate(facts, changes, each, lastRules), what: 'whether packets are still dropped' }
        case 'invalid':
          return { gate: invalidGate(facts, each), what: 'whether packets become INVALID' }
      }
    }
  }
}

/** `left`: what a gate that is asked leaves out. */
type Considered = { readonly gate: Reading<Gate>; readonly what: string; readonly left?: string }

/** TCP ports on which others may ask the host: first the way in, then those that are changed. */
function portsOf(
  { listeners, privilege: { sshPort } }: Facts,
  services: readonly Service[],
): Reading<readonly number[]> {
  return mapReading(listeners.sockets, (sockets) => {
    const open = sockets.filter(({ protocol, address }) => protocol === 'tcp' && !/^(127\.|::1$)/.test(address))
    const ports = [...new Set(open.map(({ port }) => port))].toSorted((a, b) => a - b)
    const changed = services.flatMap(({ protocol, port }) => (protocol === 'tcp' ? [port] : []))
    const first = [...(sshPort.known && sshPort.value !== null ? [sshPort.value] : []), ...changed]
    return [...new Set([...first, ...ports])].filter((port) => ports.includes(port))
  })
}
