import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import type { InventoryHost } from '../../src/model/host.ts'
import { resolveWays } from '../../src/transport/access.ts'

let home: string
const all: string[] = []
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ctfleet-access-'))
  all.push(home)
  mkdirSync(join(home, '.ssh'), { mode: 0o700 })
  vi.stubEnv('HOME', home)
})
afterEach(() => vi.unstubAllEnvs())
afterAll(() => {
  for (const each of all) rmSync(each, { recursive: true, force: true })
})

test('the inventory goes before the file, and what neither says is as ssh has it', async () => {
  config(
    'Host web-*\n  HostName %h.example.com\n  User ops\n  Port 2222\nHost *\n  User nobody\n  IdentitiesOnly yes\n',
  )
  const [way] = await ways(host('web-1', { Port: '2200' }))
  expect(way).toMatchObject({
    name: 'web-1',
    address: 'web-1.example.com',
    port: 2200,
    user: 'ops',
    identitiesOnly: true,
    identityFiles: [],
    knownHostsFiles: [
      `${home}/.ssh/known_hosts`,
      `${home}/.ssh/known_hosts2`,
      '/etc/ssh/ssh_known_hosts',
      '/etc/ssh/ssh_known_hosts2',
    ],
    transport: 'ssh',
  })
  expect(way).not.toHaveProperty('jumps')
  expect(way).not.toHaveProperty('sshOptions')
})

test('jumps are taken as ssh takes them: a list is a chain, and a single one is reached as its own file says', async () => {
  config(`
Host b1
  HostName 10.1.0.1
  User gate
  IdentityFile ${key('b1')}
Host b2
  HostName 10.2.0.1
  ProxyJump b1
Host deep
  ProxyJump b2
Host listed
  ProxyJump u@b1:2201,[FE80:0::7]:22,b2
Host command
  ProxyCommand ssh -q -i ${key('c')} -p 2203 -W %h:%p u2@b1
Host deep listed command
  User target
`)
  const at = (jumps: readonly unknown[] | undefined) => jumps
  const [deep, listed, command] = await ways(
    host('deep', { IdentityFile: key('own') }),
    host('listed'),
    host('command'),
  )
  expect(at(deep?.jumps)).toMatchObject([
    { address: '10.1.0.1', user: 'gate', port: 22, identityFiles: [key('b1')] },
    // What is said of the host is not said of those before it.
    { address: '10.2.0.1', port: 22, identityFiles: [] },
  ])
  expect(listed?.jumps?.map(({ user, address, port }) => [user, address, port])).toEqual([
    ['u', '10.1.0.1', 2201],
    [expect.any(String), 'fe80::7', 22],
    [expect.any(String), '10.2.0.1', 22],
  ])
  expect(command?.jumps).toMatchObject([
    { address: '10.1.0.1', user: 'u2', port: 2203, identityFiles: [key('c'), key('b1')] },
  ])
  expect(command).toMatchObject({ transport: 'ssh', user: 'target' })
})

test('who is jumped through is a gateway, by whatever name it is in the inventory', async () => {
  config('Host inner\n  ProxyJump bastion\nHost bastion\n  HostName 10.1.0.1\n')
  const gateways = async (...hosts: readonly InventoryHost[]) =>
    (await ways(...hosts)).filter(({ gateway }) => gateway === true).map(({ name }) => name)
  expect(await gateways(host('inner'), host('bastion'), host('other'))).toEqual(['bastion'])
  expect(await gateways(host('inner'), { ...host('edge-1'), address: '10.1.0.1' })).toEqual(['edge-1'])
  expect(await gateways(host('inner'), { ...host('bastion'), address: '192.0.2.1' })).toEqual(['bastion'])
  expect(await gateways(host('inner'), { ...host('edge-1', { Port: '2222' }), address: '10.1.0.1' })).toEqual([])
})

test('what goes round in a ring is a mistake of whoever wrote it', async () => {
  config('Host *\n  ProxyJump bastion\n')
  expect(await complaints(host('web'))).toEqual([
    'inventory.yaml:3:5: the way to web jumps through bastion to reach bastion',
  ])
  config(
    'Host web\n  ProxyJump h0\n' +
      Array.from({ length: 12 }, (_, at) => `Host h${at}\n  ProxyJump h${at + 1}\n`).join(''),
  )
  expect(await complaints(host('web'))).toEqual(['inventory.yaml:3:5: the way to web has more than 8 jumps'])
})

