import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeEach, expect, test } from 'vitest'
import type { SshWay } from '../../src/model/host.ts'
import { fingerprint } from '../../src/transport/identities.ts'
import { findKnownKeys } from '../../src/transport/known-hosts.ts'
import { judgeOrTake } from '../../src/transport/new-keys.ts'
import { notes } from '../../src/transport/notes.ts'

const root = mkdtempSync(join(tmpdir(), 'ctfleet-new-keys-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

let file: string
let tests = 0
beforeEach(() => {
  file = join(root, `${tests++}`)
  notes.take()
})

test('an unknown key is refused, unless new ones are to be taken; then it is written and told once', async () => {
  expect(await show('web-1', ed25519(1), { acceptNewKeys: false })).toMatchObject({ verdict: 'unknown' })
  expect(await show('web-1', ed25519(1))).toEqual({ verdict: 'known' })
  expect(await show('web-1', ed25519(1))).toEqual({ verdict: 'known' })
  expect(readFileSync(file, 'utf8')).toMatch(/^web-1 ssh-ed25519 \S+\n$/)
  const note = `took its new host key ssh-ed25519 ${fingerprint(ed25519(1))} (web-1), written to ${file}`
  expect(notes.take()).toEqual([{ note, hosts: ['web-1'] }])
})

test('a changed or revoked key is never taken, nor is one of another kind beside a known one', async () => {
  const text = `web-1 ssh-ed25519 ${ed25519(1).toString('base64')}\n@revoked * ssh-ed25519 ${ed25519(9).toString('base64')}\n`
  writeFileSync(file, text)
  expect(await show('web-1', ed25519(2))).toMatchObject({ verdict: 'changed' })
  expect(await show('web-2', ed25519(9))).toMatchObject({ verdict: 'revoked' })
  expect(await show('web-1', rsa)).toMatchObject({ verdict: 'unknown', entries: [{ type: 'ssh-ed25519' }] })
  expect(readFileSync(file, 'utf8')).toBe(text)
  expect(notes.take()).toEqual([])
})

test('where nothing keeps it, a key holds for as long as the program runs', async () => {
  const knownHostsFiles = ['/dev/null']
  expect(await show('nowhere', ed25519(1), { knownHostsFiles })).toEqual({ verdict: 'known' })
  expect(await show('nowhere', ed25519(2), { knownHostsFiles })).toMatchObject({ verdict: 'changed' })
  expect(await show('nowhere', ed25519(1), { knownHostsFiles })).toEqual({ verdict: 'known' })
  expect(notes.take()).toMatchObject([{ note: expect.stringContaining('for this run alone') }])
})

async function show(
  address: string,
  key: Buffer,
  {
    acceptNewKeys = true,
    knownHostsFiles = [file],
  }: { acceptNewKeys?: boolean; knownHostsFiles?: readonly string[] } = {},
) {
  const way: SshWay & { readonly name: string } = {
    name: address,
    address,
    port: 22,
    user: 'root',
    identityFiles: [],
    knownHostsFiles,
    ...(acceptNewKeys ? { acceptNewKeys } : {}),
  }
  return await judgeOrTake(way, await findKnownKeys(knownHostsFiles, way), key)
}

function ed25519(byte: number): Buffer {
  return blob('ssh-ed25519', Buffer.alloc(32, byte))
}

const rsa = blob('ssh-rsa', Buffer.alloc(128, 1))

function blob(type: string, key: Buffer): Buffer {
  const field = (bytes: Buffer) => {
    const length = Buffer.alloc(4)
    length.writeUInt32BE(bytes.length)
    return Buffer.concat([length, bytes])
  }
  return Buffer.concat([field(Buffer.from(type)), field(key)])
}
