import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { checkKnownHosts, findKnownKeys, judgeHostKey, keyType, knownName } from '../../src/transport/known-hosts.ts'
import { corpus, filesBelow, NO_CORPUS } from '../firewall/corpus.ts'
import { makeKey } from './sshd.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-known-'))
afterAll(() => rmSync(directory, { recursive: true, force: true }))

/** Public keys as `type base64`. */
const keys: Record<'one' | 'two' | 'ecdsa' | 'rsa', string> = { one: '', two: '', ecdsa: '', rsa: '' }
beforeAll(() => {
  for (const [name, type] of [
    ['one', 'ed25519'],
    ['two', 'ed25519'],
    ['ecdsa', 'ecdsa'],
    ['rsa', 'rsa'],
  ] as const) {
    makeKey(join(directory, name), type)
    keys[name] = readFileSync(join(directory, `${name}.pub`), 'utf8')
      .split(' ')
      .slice(0, 2)
      .join(' ')
  }
})

test('names, ports, patterns, exceptions and hashes mean what they mean to ssh-keygen', async () => {
  const lines = [
    `plain,10.0.0.1,[odd]:2222 ${keys.one} a comment`,
    `*.example.com,!bad.example.com ${keys.two}`,
    `[*.example.org]:2200 ${keys.one}`,
    `web-? ${keys.ecdsa}`,
    `fe80::1 ${keys.rsa}\r`,
    `\t Upper.Example.NET ${keys.rsa}`,
    `plain ${keys.rsa}`,
  ]
  const path = file('meaning', lines)
  const hashed = file('hashed', [`secret,10.9.9.9,[secret]:2222 ${keys.one}`, `secret ${keys.ecdsa}`])
  expect(spawnSync('ssh-keygen', ['-H', '-f', hashed]).status).toBe(0)
  expect(readFileSync(hashed, 'utf8')).not.toContain('secret')

  const asked = [
    ...['plain', 'PLAIN', '10.0.0.1', 'odd', 'a.example.com', 'bad.example.com', 'example.com', 'a.b.example.com'],
    ...['web-1', 'web-', 'web-12', 'fe80::1', 'upper.example.net', 'secret', 'SECRET', '10.9.9.9', 'nobody'],
  ]
  const places = asked.flatMap((address) => [22, 2222, 2200].map((port) => ({ address, port })))
  const theirs = new Map([path, hashed].map((each) => [each, askSshKeygen(each, places)]))
  for (const files of [[path], [hashed], [path, hashed]]) {
    for (const [at, place] of places.entries()) {
      const { own } = await findKnownKeys(files, place)
      const ours = own.map(({ type, key }) => `${type} ${key}`)
      expect([place, ours]).toEqual([place, files.flatMap((each) => theirs.get(each)?.[at] ?? [])])
    }
  }
  expect((await findKnownKeys([path], { address: 'a.example.org', port: 2200 })).own).toHaveLength(1)
}, 60_000)

test('a key is known, changed, revoked or unknown, and the entry that says so is named', async () => {
  const path = file('verdicts', [
    '# comment',
    `host ${keys.one}`,
    `@revoked * ${keys.rsa}`,
    `host ${keys.rsa}`,
    `@cert-authority *.ca ${keys.two}`,
  ])
  const judge = async (address: string, key: string, port = 22) =>
    judgeHostKey(await findKnownKeys([path], { address, port }), blob(key))

  expect(await judge('host', keys.one)).toEqual({ verdict: 'known' })
  expect(await judge('host', keys.two)).toMatchObject({ verdict: 'changed', entry: { origin: `${path}:2` } })
  expect(await judge('host', keys.rsa)).toMatchObject({ verdict: 'revoked', entry: { origin: `${path}:3` } })
  expect(await judge('host', keys.ecdsa)).toMatchObject({ verdict: 'unknown', entries: [{ type: 'ssh-ed25519' }, {}] })
  expect(await judge('other', keys.one)).toEqual({ verdict: 'unknown', entries: [] })
  // A certificate authority's key is no host's key.
  expect(await judge('x.ca', keys.two)).toMatchObject({ verdict: 'unknown', entries: [{ mark: 'cert-authority' }] })
  // As OpenSSH: good for another port of the address, but no alarm there.
  expect(await judge('host', keys.one, 2222)).toEqual({ verdict: 'known' })
  expect(await judge('host', keys.two, 2222)).toEqual({ verdict: 'unknown', entries: [] })
  expect(await judge('host', keys.rsa, 2222)).toMatchObject({ verdict: 'revoked' })
})

