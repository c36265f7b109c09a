import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { readCertificate, whyNotVouchedFor } from '../../src/transport/openssh-certificate.ts'

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-certificates-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
beforeEach((ctx) => {
  if (!existsSync('/usr/bin/ssh-keygen')) ctx.skip('needs /usr/bin/ssh-keygen')
})

test.each(['ed25519', 'ecdsa', 'rsa'])(
  'of a certificate for a key of type %s all is read that ssh-keygen wrote',
  (type) => {
    const [authority, key] = [newKey('ed25519'), newKey(type)]
    keygen('-s', authority, '-h', '-I', 'host', '-n', 'db-1,*.example.com', '-V', '20260101:20270101', `${key}.pub`)
    const read = readCertificate(blobOf(`${key}-cert.pub`))
    if (read === null) throw new Error('no certificate')
    expect(read.key.equals(blobOf(`${key}.pub`))).toBe(true)
    expect(read.authority.equals(blobOf(`${authority}.pub`))).toBe(true)
    expect(read.principals).toEqual(['db-1', '*.example.com'])

    const authorities = [blobOf(`${authority}.pub`)]
    const now = Date.parse('2026-06-01')
    const asked = { name: 'db-1', authorities, now }
    expect(whyNotVouchedFor(read, asked)).toBeNull()
    expect(whyNotVouchedFor(read, { ...asked, name: 'Web.Example.com' })).toBeNull()
    expect(whyNotVouchedFor(read, { ...asked, name: 'db-2' })).toBe('it is for db-1, *.example.com')
    expect(whyNotVouchedFor(read, { ...asked, now: Date.parse('2027-06-01') })).toMatch(/not valid now/)
    expect(whyNotVouchedFor(read, { ...asked, authorities: [] })).toMatch(
      /^its authority SHA256:\S{43} is trusted by no/,
    )
  },
)

test('what is no whole certificate is none', () => {
  const [authority, key] = [newKey('ed25519'), newKey('ed25519')]
  keygen('-s', authority, '-h', '-I', 'host', `${key}.pub`)
  const whole = blobOf(`${key}-cert.pub`)
  for (let length = 0; length < whole.length - 200; length += 7)
    expect(readCertificate(whole.subarray(0, length)), String(length)).toBeNull()
  expect(readCertificate(blobOf(`${key}.pub`))).toBeNull()
})

let made = 0
function newKey(type: string): string {
  const path = join(directory, `key-${made++}`)
  keygen('-t', type, ...(type === 'rsa' ? ['-b', '1024'] : []), '-N', '', '-f', path)
  return path
}

function keygen(...words: readonly string[]): void {
  execFileSync('ssh-keygen', ['-q', ...words], { stdio: 'pipe' })
}

function blobOf(path: string): Buffer {
  return Buffer.from(readFileSync(path, 'utf8').split(' ')[1] ?? '', 'base64')
}