test.each([
  ['Match exec "true"\n  User x', 'Match exec at ~/.ssh/config:1', true],
  ['Match host other exec "true"\n  User x', undefined, false],
  ['CanonicalizeHostname yes', 'CanonicalizeHostname at ~/.ssh/config:1', true],
  ['ProxyCommand nc %h %p', 'ProxyCommand at ~/.ssh/config:1', false],
  ['ProxyCommand ssh bastion nc %h %p', 'ProxyCommand at ~/.ssh/config:1', false],
  ['Ciphers aes256-ctr', 'Ciphers at ~/.ssh/config:1', false],
  ['BindAddress 10.0.0.1', 'BindAddress at ~/.ssh/config:1', false],
  ['RevokedHostKeys /etc/ssh/revoked', 'RevokedHostKeys at ~/.ssh/config:1', false],
  [
    'Host web\n  ProxyJump b\nHost b\n  ProxyCommand nc %h %p',
    'ProxyCommand at ~/.ssh/config:4, for b in between',
    false,
  ],
  [
    'Host web\n  ProxyJump b\nMatch host b exec "true"\n  User x',
    'Match exec at ~/.ssh/config:3, for b in between',
    true,
  ],
  ['ConnectTimeout 3\nServerAliveInterval 5\nCheckHostIP yes\nControlMaster auto', undefined, false],
])('what only the system’s ssh can do is left to it: %s', async (text, whyOpenssh, readsItself) => {
  config(text)
  const [way] = await ways(host('web', { Port: '2200' }))
  expect(way?.whyOpenssh).toBe(whyOpenssh)
  expect(way?.transport).toBe(whyOpenssh === undefined ? 'ssh' : 'openssh')
  expect(way?.readBySsh).toEqual(readsItself ? { name: 'web' } : undefined)
  if (readsItself) expect(way?.opensshOptions).toEqual(['Port=2200'])
  if (text.startsWith('ProxyCommand nc')) expect(way?.opensshOptions).toEqual(['ProxyCommand=nc web 2200'])
})

test('keys of the file that are not there are passed over, those of the inventory are not', async () => {
  config(`IdentityFile ~/.ssh/missing\nIdentityFile ${key('there')}\n`)
  const [some] = await ways(host('web', { IdentityFile: '/no/such key' }))
  expect(some?.identityFiles).toEqual(['/no/such key', key('there')])
  key('half.pub')
  config('IdentityFile ~/.ssh/half\n')
  expect((await ways(host('web')))[0]?.identityFiles).toEqual([`${home}/.ssh/half.pub`])
  config('IdentityFile ~/.ssh/missing\n')
  expect((await ways(host('web')))[0]?.identityFiles).toEqual(['none'])
  config('IdentityFile none\nUserKnownHostsFile none\nGlobalKnownHostsFile none\n')
  expect((await ways(host('web')))[0]).toMatchObject({ identityFiles: ['none'], knownHostsFiles: ['/dev/null'] })
})

test('a file of known hosts that the inventory names holds those in between too', async () => {
  config('Host web\n  ProxyJump b\n')
  const [way] = await ways(host('web', { UserKnownHostsFile: '"/k nown"', GlobalKnownHostsFile: 'none' }))
  expect(way?.knownHostsFiles).toEqual(['/k nown'])
  expect(way?.jumps?.[0]?.knownHostsFiles.slice(-1)).toEqual(['/k nown'])
  expect(way?.jumps?.[0]?.knownHostsFiles[0]).toBe(`${home}/.ssh/known_hosts`)
})

test('methods, agent, family and new keys', async () => {
  config(
    'PasswordAuthentication no\nIdentityAgent ~/agent-%n\nAddressFamily inet6\nStrictHostKeyChecking accept-new\nHashKnownHosts yes\nHostKeyAlias WEB\nForwardAgent yes\n',
  )
  expect((await ways(host('web')))[0]).toMatchObject({
    preferredAuthentications: ['publickey', 'keyboard-interactive'],
    identityAgent: `${home}/agent-web`,
    addressFamily: 'inet6',
    acceptNewKeys: true,
    hashKnownHosts: true,
    hostKeyAlias: 'web',
    forwardAgent: true,
  })
  config('IdentityAgent $MY_AGENT\nPreferredAuthentications password,publickey\nPubkeyAuthentication no\n')
  vi.stubEnv('MY_AGENT', '/run/agent')
  expect((await ways(host('web')))[0]).toMatchObject({
    identityAgent: '/run/agent',
    preferredAuthentications: ['password'],
  })
})

