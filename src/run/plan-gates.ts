import type { Facts } from '../model/facts.ts'
import type { Host } from '../model/host.ts'
import type { Gate } from '../model/plan.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import type { GatesOf } from '../plan/assemble.ts'
import { dropsGate, invalidGate } from '../plan/rate-gates.ts'
import type { WantedGate } from '../playbook/playbook.ts'
import type { Service } from '../strategies/notrack-analysis.ts'

/** Ports asked for after the change, at most. */
const MOST_PORTS = 16

/**
 * The playbook's gates for one host, once its changes are known; a gate that cannot be asked there is left out, and a note
 * says so. A new login is asked for whatever the playbook says, since nothing is confirmed without one.
 */
export function gatesFor(
  { transport }: Host,
  facts: Facts,
  wanted: readonly WantedGate[],
  services: readonly Service[],
): GatesOf {
  const login = { gate: 'login' } as const
  const all = wanted.some(({ gate }) => gate === 'login') ? wanted : [login, ...wanted]
  return (changes) => {
    const gates = all.map((each) => gateFor(each))
    return {
      gates: gates.flatMap(({ gate }) => (gate.known ? [gate.value] : [])),
      notes: gates.flatMap(({ gate, what }) =>
        gate.known ? [] : [`Not tested after the change: ${what} (${gate.why})`],
      ),
    }

    function gateFor(each: WantedGate): { readonly gate: Reading<Gate>; readonly what: string } {
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
          const ports = each.ports ?? portsOf(facts, services)
          return { gate: known({ gate: each.gate, ports }), what: 'whether ports still answer' }
        }
        case 'drops':
          return { gate: dropsGate(facts, changes, each), what: 'whether packets are still dropped' }
        case 'invalid':
          return { gate: invalidGate(facts, each), what: 'whether packets become INVALID' }
      }
    }
  }
}

/** The way in and the ports that are changed come first among those asked for. */
function portsOf({ listeners, privilege }: Facts, services: readonly Service[]): readonly number[] {
  const sockets = listeners.sockets.known ? listeners.sockets.value : []
  const open = sockets.filter(({ protocol, address }) => protocol === 'tcp' && !/^(127\.|::1$)/.test(address))
  const { sshPort } = privilege
  const first = [
    ...(sshPort.known && sshPort.value !== null ? [sshPort.value] : []),
    ...services.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port),
  ]
  const rest = open.map(({ port }) => port).sort((a, b) => a - b)
  const asked = [...new Set([...first, ...rest])].filter((port) => rest.includes(port)).slice(0, MOST_PORTS)
  return asked.toSorted((a, b) => a - b)
}
