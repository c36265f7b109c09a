import { spawn } from 'node:child_process'
import { once, setMaxListeners } from 'node:events'
import { writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../src/model/fault.ts'
import type { Host, SshWay } from '../../src/model/host.ts'
import { sh } from '../../src/shell/script.ts'
import { newJumpHosts } from '../../src/transport/jump.ts'
import { sshTransport } from '../../src/transport/ssh.ts'
import { PATIENCE } from '../../src/transport/tcp.ts'
import type { Session } from '../../src/transport/transport.ts'
import { listen, portOf } from './listening.ts'
import { type Sshd, startSshd, whyNoSshd } from './sshd.ts'

/** Real sshds on loopback stand for the machine in between and the one behind. */
const why = whyNoSshd()
const forever = new AbortController().signal
setMaxListeners(0, forever)
const cleanup: (() => unknown)[] = []

let first: Sshd
let second: Sshd
let target: Sshd
beforeAll(async () => {
  if (why === undefined) [first, second, target] = await Promise.all([startSshd(), startSshd(), startSshd()])
})
afterAll(async () => {
  await Promise.all([first, second, target].map((each) => each?.stop()))
})
beforeEach((ctx) => {
  if (why !== undefined) ctx.skip(why)
  vi.stubEnv('SSH_AUTH_SOCK', undefined)
  return () => vi.unstubAllEnvs()
})
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo()
})

describe('through one host and another', () => {
  test('scripts run as they would directly, and many hosts at once are one login at each host in between', async () => {
    const behind = hostBehind(target, first, second)
    const [before, between] = [loginsAt(first), loginsAt(second)]
    const transport = sshTransport(PATIENCE)
    const sessions = await Promise.all(Array.from({ length: 12 }, async () => await opened(behind, transport)))
    const said = await Promise.all(sessions.map((session, at) => run(session, sh`echo ${at}; exit ${at}`)))
    expect(said).toMatchObject(sessions.map((_, at) => ({ type: 'exited', code: at, stdout: `${at}\n` })))
    expect([loginsAt(first) - before, loginsAt(second) - between]).toEqual([1, 1])
    await closeAll(sessions)
  })

  test('a flood comes through whole either way, and costs no memory here', async () => {
    await using session = await opened(hostBehind(target, first, second))
    const before = process.memoryUsage().rss
    const flood = await run(
      session,
      sh`dd if=/dev/zero bs=65536 count=500 2>/dev/null | tr '\0' x; echo end >&2; exit 4`,
    )
    expect(flood).toMatchObject({ type: 'exited', code: 4, stderr: 'end\n', truncated: true })
    const payload = Array.from({ length: 40_000 }, (_, at) => `${at} is a line that goes over to the host`)
    expect(await run(session, sh`printf '%s\n' ${payload} | cksum`)).toMatchObject({
      stdout: expect.stringMatching(/ 1[0-9]{6}\n$/),
    })
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6)
  })

  test('once all sessions are closed, so are the connections, and nothing keeps the process', async () => {
    const sockets = () => process.getActiveResourcesInfo().filter((name) => name === 'TCPSocketWrap').length
    // Those of the tests before linger for a moment.
    await vi.waitFor(() => expect(sockets()).toBe(0), { timeout: 5000 })
    const transport = sshTransport(PATIENCE)
    const sessions = await Promise.all(
      [1, 2, 3].map(async () => await opened(hostBehind(target, first, second), transport)),
    )
    expect(sockets()).toBe(1)
    await closeAll(sessions)
    await vi.waitFor(() => expect(sockets()).toBe(0), { timeout: 5000 })
    // The next one opens it again.
    await (await opened(hostBehind(target, first), transport))[Symbol.asyncDispose]()
  })

  test('a session whose script still runs is closed as quickly as a direct one', async () => {
    const session = await opened(hostBehind(target, first, second))
    const running = run(session, sh`echo on; sleep 30`)
    await sleep(300)
    const startedAt = performance.now()
    await session[Symbol.asyncDispose]()
    expect(performance.now() - startedAt).toBeLessThan(2500)
    expect(await running).toEqual({ type: 'lost', why: 'the session was closed' })
  })
})