test('host keys are checked whatever StrictHostKeyChecking says, and that is said', async () => {
  config('StrictHostKeyChecking no\n')
  const { hosts, notes } = await resolveWays([host('web-1'), host('web-2')])
  expect(hosts[0]).not.toHaveProperty('acceptNewKeys')
  expect(notes).toMatchObject([
    {
      host: 'web-1',
      note: expect.stringMatching(/^StrictHostKeyChecking no at ~\/\.ssh\/config:1 is not followed: .*--accept-new/),
    },
    { host: 'web-2' },
  ])
})

test('mistakes are told with their place, once for all hosts, and a file that others may write to is refused', async () => {
  config('Host *\n  Prot 22\n  Port ssh-x\nInclude more\n')
  writeFileSync(join(home, '.ssh/more'), 'Host *\n\tUser a b\n', { mode: 0o600 })
  expect(await complaints(host('web-1'), host('web-2'))).toEqual([
    '~/.ssh/config:2: "prot" is no keyword of ssh_config',
    '~/.ssh/config:3: expected a port from 1 to 65535, found "ssh-x"',
    '~/.ssh/more:2: "b" is one word too many',
  ])
  chmodSync(join(home, '.ssh/more'), 0o666)
  expect((await complaints(host('web'))).at(-1)).toMatch(/^~\/\.ssh\/more: .*can be written by/)
  // biome-ignore lint/suspicious/noTemplateCurlyInString: ssh's own
  config('IdentityFile ${NOT_THERE}/key\n')
  expect(await complaints(host('web'))).toEqual([
    // biome-ignore lint/suspicious/noTemplateCurlyInString: ssh's own
    '~/.ssh/config:1: the environment has no NOT_THERE, which "${NOT_THERE}/key" asks for',
  ])
})

test('another file is read in place of both, by host or for all, and has to be there', async () => {
  config('User fromhome\n')
  const other = join(home, 'other')
  writeFileSync(other, 'User fromother\n')
  const of = async (one: InventoryHost, sshConfig?: string) => (await resolveWays([one], { sshConfig })).hosts[0]?.user
  expect(await of(host('web'))).toBe('fromhome')
  expect(await of(host('web'), other)).toBe('fromother')
  expect(await of({ ...host('web'), sshConfigFile: other }, 'none')).toBe('fromother')
  expect(await of(host('web'), 'none')).not.toBe('fromhome')
  const { complaints: missing } = await resolveWays([host('web')], { sshConfig: '/no/such' })
  expect(missing).toMatchObject([{ file: '/no/such', message: 'is not there' }])
})

test('ten thousand hosts and a file of a thousand blocks take seconds, not minutes', async () => {
  config(
    Array.from({ length: 1000 }, (_, at) => `Host h${at} *.zone${at}.example.com\n  User u${at}\n  ProxyJump gate\n`)
      .concat('Host gate\n  User g\n')
      .join(''),
  )
  const hosts = Array.from({ length: 10_000 }, (_, at) => host(`h${at % 1000}`))
  const before = process.cpuUsage()
  expect((await resolveWays(hosts)).hosts).toHaveLength(10_000)
  const { user, system } = process.cpuUsage(before)
  expect((user + system) / 1000).toBeLessThan(4000)
}, 30_000)

function config(text: string): void {
  writeFileSync(join(home, '.ssh/config'), text, { mode: 0o600 })
}

function key(name: string): string {
  const path = join(home, '.ssh', name)
  writeFileSync(path, '')
  return path
}

function host(name: string, options: { readonly [keyword: string]: string } = {}): InventoryHost {
  return {
    name,
    address: name,
    groups: ['ungrouped'],
    become: 'none',
    transport: 'ssh',
    vars: {},
    origin: 'inventory.yaml:3:5',
    sshOptions: Object.entries(options).map(([keyword, value]) => ({ keyword, value })),
  }
}

async function ways(...hosts: readonly InventoryHost[]) {
  const resolved = await resolveWays(hosts)
  expect(resolved.complaints).toEqual([])
  return resolved.hosts
}

async function complaints(...hosts: readonly InventoryHost[]): Promise<readonly string[]> {
  const found = (await resolveWays(hosts)).complaints
  return found.map(({ file, line, column, message }) => {
    const at = file.endsWith('.yaml') ? `${file}:${line}:${column}` : line === null ? file : `${file}:${line}`
    return `${at}: ${message}`
  })
}
