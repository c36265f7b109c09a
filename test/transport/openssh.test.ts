import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Fault } from '../../src/model/fault.ts'
import type { Host } from '../../src/model/host.ts'
import { sh } from '../../src/shell/script.ts'
import { openSession } from '../../src/transport/catalog.ts'
import { keyring } from '../../src/transport/keyring.ts'
import { notes } from '../../src/transport/notes.ts'
import { openssh, opensshTransport } from '../../src/transport/openssh.ts'
import { sshTransport } from '../../src/transport/ssh.ts'
import { PATIENCE } from '../../src/transport/tcp.ts'
import type { Session } from '../../src/transport/transport.ts'

import { listen, portOf } from './listening.ts'
import { makeKey, type Sshd, startSshd, whyNoSshd } from './sshd.ts'

/** The system's ssh against a real sshd: how it ends in each of many ways, and that nothing of it is left then. */

const forever = new AbortController().signal
const how = { timeoutMs: 9000, as: 'login-user' } as const
const why = whyNoSshd()
const cleanup: (() => unknown)[] = []
let sshd: Sshd
/** Where ssh's directories are made meanwhile. */
let rooms: string

beforeAll(async () => {
  rooms = mkdtempSync(join(tmpdir(), 'rooms-'))
  // Later key exchanges would take most of the time here.
  if (why === undefined) sshd = await startSshd(['KexAlgorithms curve25519-sha256'])
})
afterAll(async () => {
  await sshd?.stop()
  rmSync(rooms, { recursive: true, force: true })
})
beforeEach((ctx) => {
  if (why !== undefined) ctx.skip(why)
  vi.stubEnv('SSH_AUTH_SOCK', undefined)
  vi.stubEnv('TMPDIR', rooms)
  return () => vi.unstubAllEnvs()
})
afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo()
  keyring.empty()
  if (why === undefined) expect(leftOvers()).toEqual([])
})

const path = (name: string) => join(sshd.directory, name)
const write = (name: string, text: string) => {
  writeFileSync(path(name), text)
  return path(name)
}
const hostNow = (changes: Partial<Host> = {}): Host => ({ ...sshd.host, transport: 'openssh', ...changes })

describe('host keys', () => {
  test('one that is not known, another one than before, and a revoked one are told apart, as over ssh2', async () => {
    const at = `[127.0.0.1]:${sshd.port}`
    expect(await refused(hostNow({ knownHostsFiles: [write('none', '')] }))).toMatchObject({
      code: 'host-key-unknown',
      message: expect.stringContaining('its host key ssh-ed25519 SHA256:'),
    })
    makeKey(path('other'), 'ed25519')
    const changed = write('changed', `${at} ${readFileSync(path('other.pub'), 'utf8')}`)
    expect(await refused(hostNow({ knownHostsFiles: [changed] }))).toMatchObject({
      code: 'host-key-changed',
      message: expect.stringContaining(`${changed}:1`),
    })
    const revoked = write('revoked', `${at} ${sshd.hostKey}\n@revoked * ${sshd.hostKey}\n`)
    expect(await refused(hostNow({ knownHostsFiles: [revoked] }))).toMatchObject({ code: 'host-key-revoked' })
  })

  test('one that a file of ssh’s own revokes is no refused login', async () => {
    const revoked = write('revoked_keys', `${sshd.hostKey}\n`)
    expect(await refused(hostNow({ opensshOptions: [`RevokedHostKeys=${revoked}`] }))).toMatchObject({
      code: 'host-key-unknown',
      message: expect.stringContaining('revoked'),
    })
  })

  test('a new one is written down and taken where new ones are to be', async () => {
    const file = write('fresh', '')
    await using session = await opened(hostNow({ knownHostsFiles: [file], acceptNewKeys: true }))
    expect(await session.run(sh`echo on`, how)).toMatchObject({ stdout: 'on\n' })
    expect(readFileSync(file, 'utf8')).toBe(`[127.0.0.1]:${sshd.port} ${sshd.hostKey}\n`)
  })
})