describe('a host in between', () => {
  test('that is down is one fault, told of all behind it by its name, and is asked once', async () => {
    let asked = 0
    const dead = await listen(cleanup, (socket) => {
      asked += 1
      socket.destroy()
    })
    const jump = { ...way(first), port: portOf(dead) }
    const transport = sshTransport({ ...PATIENCE, betweenKnocks: 20 })
    const faults = await Promise.all(
      Array.from({ length: 100 }, async () => await refused({ ...target.host, jumps: [jump, way(second)] }, transport)),
    )
    expect(new Set(faults.map(({ message }) => message)).size).toBe(1)
    expect(faults[0]).toMatchObject({
      code: 'lost',
      message: expect.stringMatching(/^the jump host root@127\.0\.0\.1:\d+: the connection broke off/),
    })
    // As often as one login knocks that is hung up on.
    expect(asked).toBeLessThanOrEqual(4)
    const late = await refused({ ...target.host, jumps: [jump] }, transport)
    expect(late.message).toBe(faults[0]?.message)
    expect(asked).toBeLessThanOrEqual(4)
  })

  test('whose host key is not known, or that knows no key of ours, is refused like any other host', async () => {
    const nobody = join(first.directory, 'nobody')
    writeFileSync(nobody, '')
    const strange = { ...way(first), knownHostsFiles: [nobody] }
    expect(await refused({ ...target.host, jumps: [strange, way(second)] })).toMatchObject({
      code: 'host-key-unknown',
      message: expect.stringMatching(/^the jump host root@127\.0\.0\.1:\d+: its host key ssh-ed25519/),
      next: expect.stringContaining('ssh-keyscan'),
    })
    const keyless = { ...way(second), identityFiles: way(first).identityFiles }
    expect(await refused({ ...target.host, jumps: [way(first), keyless] })).toMatchObject({
      code: 'auth',
      message: expect.stringContaining(`the jump host root@127.0.0.1:${second.port}: login as root was refused`),
    })
  })

  test('that forbids forwarding says what to set', async () => {
    const strict = await startSshd(['AllowTcpForwarding no'])
    cleanup.push(() => strict.stop())
    const fault = await refused(hostBehind(target, strict))
    expect(fault).toMatchObject({ code: 'jump', next: expect.stringContaining('AllowTcpForwarding yes') })
    expect(fault.message).toContain(`the jump host root@127.0.0.1:${strict.port} lets nobody connect through it`)
    // The same is said of one that stands before another.
    expect(await refused(hostBehind(target, strict, second))).toEqual(fault)
  })

  test('says why nothing came of it: nothing listens, or no such name', async () => {
    const shut = await listen(cleanup, () => {})
    const port = portOf(shut)
    shut.close()
    expect(await refused({ ...hostBehind(target, first), port })).toMatchObject({
      code: 'refused',
      message: `nothing listens on 127.0.0.1 port ${port}, says the jump host root@127.0.0.1:${first.port}`,
    })
    expect(await refused({ ...hostBehind(target, first), address: 'no-such-host.invalid' })).toMatchObject({
      code: expect.stringMatching(/^(dns|connect-timed-out)$/),
      message: expect.stringContaining('no-such-host.invalid'),
    })
  })

  test('whose connection breaks takes its sessions with it, and the next one has a new connection', async () => {
    const proxy = await startProxy(first.port)
    const jump = { ...way(first), port: proxy.port, knownHostsFiles: [proxy.known] }
    const host = { ...target.host, jumps: [jump] }
    const transport = sshTransport(PATIENCE)
    await using session = await opened(host, transport)
    const running = session.run(sh`echo on; sleep 9`, { timeoutMs: 9000, as: 'root', onLine: () => proxy.cut() })
    expect(await running).toMatchObject({ type: 'lost', why: expect.stringContaining('jump host') })
    await using again = await opened(host, transport)
    expect(await run(again, sh`echo on`)).toMatchObject({ stdout: 'on\n' })
  })

  test('has no more logins begun at it at a time than an sshd takes by itself (MaxStartups 10:30:100)', async () => {
    const usual = await startSshd(['MaxStartups 10:30:100'])
    cleanup.push(() => usual.stop())
    // Each is a way of its own, since it names other files of known hosts.
    const hosts = Array.from({ length: 24 }, (_, at): Host => {
      const jump = { ...way(usual), knownHostsFiles: [...way(usual).knownHostsFiles, `/nonexistent/${at}`] }
      return { ...target.host, jumps: [jump] }
    })
    const transport = sshTransport(PATIENCE)
    await closeAll(await Promise.all(hosts.map(async (host) => await opened(host, transport))))
    expect(loginsAt(usual)).toBe(24)
    expect(usual.log()).not.toMatch(/MaxStartups|drop connection/)
  })

  test('goes on being opened for the others when one gives up', async () => {
    const slow = await listen(cleanup, async (socket) => {
      socket.pause()
      await sleep(400)
      const through = connect(first.port, '127.0.0.1')
      socket.on('error', () => through.destroy())
      socket.pipe(through).pipe(socket)
    })
    const jump = { ...way(first), port: portOf(slow), knownHostsFiles: [knownAt(portOf(slow), first)] }
    const transport = sshTransport(PATIENCE)
    const stop = new AbortController()
    const leaving = transport.open({ ...target.host, jumps: [jump] }, stop.signal)
    const staying = opened({ ...target.host, jumps: [jump] }, transport)
    await sleep(100)
    stop.abort('enough')
    expect(await leaving).toMatchObject({ refused: { code: 'cancelled', message: 'enough' } })
    await (await staying)[Symbol.asyncDispose]()
  })
})

