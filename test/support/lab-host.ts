import type { Host } from '../../src/model/host.ts'
import { openSession } from '../../src/transport/catalog.ts'
import type { Session } from '../../src/transport/transport.ts'

/** What is needed of a lab, and of a virtual machine, to reach one of its hosts. */
type Reachable = { readonly name: string; readonly address: string; readonly port: number; readonly user: string }

/** A lab's host as the inventory would name it. */
export function inventoryHost(dir: string, { name, address, port, user }: Reachable): Host {
  return {
    name,
    groups: [],
    address,
    port,
    user,
    identityFiles: [`${dir}/id_ed25519`],
    knownHostsFiles: [`${dir}/known_hosts`],
    become: user === 'root' ? 'none' : 'sudo',
    transport: 'ssh',
    vars: {},
    origin: 'test',
  }
}

/** A session that has to be had. */
export async function opened(host: Host): Promise<Session> {
  const session = await openSession(host, new AbortController().signal)
  if ('refused' in session) throw new Error(`${host.name} refused: ${session.refused.message}`)
  return session
}

/**
 * Shell that waits until a socket listens on `port` that was not among `before`, for ten seconds at most: sshd is in
 * the background before it listens, and after a HUP it listens anew.
 */
export function untilListening(port: number, before = ''): string {
  const sockets = socketsOn(port)
  const isThere = `now=$(${sockets}); [ -n "$now" ] && [ "$now" != "${before}" ]`
  // What the last round ends with is what the loop ends with.
  return `for try in $(seq 200) last; do ${isThere} && break; sleep 0.05; [ $try != last ]; done`
}

/** Shell that prints the sockets that listen on `port`, each with its inode. */
export function socketsOn(port: number): string {
  return `ss -Hltne 'sport = :${port}'`
}

/** As a host prints it: in the first lab of a machine the zeros before `::` go into it. */
export function shortest(address: string): string {
  return new URL(`http://[${address}]`).hostname.slice(1, -1)
}
