import { once } from 'node:events'
import { type AddressInfo, createServer, Socket } from 'node:net'
import { afterEach, expect, test, vi } from 'vitest'
import { dial, PATIENCE } from '../../src/transport/tcp.ts'
import { LOCALHOST } from './hosts.ts'

afterEach(() => vi.restoreAllMocks())

test.each(['127.0.0.1', 'localhost'])('what is written to %s goes out at once: no Nagle, no delay', async (address) => {
  const server = createServer((socket) => socket.end())
  await once(server.listen(0), 'listening')
  const delays = await watchNoDelay((server.address() as AddressInfo).port)
  const dialled = await dial(
    { ...LOCALHOST, address, port: (server.address() as AddressInfo).port },
    PATIENCE,
    new AbortController().signal,
  )
  expect(dialled).toHaveProperty('socket')
  if ('socket' in dialled) dialled.socket.destroy()
  server.close()
  expect(delays).toEqual([true])
})

/** What sockets ask of the kernel from now on: TCP_NODELAY on or off. */
async function watchNoDelay(port: number): Promise<readonly unknown[]> {
  const asked: unknown[] = []
  const any = new Socket().connect(port, '127.0.0.1')
  await once(any, 'connect')
  const handle = (any as Socket & { readonly _handle: { setNoDelay(on: boolean): number } })._handle
  vi.spyOn(Object.getPrototypeOf(handle), 'setNoDelay').mockImplementation((on: unknown) => {
    asked.push(on)
    return 0
  })
  any.destroy()
  return asked
}