test('lines that make no sense are passed over and make nothing known', async () => {
  const path = file('broken', [
    'host',
    'host ssh-ed25519',
    'host ssh-ed25519 !!!!',
    'host 1024 35 1234567890',
    `@unheard host ${keys.one}`,
    `@revoked`,
    '|1|bad ssh-ed25519 AAAA',
    `|1|!|! ${keys.one}`,
    '\0\xff\x1b[2J',
    'x'.repeat(100_000),
    `*********************a ${keys.one}`,
    `host ${keys.two}`,
  ])
  const { own } = await findKnownKeys([path], { address: 'host', port: 22 })
  expect(own).toEqual([expect.objectContaining({ origin: `${path}:12` })])
  expect((await findKnownKeys([path], { address: 'a'.repeat(200), port: 22 })).own).toHaveLength(1)
  for (const garbage of [Buffer.alloc(0), Buffer.from('ab'), Buffer.alloc(8, 0xff)]) {
    expect(judgeHostKey({ own, ofAddress: [] }, garbage)).toMatchObject({ verdict: 'unknown' })
  }
})

test('a key that is known for the address alone does not stand in for another one that is known for the port', async () => {
  const path = file('ports', [`[host]:2222 ${keys.one}`, `host ${keys.two}`, `[host]:2223 ${keys.rsa}`])
  const judge = async (port: number, key: string) =>
    judgeHostKey(await findKnownKeys([path], { address: 'host', port }), Buffer.from(key.split(' ')[1] ?? '', 'base64'))
  expect(await judge(2222, keys.one)).toEqual({ verdict: 'known' })
  expect(await judge(2222, keys.two)).toMatchObject({ verdict: 'changed', entry: { origin: `${path}:1` } })
  // Of another kind, or with nothing known of the port, the address counts, as with ssh.
  expect(await judge(2223, keys.two)).toEqual({ verdict: 'known' })
  expect(await judge(2224, keys.two)).toEqual({ verdict: 'known' })
  expect(await judge(2224, keys.one)).toMatchObject({ verdict: 'unknown' })
})

test('a file is read again when it has changed', async () => {
  const path = file('fresh', [])
  expect((await findKnownKeys([path], { address: 'host', port: 22 })).own).toEqual([])
  file('fresh', [`host ${keys.one}`])
  expect((await findKnownKeys([path], { address: 'host', port: 22 })).own).toHaveLength(1)
})

test('a host is looked for by its alias, whatever its port', async () => {
  const path = file('alias', [`web ${keys.one}`, `[10.0.0.1]:2222 ${keys.two}`, `10.0.0.1 ${keys.rsa}`])
  const place = { address: '10.0.0.1', port: 2222, hostKeyAlias: 'WEB' }
  const { own, ofAddress } = await findKnownKeys([path], place)
  expect({ own: own.map(({ origin }) => origin), ofAddress }).toEqual({ own: [`${path}:1`], ofAddress: [] })
  expect(knownName(place)).toBe('web')
  expect(knownName({ address: 'FE80::1%Eth0', port: 2222 })).toBe('[fe80::1%eth0]:2222')
})

test('a line whose key is of another type than it says makes nothing known', async () => {
  const path = file('type', [
    `host ssh-rsa ${keys.one.split(' ')[1]}`,
    `|1|!!|${keys.one.split(' ')[1]},host ${keys.two}`,
  ])
  expect((await findKnownKeys([path], { address: 'host', port: 22 })).own).toEqual([])
})

const vectors =
  corpus === null
    ? []
    : filesBelow(corpus, '02-vectors/openssh-knownhosts').filter((path) => path.endsWith('known_hosts'))

