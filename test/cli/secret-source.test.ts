import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { readSecret } from '../../src/cli/secret-source.ts'
import { vaultPasswordsFrom } from '../../src/cli/vault-passwords.ts'
import { InputError } from '../../src/input/complaint.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-secrets-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

test('a secret is the first line of a file, of a descriptor, or of what a command prints, without what ends it', async () => {
  expect(await readSecret('--pass-from', file('plain', 'se cret \nmore\n'))).toBe('se cret ')
  expect(await readSecret('--pass-from', file('dos', 'secret\r\n'))).toBe('secret')
  expect(await readSecret('--pass-from', file('bare', 'secret'))).toBe('secret')
  const fd = openSync(file('opened', 'from fd\nno more'), 'r')
  expect(await readSecret('--pass-from', `fd:${fd}`)).toBe('from fd')
  // A second option may name it too, when nothing is left to read.
  expect(await readSecret('--become-pass-from', `fd:${fd}`)).toBe('from fd')
  closeSync(fd)
  expect(await readSecret('--pass-from', 'command:printf "%s\\n" \'$a"b\' other; echo noise >&2')).toBe('$a"b')
})

test.each([
  ['nowhere', () => join(directory, 'nowhere'), /there is no file .*nowhere/, /fd:3/],
  ['a directory', () => directory, /is a directory/, /fd:3/],
  ['an empty line', () => file('empty', '\nsecret'), /gives an empty line/, /first line/],
  ['what others can read', () => file('open', 'secret', 0o640), /read by others \(mode 0640\)/, /^chmod 600 /],
  ['no descriptor', () => 'fd:12345', /no file is open as number 12345/, /12345< FILE/],
  ['no number', () => 'fd:one', /fd:one is no number/, /fd:3/],
  [
    'a command that fails',
    () => 'command:echo locked >&2; exit 7',
    /exit 7 ended with 7, and said: locked/,
    /by itself/,
  ],
  ['a command that floods', () => 'command:yes', /ended with SIGKILL after more than 64 KiB/, /by itself/],
])('%s is a complaint about the option', async (_title, source, message, hint) => {
  expect(await complaints(readSecret('--pass-from', source()))).toEqual([
    expect.objectContaining({
      file: '--pass-from',
      message: expect.stringMatching(message),
      hint: expect.stringMatching(hint),
    }),
  ])
})

test('vault passwords come from files, with an id before them or not, and from programs', async () => {
  const plain = file('vault', ' of all \n')
  const program = file('keys-client.sh', '#!/bin/sh\necho "for $1 $2"\n', 0o700)
  expect(await vaultPasswordsFrom({ vaultPasswordFile: [plain, `prod@${plain}`, `dev@${program}`, program] })).toEqual([
    { id: null, password: 'of all' },
    { id: 'prod', password: 'of all' },
    { id: 'dev', password: 'for --vault-id dev' },
    { id: null, password: 'for' },
  ])
  const silent = file('silent', '\n')
  expect(await complaints(vaultPasswordsFrom({ vaultPasswordFile: [silent] }))).toMatchObject([
    { file: '--vault-password-file', message: expect.stringContaining('gives no password') },
  ])
  expect(await complaints(vaultPasswordsFrom({ askVaultPass: true }))).toMatchObject([
    { file: '--ask-vault-pass', hint: expect.stringContaining('--vault-password-file') },
  ])
})

function file(name: string, text: string, mode = 0o600): string {
  const path = join(directory, name)
  writeFileSync(path, text)
  chmodSync(path, mode)
  return path
}

async function complaints(work: Promise<unknown>) {
  try {
    await work
  } catch (error) {
    if (error instanceof InputError) return error.complaints
    throw error
  }
  throw new Error('nothing was complained about')
}