describe('logging in', () => {
  test('a key that is not taken is a refused login, once', async () => {
    makeKey(path('stranger'), 'ed25519')
    const before = logins()
    expect(await refused(hostNow({ identityFiles: [path('stranger')] }))).toMatchObject({
      code: 'auth',
      message: expect.stringContaining('Permission denied'),
    })
    await expect.poll(() => logins() - before).toBe(1)
  })

  test('a passphrase is told for its own key file alone, and stands nowhere where others could read it', async () => {
    makeKey(path('locked with spaces 100%'), 'ed25519', 'a passphrase')
    const key = path('locked with spaces 100%')
    writeFileSync(path('authorized_keys'), readFileSync(`${key}.pub`), { flag: 'a' })
    keyring.holdPassphrase(key, 'a passphrase')
    const host = hostNow({ identityFiles: [key], identitiesOnly: true })
    await using session = await opened(host)
    expect(await session.run(sh`echo on`, how)).toMatchObject({ stdout: 'on\n' })
    for (const file of filesUnder(rooms)) expect(readFileSync(file, 'utf8')).not.toContain('a passphrase')
    keyring.holdPassphrase(key, 'a wrong one')
    expect(await refused(host)).toMatchObject({ code: 'auth' })
  })

  test('a password where the server wants none is not asked for', async () => {
    keyring.holdForAll({ login: 'a password' })
    await using session = await opened(hostNow())
    expect(await session.run(sh`exit 3`, how)).toMatchObject({ code: 3 })
  })
})

describe('no sshd', () => {
  test('a dead port, a name without address, and one that hides an option are told', async () => {
    const server = await listen(cleanup, () => {})
    const port = portOf(server)
    server.close()
    expect(await refused(hostNow({ port }))).toMatchObject({ code: 'refused' })
    expect(await refused(hostNow({ address: 'no-such-host.invalid' }))).toMatchObject({ code: 'dns' })
    const witness = path('witness')
    const address = `-oProxyCommand=touch ${witness}`
    expect(
      await refused(hostNow({ address, opensshOptions: ['Ciphers=aes128-ctr', 'BindAddress=127.0.0.1'] })),
    ).toMatchObject({
      code: 'unreachable',
    })
    expect(() => readFileSync(witness)).toThrow()
  })

  test('one that says nothing is given up in time, and one that hangs up is asked again', async () => {
    const silent = await listen(cleanup, () => {})
    const quick = opensshTransport({ ...PATIENCE, handshake: 400, betweenKnocks: 20 })
    expect(await refused(hostNow({ port: portOf(silent) }), quick)).toMatchObject({
      code: 'handshake-timed-out',
      message: expect.stringContaining('says nothing'),
    })
    let asked = 0
    const busy = await listen(cleanup, (socket) => {
      asked += 1
      socket.end('Exceeded MaxStartups\r\n')
    })
    expect(await refused(hostNow({ port: portOf(busy) }), quick)).toMatchObject({ code: 'lost' })
    expect(asked).toBe(4)
  })

  test('a login under way is cancelled at once', async () => {
    const silent = await listen(cleanup, () => {})
    const stop = new AbortController()
    const opening = openssh.open(hostNow({ port: portOf(silent) }), stop.signal)
    await sleep(300)
    const started = performance.now()
    stop.abort('time is up')
    expect(await opening).toMatchObject({ refused: { code: 'cancelled', message: 'time is up' } })
    // Far from the ten seconds that a handshake may take.
    expect(performance.now() - started).toBeLessThan(5000)
  })

  test('a server of which ssh understands nothing is no refused login', async () => {
    const noise = await listen(
      cleanup,
      (socket) => void socket.write(`SSH-2.0-x\r\n${'\x00\x00\x00\x14'.repeat(9999)}`),
    )
    const fault = await refused(hostNow({ port: portOf(noise) }), opensshTransport({ ...PATIENCE, handshake: 2000 }))
    expect(fault.code).toBe('unreachable')
    expect(fault.message).toContain('before its host key was checked')
  })
})

describe('links that break', () => {
  test('one that is cut under a running script is lost, with what ssh said', async () => {
    const proxy = await proxyTo(sshd.port)
    await using session = await opened(hostNow(proxy.way))
    const outcome = await session.run(sh`echo on; sleep 5`, { ...how, onLine: proxy.cut })
    expect(outcome).toMatchObject({ type: 'lost', why: expect.stringMatching(/./) })
    expect(await session.run(sh`echo`, how)).toMatchObject({ type: 'lost' })
  })

  test('one that falls silent is noticed, and closing does not wait for it', async () => {
    const proxy = await proxyTo(sshd.port)
    const quick = opensshTransport({ ...PATIENCE, keepalive: 1000 })
    const session = await opened(hostNow(proxy.way), quick)
    const outcome = session.run(sh`echo on; sleep 20`, { ...how, timeoutMs: 15_000, onLine: proxy.freeze })
    expect(await outcome).toMatchObject({ type: 'lost', why: 'the host did not answer any more' })
    const started = performance.now()
    await session[Symbol.asyncDispose]()
    expect(performance.now() - started).toBeLessThan(2000)
  })
})

