import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { typed } from '../support/typed.ts'

/** What is named in the place of a file, for every option that takes one: one clear message, and no host is asked anything. */

const dir = mkdtempSync(join(tmpdir(), 'ctfleet-wrong-files-'))
const at = (name: string) => join(dir, name)
let server: Server

const HOSTS = 'all: { hosts: { web-1: { ansible_host: web-1.invalid } } }\n'

beforeAll(async () => {
  vi.stubEnv('HOME', dir)
  vi.stubEnv('CTFLEET_STATE', at('state'))
  vi.stubEnv('SSH_AUTH_SOCK', '')
  mkdirSync(at('directory.yaml'))
  execFileSync('mkfifo', [at('fifo.yaml')])
  server = createServer()
  await new Promise<void>((resolve) => server.listen(at('socket.yaml'), resolve))
  symlinkSync('/dev/zero', at('zero.yaml'))
  // Reading it is an error, for root as for anybody.
  symlinkSync('/proc/self/mem', at('unreadable.yaml'))
  writeFileSync(at('huge.yaml'), '# 100 MB\n')
  truncateSync(at('huge.yaml'), 100_000_000)
  writeFileSync(at('nul.yaml'), `name: a\0\n${HOSTS}`)
  writeFileSync(at('bytes.yaml'), Buffer.from(Array.from({ length: 4096 }, (_, index) => (index * 7) % 256)))
  writeFileSync(at('utf16.yaml'), Buffer.from(`\ufeff${HOSTS}`, 'utf16le'))
  writeFileSync(at('empty.yaml'), '')
  symlinkSync('loop.yaml', at('loop.yaml'))
  symlinkSync('nowhere', at('dangling.yaml'))
  writeFileSync(at('hosts.yaml'), HOSTS)
  writeFileSync(at('file'), '')
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await new Promise((closed) => server.close(closed))
  rmSync(dir, { recursive: true })
})

const BAD = [
  'directory.yaml',
  'socket.yaml',
  'zero.yaml',
  'unreadable.yaml',
  'huge.yaml',
  'nul.yaml',
  'bytes.yaml',
  'utf16.yaml',
  'empty.yaml',
  'loop.yaml',
  'dangling.yaml',
  'nowhere.yaml',
  'file/below.yaml',
]

/** Every option and argument that names a file to be read; FILE stands for it, HOSTS for an inventory that is fine. */
const READING = [
  'plan FILE',
  'plan -i FILE',
  'init new.yaml --from FILE',
  'rollback --from-hosts FILE --yes',
  'plan HOSTS --limit @FILE',
  'audit HOSTS --policy FILE',
  'plan HOSTS --strategy FILE',
  'playbook check FILE',
  'playbook show FILE',
  'plan --facts FILE',
  'explain --facts FILE',
  'audit --facts FILE',
  'show FILE',
  'apply FILE --yes',
  'apply HOSTS --approve-file FILE',
  'plan HOSTS --ssh-config FILE',
  'plan HOSTS --pass-from FILE',
  'plan HOSTS --become-pass-from FILE',
  'plan HOSTS --vault-password-file FILE',
  'plan KNOWN',
  'plan KEY',
]

/** Those for which this is fine: of known_hosts what cannot be read is passed over, as ssh has it, and a password may be any bytes. */
const BYTES = ['nul.yaml', 'bytes.yaml', 'utf16.yaml']
const FINE: Readonly<Record<string, readonly string[]>> = {
  'plan HOSTS --ssh-config FILE': ['empty.yaml'],
  'plan HOSTS --vault-password-file FILE': BYTES,
  'plan KNOWN': ['empty.yaml', ...BYTES],
}

describe.each(READING)('ctfleet %s', (words) => {
  const fine = FINE[words] ?? []
  test.each(BAD.filter((name) => !fine.includes(name)))('%s', async (name) => {
    const file = at(name)
    const { code, text } = await answered(words, file)
    expect(code, text).toBe(2)
    plainly(text, file)
  })
})

/** One for each way in which we read. */
const PIPED = [
  'plan FILE',
  'show FILE',
  'plan --facts FILE',
  'plan HOSTS --pass-from FILE',
  'plan HOSTS --ssh-config FILE',
  'plan HOSTS --vault-password-file FILE',
]
test('a pipe that nobody writes to is waited for a while, and no longer', async () => {
  for (const words of PIPED) {
    const { code, text } = await answered(words, at('fifo.yaml'))
    expect(code, `${words}: ${text}`).toBe(2)
    plainly(text, at('fifo.yaml'))
  }
}, 120_000)

/** Every option that names a file to be written. */
const WRITING = ['init FILE web-1', 'init --policy FILE', 'plan HOSTS --events FILE', 'plan HOSTS -o FILE']
// A link that leads nowhere is left alone, but for -o, which puts a whole file in its place.
const UNWRITABLE = ['directory.yaml', 'nowhere/new.yaml', 'file/below.yaml', 'loop.yaml']

describe.each(WRITING)('ctfleet %s', (words) => {
  test.each(UNWRITABLE.filter((name) => !(words.includes(' -o ') && name === 'loop.yaml')))('%s', async (name) => {
    const { code, text } = await answered(words, at(name))
    expect(code, text).toBe(2)
    plainly(text, at(name))
  })
})

test('a byte order mark and carriage returns are no mistake in any text that is read', async () => {
  const marked = (text: string) => `\ufeff${text.replaceAll('\n', '\r\n')}`
  writeFileSync(at('marked.yaml'), marked(HOSTS))
  expect((await answered('inventory FILE', at('marked.yaml'))).code).toBe(0)
  writeFileSync(at('marked.yaml'), marked('name: a\ntitle: A\nsteps:\n  - sysctl: { key: net.core.x, value: 1 }\n'))
  expect((await answered('playbook check FILE', at('marked.yaml'))).code).toBe(0)
  writeFileSync(at('marked.yaml'), marked('web-1\n'))
  expect((await answered('inventory HOSTS --limit @FILE', at('marked.yaml'))).code).toBe(0)
})

/** One message: what it is about, what is wrong, and nothing that only a programmer would read. */
function plainly(text: string, file: string): void {
  expect(text).toMatch(/\S/)
  expect(text.includes(file) || /^--/m.test(text) || text.includes('web-1'), text).toBe(true)
  expect(text).not.toMatch(/^\s+at \S|node:|\.ts:\d|\bE(?:ISDIR|NOENT|NXIO|LOOP|IO|NOTDIR|ACCES)\b/m)
  expect(text.split('\n').length, text).toBeLessThan(12)
}

async function answered(line: string, file: string): Promise<{ readonly code: number; readonly text: string }> {
  const about = (variable: string) => {
    const inventory = at(`about-${variable}.yaml`)
    writeFileSync(inventory, JSON.stringify({ all: { hosts: { 'web-1': { [variable]: file } } } }))
    return inventory
  }
  const meant = (word: string) => {
    if (word === 'KNOWN') return about('ctfleet_known_hosts_file')
    if (word === 'KEY') return about('ansible_ssh_private_key_file')
    return word === 'new.yaml' ? at(word) : word.replace('FILE', file).replace('HOSTS', at('hosts.yaml'))
  }
  try {
    const { code, stdout, stderr } = await typed(line.split(' ').map(meant))
    return { code, text: stdout + stderr }
  } finally {
    rmSync(at('new.yaml'), { force: true })
  }
}
