import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../src/model/fault.ts'
import type { Host } from '../../src/model/host.ts'
import { sh } from '../../src/shell/script.ts'
import { ssh, sshTransport } from '../../src/transport/ssh.ts'
import { PATIENCE } from '../../src/transport/tcp.ts'
import type { Session } from '../../src/transport/transport.ts'
import { LOCALHOST } from './hosts.ts'
import { listen, portOf } from './listening.ts'
import { makeKey, type Sshd, startSshd, whyNoSshd } from './sshd.ts'

const forever = new AbortController().signal
const cleanup: (() => unknown)[] = []
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo()
})

describe('an sshd', () => {
  const why = whyNoSshd()
  let sshd: Sshd
  beforeAll(async () => {
    if (why === undefined) sshd = await startSshd()
  })
  afterAll(async () => await sshd?.stop())
  beforeEach((ctx) => {
    if (why !== undefined) ctx.skip(why)
    vi.stubEnv('SSH_AUTH_SOCK', undefined)
    return () => vi.unstubAllEnvs()
  })
  const path = (name: string) => join(sshd.directory, name)
  const write = (name: string, text: string) => {
    writeFileSync(path(name), text)
    return path(name)
  }

  test('whose key is not known is refused, with its fingerprint and how to compare it', async () => {
    const empty = write('none_known', '')
    const fault = await refused({ ...sshd.host, knownHostsFiles: [empty] })
    const print = execFileSync('ssh-keygen', ['-lf', path('host.pub')], { encoding: 'utf8' }).split(' ')[1]
    expect(fault).toMatchObject({ code: 'host-key-unknown', message: expect.stringContaining(`ssh-ed25519 ${print}`) })
    const scan = `ssh-keyscan -t ed25519 -p ${sshd.port} 127.0.0.1 >> ${empty}`
    expect(fault.next).toContain(scan)
    // The command that we tell does what we said it would.
    execFileSync('sh', ['-c', scan], { stdio: 'ignore' })
    await (await opened({ ...sshd.host, knownHostsFiles: [empty] }))[Symbol.asyncDispose]()
  })

  test('that shows another key than before is refused, with the line that says so', async () => {
    makeKey(path('other_host'), 'ed25519')
    const file = write('changed', `# old\n[127.0.0.1]:${sshd.port} ${readFileSync(path('other_host.pub'), 'utf8')}`)
    const fault = await refused({ ...sshd.host, knownHostsFiles: [file] })
    expect(fault).toMatchObject({ code: 'host-key-changed', message: expect.stringContaining(`${file}:2`) })
    const command = fault.next.slice(fault.next.indexOf('ssh-keygen -R'))
    execFileSync('sh', ['-c', command], { stdio: 'ignore' })
    await (await opened({ ...sshd.host, knownHostsFiles: [file] }))[Symbol.asyncDispose]()
  })

  test('whose key is revoked, or known by a certificate authority alone, is refused', async () => {
    const revoked = write('revoked', `[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n@revoked * ${sshd.hostKey}\n`)
    expect(await refused({ ...sshd.host, knownHostsFiles: [revoked] })).toMatchObject({ code: 'host-key-revoked' })
    const authority = write('authority', `@cert-authority * ${sshd.hostKey}\n`)
    expect(await refused({ ...sshd.host, knownHostsFiles: [authority] })).toMatchObject({
      code: 'host-key-unknown',
      message: expect.stringContaining('certificate authority'),
    })
  })

  test('with several host keys shows the one that is known', async () => {
    makeKey(path('host_rsa'), 'rsa')
    makeKey(path('host_ecdsa'), 'ecdsa')
    const many = await startSshd([`HostKey ${path('host_rsa')}`, `HostKey ${path('host_ecdsa')}`])
    cleanup.push(() => many.stop())
    for (const name of ['host_rsa', 'host_ecdsa']) {
      const file = write(`known_${name}`, `127.0.0.1 ${readFileSync(path(`${name}.pub`), 'utf8')}`)
      await using session = await opened({ ...many.host, knownHostsFiles: [file] })
      expect(await session.run(sh`exit 3`, { timeoutMs: 9000, as: 'root' })).toMatchObject({ code: 3 })
    }
  })

  test('that takes none of our keys is refused, with what was offered and what it takes', async () => {
    makeKey(path('stranger'), 'ecdsa')
    const fault = await refused({ ...sshd.host, identityFiles: [path('stranger')] })
    expect(fault).toMatchObject({ code: 'auth', next: expect.stringContaining('authorized_keys') })
    expect(fault.message).toMatch(
      /login as root was refused: offered were .*stranger \(SHA256:.*the server takes publickey/,
    )
    vi.stubEnv('HOME', sshd.directory)
    expect(await refused({ ...sshd.host, identityFiles: [] })).toMatchObject({
      code: 'auth',
      message: expect.stringContaining('there was no key to offer; the server takes publickey'),
    })
  })

  test('that wants more than a key says so, and too many keys are too many', async () => {
    const strict = await startSshd(['AuthenticationMethods publickey,publickey', 'MaxAuthTries 2'])
    cleanup.push(() => strict.stop())
    const key = join(strict.directory, 'user')
    expect(await refused({ ...strict.host, identityFiles: [key] })).toMatchObject({
      code: 'auth',
      message: expect.stringContaining('second proof'),
    })
    const strangers = ['s1', 's2', 's3'].map((name) => path(name))
    for (const each of strangers) makeKey(each, 'ed25519')
    expect(await refused({ ...strict.host, identityFiles: strangers })).toMatchObject({
      code: 'auth',
      message: expect.stringContaining('Too many authentication failures'),
    })
  })

  test('takes keys of every kind, after others that it does not take, and the agent’s', async () => {
    makeKey(path('no'), 'ed25519')
    makeKey(path('rsa'), 'rsa')
    makeKey(path('locked'), 'ed25519', 'a passphrase')
    const public_ = ['user.pub', 'rsa.pub', 'locked.pub'].map((name) => readFileSync(path(name), 'utf8'))
    writeFileSync(path('authorized_keys'), public_.join(''))
    cleanup.push(() => writeFileSync(path('authorized_keys'), public_[0] ?? ''))
    const enter = async (...identityFiles: string[]) => {
      await using session = await opened({ ...sshd.host, identityFiles: identityFiles.map(path) })
      expect(await session.run(sh`exit 0`, { timeoutMs: 9000, as: 'root' })).toMatchObject({ code: 0 })
    }
    await enter('no', 'rsa')
    await enter('missing', 'locked', 'user')

    const socket = path('agent.sock')
    const agent = spawn('ssh-agent', ['-D', '-a', socket], { stdio: 'ignore' })
    cleanup.push(() => end(agent))
    while (!existsSync(socket)) await sleep(20)
    const askpass = write('askpass', '#!/bin/sh\necho a passphrase\n')
    execFileSync('chmod', ['+x', askpass])
    const env = { ...process.env, SSH_AUTH_SOCK: socket, SSH_ASKPASS: askpass, SSH_ASKPASS_REQUIRE: 'force' }
    execFileSync('ssh-add', [path('locked')], { env, stdio: 'ignore' })
    vi.stubEnv('SSH_AUTH_SOCK', socket)
    await enter('no', 'locked')
    await enter('no')
    vi.stubEnv('SSH_AUTH_SOCK', path('nobody-there'))
    await enter('no', 'user')
  })

  test('that runs a command of its own instead, or opens no session, is a fault', async () => {
    for (const [line, words] of [
      ['ForceCommand echo only backups here; exit 3', 'only backups here'],
      ['MaxSessions 0', 'opened no session'],
    ] as const) {
      const odd = await startSshd([line])
      cleanup.push(() => odd.stop())
      await using session = await opened(odd.host)
      expect(await session.run(sh`exit 0`, { timeoutMs: 9000, as: 'root' })).toMatchObject({
        refused: { code: 'no-shell', message: expect.stringContaining(words) },
      })
    }
  })

  test('greets with a banner of 30 KB, and the login files talk, and nothing of it is the script’s', async () => {
    const chatty = await startSshd([`Banner ${write('banner', 'x'.repeat(30_000))}`])
    cleanup.push(() => chatty.stop())
    await using session = await opened(chatty.host)
    expect(await session.run(sh`echo on`, { timeoutMs: 9000, as: 'root' })).toMatchObject({
      stdout: 'on\n',
      stderr: '',
    })
  })

  test('whose link is cut while the script goes over runs nothing of it', async () => {
    const witness = path('ran')
    const proxy = await startProxy(sshd.port)
    await using session = await opened(proxy.at(sshd.host))
    proxy.cutAfter(100_000)
    const padding = Array.from({ length: 30_000 }, (_, at) => at)
    const outcome = await session.run(sh`echo > ${witness}; : ${padding}`, { timeoutMs: 9000, as: 'root' })
    expect(outcome).toMatchObject({ type: 'lost' })
    await sleep(500)
    expect(existsSync(witness)).toBe(false)
  })

  test('whose link breaks under a running script is lost, and so is everything after', async () => {
    const proxy = await startProxy(sshd.port)
    await using session = await opened(proxy.at(sshd.host))
    const running = session.run(sh`echo on; sleep 5`, { timeoutMs: 9000, as: 'root', onLine: () => proxy.cut() })
    expect(await running).toMatchObject({ type: 'lost', why: expect.stringMatching(/./) })
    expect(await session.run(sh`echo`, { timeoutMs: 9000, as: 'root' })).toMatchObject({ type: 'lost' })
  })

  test('that falls silent is noticed by the keepalive, and closing does not wait for it', async () => {
    const proxy = await startProxy(sshd.port)
    const quick = sshTransport({ ...PATIENCE, keepalive: 150 })
    const session = await opened(proxy.at(sshd.host), quick)
    const running = session.run(sh`echo on; sleep 20`, { timeoutMs: 15_000, as: 'root', onLine: () => proxy.freeze() })
    expect(await running).toEqual({ type: 'lost', why: 'Keepalive timeout' })
    await session[Symbol.asyncDispose]()

    const again = await startProxy(sshd.port)
    const other = await opened(again.at(sshd.host))
    again.freeze()
    const started = performance.now()
    await other[Symbol.asyncDispose]()
    expect(performance.now() - started).toBeLessThan(2500)
  })

  test('that was too busy to greet is asked again', async () => {
    let refusals = 2
    const server = await listen(cleanup, (socket) => {
      if (refusals-- > 0) return void socket.end('Exceeded MaxStartups\r\n')
      const through = connect(sshd.port, '127.0.0.1')
      socket.pipe(through).pipe(socket)
      socket.on('error', () => through.destroy())
    })
    await using session = await opened(await knownAt(server))
    expect(await session.run(sh`echo on`, { timeoutMs: 9000, as: 'root' })).toMatchObject({ stdout: 'on\n' })
  })

  async function knownAt(server: Server): Promise<Host> {
    const port = portOf(server)
    return { ...sshd.host, port, knownHostsFiles: [write(`known_${port}`, `[127.0.0.1]:${port} ${sshd.hostKey}\n`)] }
  }

  /** Bytes go through until it is told otherwise. */
  async function startProxy(to: number) {
    const pairs: [Socket, Socket][] = []
    let left = Number.POSITIVE_INFINITY
    const cut = () => pairs.flat().forEach((socket) => void socket.destroy())
    const server = await listen(cleanup, (socket) => {
      const through = connect(to, '127.0.0.1')
      pairs.push([socket, through])
      through.on('error', () => {})
      through.pipe(socket)
      socket.on('data', (bytes) => {
        through.write(bytes.subarray(0, left))
        left -= bytes.length
        if (left <= 0) through.end(cut)
      })
    })
    const freeze = () => {
      for (const [socket, through] of pairs) {
        socket.pause().removeAllListeners('data')
        through.unpipe()
        through.resume()
      }
    }
    const known = await knownAt(server)
    return {
      at: (host: Host): Host => ({ ...host, ...known }),
      cut,
      freeze,
      cutAfter: (bytes: number) => {
        left = bytes
      },
    }
  }
})

describe('no sshd at all', () => {
  const at = (server: Server): Host => ({ ...LOCALHOST, address: '127.0.0.1', transport: 'ssh', port: portOf(server) })

  test('a port where nothing listens and a name without an address are told at once', async () => {
    const server = await listen(cleanup, () => {})
    const host = at(server)
    server.close()
    expect(await refused(host)).toMatchObject({ code: 'refused' })
    expect(await refused({ ...host, address: 'no-such-host.invalid' })).toMatchObject({ code: 'dns' })
  })

  test('a port that says nothing is a handshake that timed out', async () => {
    const server = await listen(cleanup, () => {})
    const quick = sshTransport({ ...PATIENCE, handshake: 300 })
    expect(await refused(at(server), quick)).toMatchObject({
      code: 'handshake-timed-out',
      message: expect.stringContaining('says nothing'),
    })
    const greeting = await listen(cleanup, (socket) => void socket.write('SSH-2.0-OpenSSH_9.2\r\n'))
    expect(await refused(at(greeting), quick)).toMatchObject({
      code: 'handshake-timed-out',
      message: expect.stringContaining('fell silent'),
    })
  })

  test.each([
    ['closes at once', (socket: Socket) => void socket.end()],
    ['resets', (socket: Socket) => void socket.resetAndDestroy()],
    ['speaks HTTP', (socket: Socket) => void socket.end(`HTTP/1.1 400 Bad Request\r\n\r\n${'x'.repeat(200)}`)],
    ['speaks SSH 1', (socket: Socket) => void socket.write('SSH-1.5-old\r\n')],
    ['closes after its greeting', (socket: Socket) => void socket.end('SSH-2.0-OpenSSH_9.2\r\n')],
    ['sends noise', (socket: Socket) => void socket.write(Buffer.alloc(100_000, 0x91))],
    [
      'greets and sends noise',
      (socket: Socket) => void socket.write(`SSH-2.0-x\r\n${'\x00\x00\x00\x14'.repeat(9999)}`),
    ],
    ['greets and claims a huge packet', (socket: Socket) => void socket.write('SSH-2.0-x\r\n\x7f\xff\xff\xff\x01\x14')],
  ])('a port that %s is a connection lost', async (_name, answer) => {
    const server = await listen(cleanup, answer)
    expect(await refused(at(server), sshTransport({ ...PATIENCE, handshake: 300, betweenKnocks: 20 }))).toMatchObject({
      code: 'lost',
      next: expect.stringContaining('ssh -v'),
    })
  })

  test('a port that never stops talking costs no memory', async () => {
    const before = process.memoryUsage().rss
    const server = await listen(cleanup, (socket) => {
      const line = Buffer.from(`${'welcome '.repeat(500)}\r\n`.repeat(20))
      const more = () => {
        while (!socket.destroyed && socket.write(line)) {}
      }
      socket.on('drain', more)
      more()
    })
    const fault = await refused(at(server), sshTransport({ ...PATIENCE, handshake: 3000 }))
    expect(['lost', 'handshake-timed-out']).toContain(fault.code)
    expect(process.memoryUsage().rss - before).toBeLessThan(150e6)
  })

  test('a host that drops our SYN is tried again until it answers or time is up', async () => {
    // A process that is stopped takes no connections, and the kernel drops SYNs beyond its backlog.
    const program = `require('net').createServer(s => s.end('late\\r\\n')).listen({port: 0, host: '127.0.0.1', backlog: 1}, function () { console.log(this.address().port) })`
    const child = spawn(process.execPath, ['-e', program], { stdio: ['ignore', 'pipe', 'ignore'] })
    cleanup.push(() => end(child))
    const [port] = await once(child.stdout, 'data')
    child.kill('SIGSTOP')
    const host: Host = { ...LOCALHOST, transport: 'ssh', address: '127.0.0.1', port: Number(port) }
    const fillers = Array.from({ length: 4 }, () => connect(host.port, host.address).on('error', () => {}))
    cleanup.push(() => fillers.forEach((socket) => void socket.destroy()))
    await sleep(100)

    const quick = sshTransport({ ...PATIENCE, connecting: 1500, attempt: 400 })
    const started = performance.now()
    const fault = await refused(host, quick)
    expect(fault).toMatchObject({ code: 'connect-timed-out', message: expect.stringMatching(/in [234] tries/) })
    expect(performance.now() - started).toBeGreaterThan(1200)
    expect(performance.now() - started).toBeLessThan(4000)

    const stop = new AbortController()
    const cancelling = ssh.open(host, stop.signal)
    await sleep(100)
    stop.abort()
    expect(await cancelling).toMatchObject({ refused: { code: 'cancelled' } })

    setTimeout(() => child.kill('SIGCONT'), 1000)
    // It answers now, though not as an sshd would.
    expect(await refused(host)).toMatchObject({ code: 'lost' })
  })

  test('a handshake is cancelled at once', async () => {
    const server = await listen(cleanup, () => {})
    const stop = new AbortController()
    const opening = ssh.open(at(server), stop.signal)
    await sleep(100)
    const started = performance.now()
    stop.abort('time is up')
    expect(await opening).toMatchObject({ refused: { code: 'cancelled', message: 'time is up' } })
    // Far from the ten seconds that a handshake may take.
    expect(performance.now() - started).toBeLessThan(5000)
  })
})

async function opened(host: Host, transport = ssh): Promise<Session> {
  const session = await transport.open(host, forever)
  if ('refused' in session) throw new Error(`refused: ${JSON.stringify(session.refused)}`)
  return session
}

async function refused(host: Host, transport = ssh): Promise<Fault> {
  const session = await transport.open(host, forever)
  if ('refused' in session) return session.refused
  await session[Symbol.asyncDispose]()
  throw new Error('was not refused')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  child.kill('SIGKILL')
  await gone
}
