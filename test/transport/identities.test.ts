import { execFileSync } from 'node:child_process'
import { chmodSync, copyFileSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { agentKeys, agentSocket } from '../../src/transport/agent.ts'
import { checkIdentities, lockedIdentities, needsOpenssh, offersFor } from '../../src/transport/identities.ts'
import { readIdentity } from '../../src/transport/key-file.ts'
import { keyring } from '../../src/transport/keyring.ts'
import { LOCALHOST } from './hosts.ts'
import { makeKey } from './sshd.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-keys-'))
const path = (name: string) => join(directory, name)
beforeAll(() => {
  for (const type of ['ed25519', 'ecdsa', 'rsa']) makeKey(path(type), type)
  makeKey(path('locked'), 'ed25519', 'a passphrase')
  vi.stubEnv('SSH_AUTH_SOCK', undefined)
  return () => vi.unstubAllEnvs()
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('good keys of every kind are no complaint', async () => {
  const identityFiles = ['ed25519', 'ecdsa', 'rsa'].map(path)
  expect(await checkIdentities([{ identityFiles }, { identityFiles: [] }], NOBODY)).toEqual([])
})

test('every key file that cannot be used is one complaint, however many hosts name it', async () => {
  const cases: readonly [name: string, bytes: string | Buffer, words: string][] = [
    ['public', readFileSync(path('rsa.pub')), 'a public key, and the agent does not hold'],
    ['empty', '', 'no private key'],
    ['other', 'hello\n', 'no private key'],
    ['cut', readFileSync(path('ed25519')).subarray(0, 150), 'PRIVATE KEY'],
    ['spoilt', readFileSync(path('ed25519'), 'utf8').replace(/\n.{9}/, '\nAAAAAAAAA'), 'no key that can be read'],
    [
      'lying',
      `-----BEGIN OPENSSH PRIVATE KEY-----\n${lies()}\n-----END OPENSSH PRIVATE KEY-----\n`,
      'no key that can be read',
    ],
    ['binary', Buffer.alloc(1000, 0xff), 'no private key'],
  ]
  for (const [name, bytes] of cases) writeFileSync(path(name), bytes)
  const identityFiles = [...cases.map(([name]) => path(name)), path('missing'), directory]
  const complaints = await checkIdentities([{ identityFiles }, { identityFiles }], NOBODY)
  expect(complaints.map((complaint) => complaint.path)).toEqual(identityFiles)
  const words = complaints.map(({ message }) => message)
  for (const [at, [name, , expected]] of cases.entries()) {
    if (name !== 'cut') expect([name, words[at]]).toEqual([name, expect.stringContaining(expected)])
  }
  expect(words.at(-2)).toContain('no such file')
  expect(words.at(-1)).toContain('directory')
})

test('an encrypted key is a complaint unless its passphrase is known or can be asked for', async () => {
  const named = [{ ...LOCALHOST, identityFiles: [path('locked')] }]
  expect(await checkIdentities(named, NOBODY)).toEqual([
    {
      path: path('locked'),
      message: expect.stringContaining('encrypted'),
      hint: expect.stringMatching(/^ssh-add \S+locked, or --passphrase-from/),
    },
  ])
  expect(await checkIdentities(named, { canAsk: true })).toEqual([])
  const [locked] = await lockedIdentities(named)
  expect(locked?.unlock('another')).toBe(null)
  expect(locked?.unlock('a passphrase')).not.toBe(null)

  keyring.holdPassphrase(path('locked'), 'a passphrase')
  try {
    expect(await checkIdentities(named, NOBODY)).toEqual([])
    expect(await lockedIdentities(named)).toEqual([])
    expect((await offersFor(named[0] ?? LOCALHOST)).map(({ name }) => name)).toEqual([
      expect.stringMatching(/locked \(SHA256:/),
    ])
  } finally {
    keyring.empty()
  }
})

test('a usual key that is encrypted is asked for only where nothing else can be shown', async () => {
  vi.stubEnv('HOME', directory)
  mkdirSync(path('.ssh'))
  copyFileSync(path('locked'), path('.ssh/id_ed25519'))
  const usual = { ...LOCALHOST, identityFiles: [] }
  const names = async () => (await lockedIdentities([usual])).map((locked) => locked.path)
  expect(await names()).toEqual(['~/.ssh/id_ed25519'])
  expect(await offersFor(usual)).toMatchObject([{ name: '~/.ssh/id_ed25519', next: 'ssh-add ~/.ssh/id_ed25519' }])
  keyring.holdForAll({ login: 'a password' })
  expect(await names()).toEqual([])
  keyring.empty()
  copyFileSync(path('rsa'), path('.ssh/id_rsa'))
  expect(await names()).toEqual([])
})

test('what ssh2 cannot show is for the system’s ssh, with the file or the kind of key', async () => {
  const why = async (...identityFiles: string[]) => await needsOpenssh({ ...LOCALHOST, identityFiles })
  expect(await why(path('rsa'), path('locked'))).toBe(null)
  copyFileSync(path('ed25519'), path('signed'))
  writeFileSync(path('signed-cert.pub'), '')
  expect(await why(path('rsa'), path('signed'))).toContain('signed-cert.pub')
  expect(await why(path('signed.pub'))).toContain('signed-cert.pub')
  execFileSync('ssh-keygen', ['-q', '-t', 'rsa', '-m', 'PKCS8', '-N', '', '-f', path('pkcs8')])
  expect(await why(path('pkcs8'))).toContain('PKCS#8')
  expect(await checkIdentities([{ identityFiles: [path('pkcs8')] }], NOBODY)).toEqual([])
  expect(await needsOpenssh({ ...LOCALHOST, certificateFiles: ['/x-cert.pub'] })).toContain('/x-cert.pub')
  expect(await needsOpenssh({ ...LOCALHOST, opensshOptions: ['PKCS11Provider=/lib/p11.so'] })).toContain('p11.so')
  expect(await needsOpenssh({ ...LOCALHOST, opensshOptions: ['PKCS11Provider=none'] })).toBe(null)
})

test('an agent is asked for its keys, and one that says nothing or nonsense has none', async () => {
  const answer = async (bytes: Buffer | null) => {
    const socket = path(`agent-${sockets++}`)
    const server = createServer((to) => void (bytes === null ? to.destroy() : to.write(bytes)))
    await new Promise<void>((ready) => server.listen(socket, ready))
    try {
      return await agentKeys(socket)
    } finally {
      server.close()
    }
  }
  const key = Buffer.from(readFileSync(path('rsa.pub'), 'utf8').split(' ')[1] ?? '', 'base64')
  const keys = Buffer.concat([Buffer.from([12, 0, 0, 0, 1]), string(key), string(Buffer.from('comment'))])
  expect(await answer(string(keys))).toEqual([{ type: 'ssh-rsa', blob: key }])
  expect(await answer(string(keys.subarray(0, 40)))).toEqual([])
  expect(await answer(string(Buffer.from([5])))).toEqual([])
  expect(await answer(Buffer.from([0xff, 0xff, 0xff, 0xff]))).toEqual([])
  expect(await answer(null)).toEqual([])
  expect(await agentKeys(path('nobody'))).toEqual([])
  expect(await agentKeys(null)).toEqual([])
  expect(agentSocket({ identityAgent: 'none' })).toBe(null)
})

test('an agent that hangs is waited for once', async () => {
  let calls = 0
  const server = createServer(() => void calls++)
  await new Promise<void>((ready) => server.listen(path('hanging'), ready))
  try {
    expect(await agentKeys(path('hanging'), 50)).toEqual([])
    expect(await agentKeys(path('hanging'), 50)).toEqual([])
    expect(calls).toBe(1)
  } finally {
    server.close()
  }
})

test('the public half of an encrypted key is known', async () => {
  const blob = Buffer.from(readFileSync(path('locked.pub'), 'utf8').split(' ')[1] ?? '', 'base64')
  expect(await readIdentity(path('locked'))).toMatchObject({
    state: 'encrypted',
    path: path('locked'),
    publicKey: blob,
  })
})

test('a key file is read again when it has changed', async () => {
  const changing = path('changing')
  writeFileSync(changing, 'not yet')
  expect(await readIdentity(changing)).toMatchObject({ state: 'unusable' })
  copyFileSync(path('rsa'), changing)
  chmodSync(changing, 0o600)
  expect(await readIdentity(changing)).toMatchObject({ state: 'usable' })
})

const NOBODY = { canAsk: false }
let sockets = 0

function string(bytes: Buffer): Buffer {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(bytes.length)
  return Buffer.concat([length, bytes])
}

/** OpenSSH's header with a length beyond the end. */
function lies(): string {
  return Buffer.concat([Buffer.from('openssh-key-v1\0'), Buffer.alloc(40, 0x7f)]).toString('base64')
}
