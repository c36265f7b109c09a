import { lookup } from 'node:dns/promises'
import { connect, isIP } from 'node:net'

/** What came of asking for a TCP connection; `silent`: neither a yes nor a no came back in time. */
export type PortAnswer = 'answers' | 'refuses' | 'silent'

/** Asks for a TCP connection to the port from here, once. Nothing is sent over it. */
export async function askPort(address: string, port: number, timeoutMs: number): Promise<PortAnswer> {
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

/** The address itself, or of a name the first of each family; none where the name leads nowhere. */
export async function addressesOf(name: string): Promise<readonly string[]> {
  if (isIP(name) !== 0) return [name]
  const all = await lookup(name, { all: true }).catch(() => [])
  return ([4, 6] as const).flatMap((family) => all.find((each) => each.family === family)?.address ?? [])
}