describe('what ssh is run for', () => {
  test('a login of its own for each session, over one TCP connection', async () => {
    const before = logins()
    await using one = await opened(hostNow())
    await using other = await opened(hostNow())
    await Promise.all([one.run(sh`exit 0`, how), one.run(sh`exit 0`, how), other.run(sh`exit 0`, how)])
    expect(logins() - before).toBe(2)
  })

  test('a script larger than any window goes over whole', async () => {
    await using session = await opened(hostNow())
    const lines = Array.from({ length: 100_000 }, (_, at) => `${at} ${'x'.repeat(50)}`)
    const outcome = await session.run(sh`printf '%s\n' ${lines} | tail -n 1`, how)
    expect(outcome).toMatchObject({ code: 0, stdout: `${lines.at(-1)}\n` })
  })

  test('a server that opens no session, or runs something of its own, is a fault', async () => {
    for (const [line, words] of [
      ['MaxSessions 0', 'opened no session'],
      ['ForceCommand echo only backups here; exit 3', 'only backups here'],
    ] as const) {
      const odd = await startSshd([line])
      cleanup.push(() => odd.stop())
      await using session = await opened({ ...odd.host, transport: 'openssh' })
      expect(await session.run(sh`exit 0`, how)).toMatchObject({
        refused: { code: 'no-shell', message: expect.stringContaining(words) },
      })
    }
  })

  test.each([
    ['by a ProxyCommand of its own', (port: number) => `ProxyCommand=${process.execPath} ${proxyProgram()} ${port}`],
    ['from an address of its own', () => 'BindAddress=127.0.0.1'],
  ])('it reaches the host %s, and ends with the session', async (_title, option) => {
    await using session = await opened(hostNow({ opensshOptions: [option(sshd.port)] }))
    expect(await session.run(sh`kill -TERM $$`, how)).toMatchObject({ type: 'killed', signal: 'SIGTERM' })
  })

  test('it reads a ssh_config that only it can follow, and nothing in there has a say in how', async () => {
    const config = write(
      'user_config',
      `Match exec "true"\n  HostName 127.0.0.1\n  Port ${sshd.port}\n  User root\n  IdentityFile ${path('user')}\n  UserKnownHostsFile ${path('known_hosts')}
  ControlMaster auto\n  ControlPath ${rooms}/theirs\n  ControlPersist 1h\n  LocalForward 127.0.0.1:1 127.0.0.1:22\n  RemoteCommand exit 1
  ForkAfterAuthentication yes\n  PermitLocalCommand yes\n  LocalCommand touch ${rooms}/local\n  RequestTTY force\n  LogLevel DEBUG3\n`,
    )
    const host = hostNow({ address: 'some-alias', readBySsh: { name: 'some-alias', configFile: config } })
    await using session = await opened(host)
    expect(await session.run(sh`echo on`, how)).toMatchObject({ stdout: 'on\n', stderr: '' })
  })

  test('a bastion that only the system’s ssh gets into serves ssh2 and itself', async () => {
    const bastion: Host = { ...sshd.host, whyOpenssh: 'for a test' }
    const before = logins()
    const way = { jumps: [bastion] }
    await using over = await opened({ ...sshd.host, ...way })
    await using other = await opened(hostNow(way))
    for (const session of [over, other]) {
      const outcome = await session.run(sh`dd if=/dev/zero bs=65536 count=100 2>/dev/null | tr '\0' x`, how)
      const stdout = 'stdout' in outcome ? outcome.stdout : ''
      expect([stdout.length, /^x*$/.test(stdout)]).toEqual([6_553_600, true])
    }
    expect(logins() - before).toBe(3)
    await over[Symbol.asyncDispose]()
    await other[Symbol.asyncDispose]()
    // The connection to a bastion stays for a moment.
    await expect.poll(leftOvers, { timeout: 5000 }).toEqual([])
  })

  test('it is gone when we are, however we go', async () => {
    const program = write(
      'go.mts',
      `import { openSession } from ${JSON.stringify(join(process.cwd(), 'src/transport/catalog.ts'))}
for (const host of JSON.parse(process.argv[2] ?? '')) {
  const opened = await openSession(host, new AbortController().signal)
  if ('refused' in opened) throw new Error(opened.refused.message)
}
console.log('open')
setInterval(() => {}, 1000)
`,
    )
    const hosts = [hostNow(), hostNow({ opensshOptions: ['BindAddress=127.0.0.1'] })]
    const words = [join(process.cwd(), 'node_modules/tsx/dist/cli.mjs'), program, JSON.stringify(hosts)]
    const child = spawn(process.execPath, words, { stdio: ['ignore', 'pipe', 'inherit'], detached: true })
    expect(String(await once(child.stdout, 'data'))).toBe('open\n')
    expect(processes().filter((line) => line.includes('ssh -F'))).not.toEqual([])
    process.kill(-(child.pid ?? 0), 'SIGKILL')
    await expect.poll(processes, { timeout: 5000 }).toEqual([])
    for (const name of readdirSync(rooms)) rmSync(join(rooms, name), { recursive: true })
  })
})

