import type { Facts } from '../model/facts.ts'
import type { Gate } from '../model/plan.ts'
import type { GateName, Playbook } from '../playbook/playbook.ts'
import type { Service } from '../strategies/notrack-analysis.ts'

/** Longest wait for drops to end, in seconds. */
const DROPS_WITHIN = 10
/** Ports asked for after the change, at most. */
const MOST_PORTS = 16

/** The playbook's gates for one host: the way in and the ports that are changed come first among those asked for. */
export function gatesFor(playbook: Playbook, facts: Facts, services: readonly Service[]): readonly Gate[] {
  const sockets = facts.listeners.sockets.known ? facts.listeners.sockets.value : []
  const open = sockets.filter(({ protocol, address }) => protocol === 'tcp' && !/^(127\.|::1$)/.test(address))
  const { sshPort } = facts.privilege
  const first = [
    ...(sshPort.known && sshPort.value !== null ? [sshPort.value] : []),
    ...services.filter(({ protocol }) => protocol === 'tcp').map(({ port }) => port),
  ]
  const rest = open.map(({ port }) => port).sort((a, b) => a - b)
  const asked = [...new Set([...first, ...rest])].filter((port) => rest.includes(port)).slice(0, MOST_PORTS)
  return playbook.verify.map((name) =>
    gateFor(
      name,
      asked.toSorted((a, b) => a - b),
    ),
  )
}

function gateFor(gate: GateName, ports: readonly number[]): Gate {
  switch (gate) {
    case 'reads-back':
      return { gate }
    case 'ports':
      return { gate, ports }
    case 'drops':
      return { gate, withinSeconds: DROPS_WITHIN }
  }
}
