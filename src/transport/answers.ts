import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'
import type { Host } from '../model/host.ts'
import { jumpHosts, type PortAnswer } from './jump.ts'

/** A port, and the hosts in between where it is not asked from here. */
export type Door = { readonly address: string; readonly port: number } & Pick<Host, 'jumps'>

/** Asks for a TCP connection to the port, once, from where the host is reached. Nothing is sent over it. */
export async function askPort({ address, port, jumps = [] }: Door, timeoutMs: number): Promise<PortAnswer> {
  if (jumps.length > 0) return await jumpHosts.ask(jumps, { address, port }, timeoutMs)
  return await new Promise((resolve) => {
    const socket = connect({ host: address, port, timeout: timeoutMs })
    const end = (answer: PortAnswer) => {
      socket.destroy()
      resolve(answer)
    }
    socket.once('connect', () => end('answers'))
    socket.once('timeout', () => end('silent'))
    // A neighbour that does not answer may be asked again, as after a packet that was lost.
    socket.once('error', ({ code }: NodeJS.ErrnoException) =>
      end(code === 'EHOSTUNREACH' || code === 'ETIMEDOUT' ? 'silent' : 'refuses'),
    )
  })
}

/**
 * The address itself, or of a name the first of each family; none where the name leads nowhere. Behind a jump host a name
 * stays one: what it leads to is known there.
 */
export async function addressesOf({
  address: name,
  jumps = [],
}: Pick<Host, 'address' | 'jumps'>): Promise<readonly string[]> {
  if (isIP(name) !== 0 || jumps.length > 0) return [name]
  const all = await lookup(name, { all: true }).catch(() => [])
  return ([4, 6] as const).flatMap((family) => all.find((each) => each.family === family)?.address ?? [])
}
