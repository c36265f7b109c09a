import { once } from 'node:events'
import { createServer, type Server, type Socket } from 'node:net'

/** A server on a port of its own; what undoes it, connections and all, goes to `cleanup`. */
export async function listen(cleanup: (() => unknown)[], onConnection: (socket: Socket) => unknown): Promise<Server> {
  const sockets: Socket[] = []
  const server = createServer((socket) => {
    sockets.push(socket)
    socket.on('error', () => {})
    onConnection(socket)
  }).listen(0, '127.0.0.1')
  cleanup.push(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  await once(server, 'listening')
  return server
}

export function portOf(server: Server): number {
  const address = server.address()
  if (address === null || typeof address === 'string') throw new Error('no port')
  return address.port
}
