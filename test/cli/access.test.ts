import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { checkAccess } from '../../src/cli/access.ts'
import type { AccessWords } from '../../src/cli/access-words.ts'
import { type Complaint, InputError } from '../../src/input/complaint.ts'
import type { Host } from '../../src/model/host.ts'
import { keyring } from '../../src/transport/keyring.ts'
import { LOCALHOST } from '../transport/hosts.ts'
import { makeKey } from '../transport/sshd.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-access-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))
afterEach(() => keyring.empty())

const inventory = file(
  'inventory.yaml',
  'all:\n  vars: { ansible_become: true }\n  hosts:\n    web-1: { ansible_password: one, ansible_become_password: root one }\n    web-2: { ansible_become_pass: root two }\n    web-3:\n',
)
const planned = (name: string, secretsFrom = inventory): Host => ({ ...LOCALHOST, transport: 'ssh', name, secretsFrom })

test('passwords of hosts that come from a plan are read again where they were', async () => {
  await checkAccess([planned('web-1'), planned('web-2')], {})
  expect(heldFor('web-1')).toEqual(['one', 'root one'])
  expect(heldFor('web-2')).toEqual([undefined, 'root two'])
})

test('where they cannot be read it is said once for each inventory, and not at all where another is given', async () => {
  const nowhere = join(directory, 'nowhere.yaml')
  const hosts = [planned('web-1', nowhere), planned('web-2', nowhere), planned('web-3')]
  expect(await complaints(hosts, {})).toEqual([
    expect.objectContaining({ file: nowhere, message: expect.stringMatching(/the password of web-1 .* no such file/) }),
    expect.objectContaining({
      file: inventory,
      message: expect.stringContaining('names no password of web-3 any more'),
    }),
  ])
  await checkAccess(hosts, { passFrom: file('password', 'given') })
  expect(heldFor('web-3')).toEqual(['given', 'given'])
})

test('a password of the host’s own goes before the one that is given for all, also in a later command', async () => {
  await checkAccess([planned('web-1'), planned('web-2')], { passFrom: file('password', 'given') })
  expect(heldFor('web-1')).toEqual(['one', 'root one'])
  expect(heldFor('web-2')).toEqual(['given', 'root two'])
})

test('to show host keys nobody logs in but to hosts in between: only what those need has to be there', async () => {
  const missing = join(directory, 'missing')
  const alone: Host = { ...LOCALHOST, transport: 'ssh', identityFiles: [missing], identityAgent: 'none' }
  await checkAccess([alone], { writesKeys: true, passFrom: 'fd:99' })
  await checkAccess([{ ...alone, jumps: [LOCALHOST] }], { writesKeys: true })
  const behind: Host = { ...alone, identityFiles: [], jumps: [{ ...LOCALHOST, identityFiles: [missing] }] }
  expect((await complaints([behind], { writesKeys: true })).map(({ file }) => file)).toEqual([missing])
})

test('every source that gives nothing is one complaint, together with keys that cannot be used', async () => {
  makeKey(join(directory, 'locked'), 'ed25519', 'a passphrase')
  const identityFiles = [join(directory, 'locked')]
  const jump = { ...LOCALHOST, identityFiles: [join(directory, 'missing')] }
  const host: Host = { ...LOCALHOST, transport: 'ssh', identityFiles, jumps: [jump], identityAgent: 'none' }
  const words = { passFrom: 'fd:99', askBecomePass: true, passphraseFrom: file('wrong', 'another') }
  const said = await complaints([host], words)
  expect(said.map((complaint) => complaint.file)).toEqual([
    '--pass-from',
    '--ask-become-pass',
    join(directory, 'locked'),
    join(directory, 'missing'),
  ])
  expect(said[2]?.message).toContain('is not the one of this key')
  await checkAccess([{ ...host, jumps: [] }], { passphraseFrom: file('right', 'a passphrase') })
  expect(keyring.passphrase(join(directory, 'locked'))).toBe('a passphrase')
})

test('two ways to give the same password are a complaint', async () => {
  const words = { askPass: true, passFrom: file('password', 'given') }
  expect(await complaints([], words)).toMatchObject([{ file: '--ask-pass', message: '--pass-from gives it already' }])
})

function heldFor(name: string): readonly (string | undefined)[] {
  return [keyring.loginPassword({ name }), keyring.becomePassword({ name })]
}

async function complaints(hosts: readonly Host[], words: AccessWords): Promise<readonly Complaint[]> {
  try {
    await checkAccess(hosts, words)
  } catch (error) {
    if (error instanceof InputError) return error.complaints
    throw error
  }
  throw new Error('nothing was complained about')
}

function file(name: string, text: string): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  chmodSync(path, 0o600)
  return path
}
