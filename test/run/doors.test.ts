import { createServer, type Server } from 'node:net'
import { afterEach, describe, expect, test } from 'vitest'
import { openDoors, stillOpen } from '../../src/run/doors.ts'
import { aPlan } from '../report/fleet.ts'

const servers: Server[] = []
afterEach(async () => await Promise.all(servers.splice(0).map(shut)))

test('only ports that answered before are asked, and those that answer still hold', async () => {
  const [one, other] = [await listening(), await listening()]
  const nobody = await listening()
  await shut(nobody.server)
  const doors = await openDoors(planOf('127.0.0.1', [one.port, other.port, nobody.port]))
  expect(doors.map(({ port }) => port)).toEqual([one.port, other.port])
  expect(await stillOpen(doors, Date.now() + 5000)).toMatchObject({ held: true })
})

test('a port that refuses is told apart from one that is silent, both at once and in time', async () => {
  const [one, other] = [await listening(), await listening()]
  await shut(one.server)
  // Nobody answers in TEST-NET-1, if anything leads there at all.
  const doors = [
    { address: '127.0.0.1', port: one.port },
    { address: '127.0.0.1', port: other.port },
    ...[1, 2, 3, 4, 5].map((last) => ({ address: `192.0.2.${last}`, port: 443 })),
  ]
  const startedAt = Date.now()
  const outcome = await stillOpen(doors, startedAt + 1200)
  expect(Date.now() - startedAt).toBeLessThan(3000)
  expect(outcome).toMatchObject({ gate: 'ports', held: false })
  expect(outcome.message).toContain(`port 127.0.0.1:${one.port} refuses connections`)
  expect(outcome.message).toContain('192.0.2.5:443')
  expect(outcome.message).not.toContain(`:${other.port}`)
})

test('a service that comes back within the time holds', async () => {
  const { server, port } = await listening()
  const doors = await openDoors(planOf('127.0.0.1', [port]))
  await shut(server)
  const asked = stillOpen(doors, Date.now() + 5000)
  setTimeout(() => servers.push(createServer().listen(port, '127.0.0.1')), 200)
  expect(await asked).toMatchObject({ held: true })
})

describe('where a name leads to both families', () => {
  test('each address that answered is asked again', async () => {
    const { port, server } = await listening('::')
    const doors = await openDoors(planOf('localhost', [port]))
    expect(doors.map(({ address }) => address)).toContain('127.0.0.1')
    await shut(server)
    // From now on it listens for IPv4 alone.
    servers.push(createServer().listen(port, '127.0.0.1'))
    const sixes = doors.filter(({ address }) => address.includes(':'))
    expect(await stillOpen(doors, Date.now() + 3000)).toMatchObject({ held: sixes.length === 0 })
  })
})

function planOf(address: string, ports: readonly number[]) {
  const plan = aPlan('a', { gates: [{ gate: 'ports', ports }] })
  return { ...plan, host: { ...plan.host, address } }
}

async function listening(address = '127.0.0.1'): Promise<{ readonly server: Server; readonly port: number }> {
  const server = createServer((socket) => socket.end())
  servers.push(server)
  await new Promise<void>((resolve) => server.listen(0, address, resolve))
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new Error('it does not listen')
  return { server, port: bound.port }
}

async function shut(server: Server): Promise<void> {
  await new Promise<void>((resolve) => server.close(() => resolve()))
}
