import { chmodSync, copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { checkIdentities, readIdentity } from '../../src/transport/identities.ts'
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
  expect(await checkIdentities([{ identityFiles }, { identityFiles: [] }])).toEqual([])
})

test('every key file that cannot be used is one complaint, however many hosts name it', async () => {
  const cases: readonly [name: string, bytes: string | Buffer, words: string][] = [
    ['public', readFileSync(path('rsa.pub')), 'public key'],
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
  const complaints = await checkIdentities([{ identityFiles }, { identityFiles }])
  expect(complaints.map((complaint) => complaint.path)).toEqual(identityFiles)
  const words = complaints.map(({ message }) => message)
  for (const [at, [name, , expected]] of cases.entries()) {
    if (name !== 'cut') expect([name, words[at]]).toEqual([name, expect.stringContaining(expected)])
  }
  expect(words.at(-2)).toContain('no such file')
  expect(words.at(-1)).toContain('directory')
})

test('an encrypted key is a complaint unless the agent holds it', async () => {
  expect(await checkIdentities([{ identityFiles: [path('locked')] }])).toEqual([
    { path: path('locked'), message: expect.stringContaining('encrypted'), hint: `ssh-add ${path('locked')}` },
  ])
})

test('the public half of an encrypted key is known', async () => {
  const blob = Buffer.from(readFileSync(path('locked.pub'), 'utf8').split(' ')[1] ?? '', 'base64')
  expect(await readIdentity(path('locked'))).toEqual({ state: 'encrypted', path: path('locked'), publicKey: blob })
})

test('a key file is read again when it has changed', async () => {
  const changing = path('changing')
  writeFileSync(changing, 'not yet')
  expect(await readIdentity(changing)).toMatchObject({ state: 'unusable' })
  copyFileSync(path('rsa'), changing)
  chmodSync(changing, 0o600)
  expect(await readIdentity(changing)).toMatchObject({ state: 'usable' })
})

/** OpenSSH's header with a length beyond the end. */
function lies(): string {
  return Buffer.concat([Buffer.from('openssh-key-v1\0'), Buffer.alloc(40, 0x7f)]).toString('base64')
}