test('ssh2 that has no key exchange in common hands over to ssh, which is remembered', async () => {
  const later = await startSshd(['KexAlgorithms sntrup761x25519-sha512@openssh.com'])
  cleanup.push(() => later.stop())
  for (const connections of [2, 3]) {
    const session = await openSession(later.host, forever)
    if ('refused' in session) throw new Error(session.refused.message)
    expect(session.note).toBe(
      "reached by the system's ssh: the server and ssh2 have no key exchange algorithm in common",
    )
    await session[Symbol.asyncDispose]()
    expect(later.log().match(/Connection from|Unable to negotiate|Accepted/g)?.length ?? 0).toBeGreaterThanOrEqual(
      connections - 1,
    )
  }
  expect(later.log().match(/Unable to negotiate/g)).toHaveLength(1)
})

test('a host in between that ssh2 cannot log in to is told of once, and remembered', async () => {
  const later = await startSshd(['KexAlgorithms sntrup761x25519-sha512@openssh.com'])
  cleanup.push(() => later.stop())
  notes.take()
  for (let times = 0; times < 2; times++) {
    // Jump hosts of its own: no connection is shared between the two.
    const transport = sshTransport(PATIENCE)
    const session = await transport.open({ ...sshd.host, jumps: [later.host] }, forever)
    if ('refused' in session) throw new Error(session.refused.message)
    await session[Symbol.asyncDispose]()
  }
  expect(later.log().match(/Unable to negotiate/g)).toHaveLength(1)
  expect(notes.take()).toEqual([
    {
      note: "reached by the system's ssh, as a jump host: the server and ssh2 have no key exchange algorithm in common",
      hosts: [`${later.host.user}@${later.host.address}`],
    },
  ])
  // The connection to a host in between stays for a moment.
  const rooms = () => leftOvers().filter((each) => each.includes('ctf-'))
  await expect.poll(rooms, { timeout: 5000 }).toEqual([])
})

async function opened(host: Host, transport = host.transport === 'ssh' ? undefined : openssh): Promise<Session> {
  const session = await (transport === undefined ? openSession(host, forever) : transport.open(host, forever))
  if ('refused' in session) throw new Error(`refused: ${JSON.stringify(session.refused)}`)
  return session
}

async function refused(host: Host, transport = openssh): Promise<Fault> {
  const session = await transport.open(host, forever)
  if ('refused' in session) return session.refused
  await session[Symbol.asyncDispose]()
  throw new Error('was not refused')
}

/** Logins that were begun, by sshd's own account. */
function logins(): number {
  return sshd.log().match(/Accepted publickey|Connection closed by authenticating/g)?.length ?? 0
}

function leftOvers(): readonly string[] {
  return [...readdirSync(rooms), ...processes()]
}

function processes(): readonly string[] {
  const all = execFileSync('ps', ['-e', '-o', 'stat=,args='], { encoding: 'utf8' }).split('\n')
  return all.filter((line) => !line.startsWith('Z') && line.includes(`${rooms}/`))
}

function filesUnder(directory: string): readonly string[] {
  return readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
}

function proxyProgram(): string {
  return write(
    'proxy.mjs',
    `import { connect } from 'node:net'\nconst socket = connect(Number(process.argv[2]), '127.0.0.1')\nprocess.stdin.pipe(socket).pipe(process.stdout)\n`,
  )
}

/** Bytes go through until it is told otherwise. */
async function proxyTo(port: number) {
  const pairs: Socket[] = []
  const server = await listen(cleanup, (socket) => {
    const through = connect(port, '127.0.0.1').on('error', () => {})
    pairs.push(socket, through)
    socket.pipe(through).pipe(socket)
  })
  const known = write('known_proxy', `[127.0.0.1]:${portOf(server)} ${sshd.hostKey}\n`)
  return {
    way: { port: portOf(server), knownHostsFiles: [known] },
    cut: () => pairs.forEach((socket) => void socket.destroy()),
    freeze: () => pairs.forEach((socket) => void socket.unpipe().pause()),
  }
}
