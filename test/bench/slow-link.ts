import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/**
 * A way to a host on which everything takes time, as over a long link: TCP's handshake too, which a proxy has behind it
 * before it can be slow. So the host hears of a connection one and a half round trips after it was asked for, as with a real one.
 */
export async function slowLink(host: { readonly address: string; readonly port: number }, roundTripMs: number) {
  const sockets = new Set<Socket>()
  const kept = (socket: Socket) => {
    sockets.add(socket)
    socket.on('error', () => {}).on('close', () => sockets.delete(socket))
    return socket
  }
  const server = createServer({ noDelay: true }, (near) => {
    kept(near)
    const waiting: Buffer[] = []
    near.on('data', (chunk) => waiting.push(chunk))
    setTimeout(() => {
      const far = kept(connect({ host: host.address, port: host.port, noDelay: true }))
      near.removeAllListeners('data')
      for (const chunk of waiting) far.write(chunk)
      pass(near, far, roundTripMs / 2)
      pass(far, near, roundTripMs / 2)
    }, roundTripMs * 1.5)
  })
  await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready))
  return {
    port: (server.address() as AddressInfo).port,
    close() {
      server.close()
      for (const socket of sockets) socket.destroy()
    },
  }
}

function pass(from: Socket, to: Socket, ms: number): void {
  from.on('data', (chunk) => setTimeout(() => to.writable && to.write(chunk), ms))
  from.on('end', () => setTimeout(() => to.end(), ms))
  from.on('error', () => setTimeout(() => to.destroy(), ms))
}
