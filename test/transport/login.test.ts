import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import ssh2, { type AuthContext, type Connection, type Session } from 'ssh2'
import { afterAll, afterEach, expect, test } from 'vitest'
import type { Fault } from '../../src/model/fault.ts'
import type { Host } from '../../src/model/host.ts'
import { sh } from '../../src/shell/script.ts'
import { keyring } from '../../src/transport/keyring.ts'
import { sshTransport } from '../../src/transport/ssh.ts'
import { PATIENCE } from '../../src/transport/tcp.ts'
import { LOCALHOST } from './hosts.ts'

/** Servers that do what an sshd does only when it is set up so, or never. */

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-login-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
const cleanup: (() => unknown)[] = []
afterEach(() => {
  for (const undo of cleanup.splice(0)) undo()
  keyring.empty()
})

test('a password is kept from a server whose key is not known', async () => {
  const server = await listen((ctx) => ctx.reject(['password', 'keyboard-interactive']))
  keyring.holdForAll({ login: 'kept' })
  const fault = await refused({ ...server.host, knownHostsFiles: [join(directory, 'none')] })
  expect(fault.code).toBe('host-key-unknown')
  expect(server.heard).toEqual([])
})

test('a question behind the password is not answered with it', async () => {
  const server = await listen((ctx) => {
    if (ctx.method !== 'keyboard-interactive') return ctx.reject(['keyboard-interactive'])
    ctx.prompt({ prompt: 'Password: ', echo: false }, (answers) => {
      server.heard.push(...answers)
      ctx.prompt({ prompt: 'New password: ', echo: false }, (more) => void server.heard.push(...more))
    })
  })
  keyring.holdForAll({ login: 'of today' })
  expect(await refused(server.host)).toMatchObject({
    code: 'auth',
    message: 'the server asks root something that cannot be answered here: "New password: "',
  })
  expect(server.heard).toEqual(['none', 'keyboard-interactive', 'of today'])
})

test('a server that asks again for the password has refused it', async () => {
  const server = await listen((ctx) => {
    if (ctx.method !== 'keyboard-interactive') return ctx.reject(['keyboard-interactive'])
    const password = { prompt: 'Password: ', echo: false }
    ctx.prompt(password, (answers) => {
      server.heard.push(...answers)
      ctx.prompt(password, (more) => void server.heard.push(...more))
    })
  })
  keyring.holdForAll({ login: 'mistyped' })
  expect(await refused(server.host)).toMatchObject({
    code: 'auth',
    message: expect.stringContaining('the password is wrong there'),
  })
  expect(await refused(server.host)).toMatchObject({ message: expect.stringContaining('refused here before') })
  expect(server.heard).toEqual(['none', 'keyboard-interactive', 'mistyped', 'none', 'keyboard-interactive'])
})

test('a password that has run out is a fault of its own', async () => {
  const server = await listen((ctx) => {
    if (ctx.method === 'password') ctx.requestChange('It has expired.', () => void server.heard.push('changed'))
    else ctx.reject(['password'])
  })
  keyring.holdForAll({ login: 'of yesterday' })
  expect(await refused(server.host)).toMatchObject({
    code: 'auth',
    message: expect.stringContaining('It has expired.'),
  })
  expect(server.heard).toEqual(['none', 'password of yesterday'])
})

test('a password that was refused is not tried again, not even by a new login', async () => {
  const server = await listen((ctx) => ctx.reject(['password']))
  keyring.holdFor(server.host.name, { login: 'wrong here' })
  expect(await refused(server.host)).toMatchObject({ code: 'auth', next: expect.stringContaining('tried once') })
  expect(await refused(server.host)).toMatchObject({
    code: 'auth',
    message: expect.stringContaining('refused here before'),
  })
  expect(server.heard).toEqual(['none', 'password wrong here', 'none'])
})

test('a server that never says whether it takes a password is not sent it again', async () => {
  const server = await listen((ctx) => void (ctx.method === 'none' && ctx.reject(['password'])))
  keyring.holdForAll({ login: 'unanswered' })
  expect(await refused(server.host, { ...PATIENCE, login: 200 })).toMatchObject({
    code: 'auth',
    message: expect.stringContaining('did not say whether it takes the password'),
  })
  expect(server.heard).toEqual(['none', 'password unanswered'])
})

test('a password of one host is no other’s, and without any it is said how to give one', async () => {
  const server = await listen((ctx) => ctx.reject(['password']))
  keyring.holdFor('another', { login: 'not yours' })
  expect(await refused(server.host)).toMatchObject({ code: 'auth', next: expect.stringContaining('--ask-pass') })
  expect(server.heard).toEqual(['none'])
})

test('an agent is forwarded only where that is wanted, and a server that forwards none runs the script all the same', async () => {
  const server = await listen((ctx) => ctx.accept())
  const asked: string[] = []
  server.onSession((session) => {
    session.on('auth-agent', (_accept, reject) => {
      asked.push('agent')
      reject?.()
    })
    session.on('exec', (accept) => {
      asked.push('command')
      accept().end()
    })
  })
  const run = async (host: Host) => {
    const opened = await sshTransport(PATIENCE).open(host, new AbortController().signal)
    if ('refused' in opened) throw new Error(opened.refused.message)
    await opened.run(sh`true`, { timeoutMs: 2000, as: 'login-user' })
    await opened[Symbol.asyncDispose]()
  }
  await run({ ...server.host, identityAgent: '/run/agent' })
  expect(asked.splice(0)).toEqual(['command'])
  await run({ ...server.host, identityAgent: '/run/agent', forwardAgent: true })
  expect(asked).toEqual(['agent', 'command'])
})

async function listen(answer: (ctx: AuthContext) => void) {
  const keys = hostKeys()
  const heard: string[] = []
  let onSession: (session: Session) => void = () => undefined
  const clients: Connection[] = []
  const server = new ssh2.Server({ hostKeys: [keys.private] }, (client) => {
    clients.push(client)
    client.on('error', () => undefined)
    client.on('session', (accept) => onSession(accept()))
    client.on('authentication', (ctx) => {
      heard.push(ctx.method === 'password' ? `password ${ctx.password}` : ctx.method)
      answer(ctx)
    })
  })
  server.listen(0, '127.0.0.1')
  cleanup.push(() => {
    for (const client of clients) client.end()
    server.close()
  })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const known = join(directory, `known_${port}`)
  writeFileSync(known, `[127.0.0.1]:${port} ${keys.public}\n`)
  const host: Host = {
    ...LOCALHOST,
    name: `host-${port}`,
    address: '127.0.0.1',
    port,
    transport: 'ssh',
    identityFiles: ['none'],
    identityAgent: 'none',
    knownHostsFiles: [known],
  }
  return {
    host,
    heard,
    onSession: (hear: typeof onSession) => {
      onSession = hear
    },
  }
}

async function refused(host: Host, patience = PATIENCE): Promise<Fault> {
  const session = await sshTransport(patience).open(host, new AbortController().signal)
  if ('refused' in session) return session.refused
  await session[Symbol.asyncDispose]()
  throw new Error('was not refused')
}

/** Of those that ssh2 makes some cannot be read. */
function hostKeys(): ReturnType<typeof ssh2.utils.generateKeyPairSync> {
  for (;;) {
    const keys = ssh2.utils.generateKeyPairSync('ed25519')
    if (!(ssh2.utils.parseKey(keys.private) instanceof Error)) return keys
  }
}