test('a port behind a host in between answers, refuses, or stays silent', async () => {
  const jumps = newJumpHosts(PATIENCE)
  const open = await listen(cleanup, () => {})
  const shut = await listen(cleanup, () => {})
  const port = portOf(shut)
  shut.close()
  const ask = async (address: string, asked: number) => await jumps.ask([way(first)], { address, port: asked }, 1200)
  expect(await ask('127.0.0.1', portOf(open))).toBe('answers')
  expect(await ask('127.0.0.1', port)).toBe('refuses')
  // A listener whose backlog is full drops what comes after; nobody takes from it here.
  const full = await fullListener()
  expect(await ask('127.0.0.1', full)).toBe('silent')
  expect(await jumps.ask([{ ...way(first), port }], { address: '127.0.0.1', port: portOf(open) }, 1200)).toBe('silent')
})

function way({ host }: Sshd): SshWay {
  const { address, port, user, identityFiles, knownHostsFiles } = host
  return { address, port, user, identityFiles, knownHostsFiles }
}

function hostBehind({ host }: Sshd, ...jumps: readonly Sshd[]): Host {
  return { ...host, jumps: jumps.map(way) }
}

function loginsAt(sshd: Sshd): number {
  return sshd.log().match(/Accepted publickey/g)?.length ?? 0
}

async function opened(host: Host, transport = sshTransport(PATIENCE)): Promise<Session> {
  const session = await transport.open(host, forever)
  if ('refused' in session) throw new Error(`refused: ${JSON.stringify(session.refused)}`)
  return session
}

async function refused(host: Host, transport = sshTransport(PATIENCE)): Promise<Fault> {
  const session = await transport.open(host, forever)
  if ('refused' in session) return session.refused
  await session[Symbol.asyncDispose]()
  throw new Error('was not refused')
}

async function run(session: Session, script: Parameters<Session['run']>[0]) {
  return await session.run(script, { timeoutMs: 20_000, as: 'root' })
}

async function closeAll(sessions: readonly Session[]): Promise<void> {
  await Promise.all(sessions.map((session) => session[Symbol.asyncDispose]()))
}

function knownAt(port: number, { directory, hostKey }: Sshd): string {
  const file = join(directory, `known_${port}`)
  writeFileSync(file, `[127.0.0.1]:${port} ${hostKey}\n`)
  return file
}

/** Bytes go through until it is told to cut. */
async function startProxy(to: number) {
  const pairs: Socket[] = []
  const server = await listen(cleanup, (socket) => {
    const through = connect(to, '127.0.0.1')
    through.on('error', () => {})
    pairs.push(socket, through)
    socket.pipe(through).pipe(socket)
  })
  const cut = () => {
    for (const socket of pairs.splice(0)) socket.destroy()
  }
  return { port: portOf(server), known: knownAt(portOf(server), first), cut }
}

/** A port at which connections wait to be taken, and no more of them can. */
async function fullListener(): Promise<number> {
  const program = `require('net').createServer(() => {}).listen({port: 0, host: '127.0.0.1', backlog: 1}, function () { console.log(this.address().port) })`
  const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] })
  cleanup.push(() => child.kill('SIGKILL'))
  const [text] = await once(child.stdout, 'data')
  const port = Number(text)
  child.kill('SIGSTOP')
  const fillers = Array.from({ length: 4 }, () => connect(port, '127.0.0.1').on('error', () => {}))
  cleanup.push(() => fillers.forEach((socket) => void socket.destroy()))
  await sleep(100)
  return port
}