test.skipIf(vectors.length === 0)(
  `OpenSSH's own known_hosts means to us what it means to ssh-keygen (${NO_CORPUS})`,
  async () => {
    const names = ['sisyphus', 'prometheus', 'hephaestus', 'hades', 'anything', 'SISYPHUS'].map(
      (name) => `${name}.example.com`,
    )
    const asked = [
      ...names,
      '192.0.2.1',
      '192.0.2.9',
      '2001:db8::1',
      '2001:DB8::1',
      '2001:db8::2',
      'example.com',
      'nobody',
    ]
    let found = 0
    for (const vector of vectors) {
      const path = join(corpus ?? '', vector)
      const places = asked.map((address) => ({ address, port: 22 }))
      for (const [at, printed] of askSshKeygen(path, places).entries()) {
        const address = asked[at] ?? ''
        const { own } = await findKnownKeys([path], { address, port: 22 })
        // ssh-keygen prints lines whose key is broken too, which ssh then does not take for one.
        const theirs = printed.filter((line) => keyType(blob(line)) === line.split(' ')[0])
        expect([address, own.map(({ type, key }) => `${type} ${key}`).toSorted()]).toEqual([address, theirs.toSorted()])
        found += own.length
      }
    }
    expect(found).toBeGreaterThan(20)
  },
)

test('a file that cannot be read is a complaint, and so is one that is missing where there is no other', async () => {
  const missing = join(directory, 'nothing')
  const there = file('there', [])
  const check = async (...files: readonly (readonly string[])[]) =>
    await checkKnownHosts(files.map((knownHostsFiles) => ({ knownHostsFiles })))
  const complaint = { path: missing, message: expect.stringContaining('no such file'), hint: expect.any(String) }
  expect(await check([missing], [there], [missing])).toEqual([complaint])
  expect(
    await check([missing, there], [missing, '/etc/ssh/ssh_known_hosts'], ['~/.ssh/known_hosts'], ['/dev/null']),
  ).toEqual([])
  expect(await check([there, directory])).toEqual([
    { path: directory, message: expect.stringContaining('directory'), hint: expect.any(String) },
  ])
  expect((await findKnownKeys([missing], { address: 'host', port: 22 })).own).toEqual([])
})

test('a fleet of 20 000 hosts is looked up quickly', async () => {
  const path = file(
    'many',
    Array.from({ length: 20_000 }, (_, at) => `host-${at},10.${at >> 16}.${(at >> 8) & 255}.${at & 255} ${keys.one}`),
  )
  await findKnownKeys([path], { address: 'host-1', port: 22 })
  const before = process.cpuUsage()
  for (let at = 0; at < 1000; at++) await findKnownKeys([path], { address: `host-${at}`, port: 2222 })
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(2000)
})

function file(name: string, lines: readonly string[]): string {
  const path = join(directory, name)
  writeFileSync(path, lines.map((line) => `${line}\n`).join(''))
  return path
}

function blob(key: string): Buffer {
  return Buffer.from(key.split(' ')[1] ?? '', 'base64')
}

type Place = { readonly address: string; readonly port: number }

/** The keys that ssh-keygen knows of each place; one shell asks them all, which takes a tenth of the time. */
function askSshKeygen(path: string, places: readonly Place[]): readonly (readonly string[])[] {
  const names = places.map(({ address, port }) => (port === 22 ? address : `[${address}]:${port}`).toLowerCase())
  const script = 'file=$1; shift; for name; do ssh-keygen -F "$name" -f "$file"; printf "\\0"; done'
  const { stdout } = spawnSync('sh', ['-c', script, 'sh', path, ...names], { encoding: 'utf8' })
  const answers = stdout.split('\0').slice(0, -1)
  expect(answers).toHaveLength(places.length)
  return answers.map((printed) => printed.split('\n').flatMap(keyIn))
}

function keyIn(line: string): readonly string[] {
  if (line === '' || line.startsWith('#')) return []
  const words = line
    .trim()
    .replace(/^@\S+ /, '')
    .split(/\s+/)
  return [words.slice(1, 3).join(' ')]
}
