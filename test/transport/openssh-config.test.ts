import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { SshWay } from '../../src/model/host.ts'
import { type ConfigMeans, hostArgument, opensshConfig, reachesByItself } from '../../src/transport/openssh-config.ts'
import { PATIENCE } from '../../src/transport/tcp.ts'

const WAY: SshWay = { address: 'db-1', port: 2222, user: 'ops', identityFiles: [], knownHostsFiles: ['/etc/known'] }

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-config-'))
})
afterAll(() => rmSync(directory, { recursive: true, force: true }))
beforeEach((ctx) => {
  if (!existsSync('/usr/bin/ssh')) ctx.skip('needs /usr/bin/ssh')
})

test('ssh reads of it what the way says, files with spaces and percent signs among it', () => {
  const key = '/keys/100% of "them"'.replaceAll('"', "'")
  const settings = asSshReads({
    ...WAY,
    identityFiles: [key, '/keys/two'],
    certificateFiles: ['/keys/two certificate.pub'],
    identitiesOnly: true,
    identityAgent: 'none',
    knownHostsFiles: ['/etc/known hosts', '/etc/more'],
    hostKeyAlias: 'db',
    preferredAuthentications: ['publickey', 'password'],
    opensshOptions: ['Ciphers=aes256-ctr'],
  })
  expect(settings).toMatchObject({
    user: ['ops'],
    port: ['2222'],
    identityfile: [key.replace('%', '%%'), '/keys/two'],
    certificatefile: ['/keys/two certificate.pub'],
    identitiesonly: ['yes'],
    identityagent: ['none'],
    userknownhostsfile: ['/etc/known hosts /etc/more'],
    globalknownhostsfile: ['none'],
    hostkeyalias: ['db'],
    preferredauthentications: ['publickey,password'],
    ciphers: ['aes256-ctr'],
    proxycommand: ['-'],
    stricthostkeychecking: ['true'],
    batchmode: ['yes'],
    forwardagent: ['no'],
  })
})

test('nothing that is said behind it, or in a file of the user’s, changes how the connection is held', () => {
  const theirs = [
    ...[
      'ControlMaster no',
      'ControlPath /tmp/theirs',
      'ControlPersist yes',
      'BatchMode no',
      'StrictHostKeyChecking no',
    ],
    ...[
      'PermitLocalCommand yes',
      'LocalCommand touch /tmp/x',
      'RemoteCommand id',
      'RequestTTY force',
      'ForwardX11 yes',
    ],
    ...['LocalForward 8080 localhost:80', 'Tunnel yes', 'UpdateHostKeys yes', 'LogLevel DEBUG', 'AddKeysToAgent yes'],
    ...['ForkAfterAuthentication yes', 'ServerAliveInterval 0', 'ClearAllForwardings no', 'Ciphers aes256-ctr'],
  ]
  const file = join(directory, 'theirs')
  writeFileSync(file, `Host *\n  ${theirs.join('\n  ')}\n  ProxyCommand connect %h\n  Port 77\n`)
  const held = {
    controlmaster: ['true'],
    controlpath: [join(directory, 's')],
    controlpersist: ['no'],
    batchmode: ['yes'],
    stricthostkeychecking: ['true'],
    permitlocalcommand: ['no'],
    requesttty: ['false'],
    forwardx11: ['no'],
    tunnel: ['false'],
    updatehostkeys: ['false'],
    loglevel: ['ERROR'],
    addkeystoagent: ['false'],
    forkafterauthentication: ['no'],
    serveraliveinterval: ['8'],
    clearallforwardings: ['yes'],
    ciphers: ['aes256-ctr'],
  }
  expect(asSshReads({ ...WAY, opensshOptions: theirs })).toMatchObject(held)
  const read = asSshReads({ ...WAY, readBySsh: { name: 'db-1', configFile: file } }, { overStdio: false })
  expect(read).toMatchObject({ ...held, port: ['77'], proxycommand: ['connect %h'] })
})

test('what ssh could take for something else, or would run as more than one line, is not handed to it', () => {
  for (const address of ['-oProxyCommand=id', 'a b', 'root@db', 'ssh://db', '$(id)', 'a;`id`', ''])
    expect(hostArgument({ ...WAY, address }), address).toBeNull()
  for (const address of ['db-1.example.com', '192.0.2.1', '2001:db8::1', 'fe80::1%eth0'])
    expect(hostArgument({ ...WAY, address })).toBe(address)
  const written = (way: Partial<SshWay>) => () => opensshConfig({ ...WAY, ...way }, means())
  expect(written({ user: 'a\nProxyCommand id' })).toThrow(TypeError)
  expect(written({ identityFiles: ['/a"b'] })).toThrow(TypeError)
  expect(written({ opensshOptions: ['Ciphers=x\nProxyCommand id'] })).toThrow(TypeError)
})

test('ssh finds the way by itself only where it has to', () => {
  const finds = (...opensshOptions: string[]) => reachesByItself({ ...WAY, opensshOptions })
  expect([finds(), finds('Ciphers=aes256-ctr'), finds('ProxyCommand=x'), finds('bindaddress 192.0.2.1')]).toEqual([
    false,
    false,
    true,
    true,
  ])
  expect(reachesByItself({ ...WAY, readBySsh: { name: 'x' } })).toBe(true)
})

function means(more: Partial<ConfigMeans> = {}): ConfigMeans {
  const base = { directory, patience: PATIENCE, canAnswer: false, overStdio: true, tellsKey: true, hasTaken: false }
  return { ...base, ...more }
}

/** Every setting with its values, by its name in small letters. */
function asSshReads(way: SshWay, more: Partial<ConfigMeans> = {}): { readonly [name: string]: readonly string[] } {
  const config = join(directory, 'config')
  writeFileSync(config, opensshConfig(way, means(more)))
  const all: Record<string, string[]> = {}
  for (const line of execFileSync('ssh', ['-G', '-F', config, '--', 'db-1'], { encoding: 'utf8' }).split('\n')) {
    const [, name = '', value = ''] = /^(\S+) (.*)$/.exec(line) ?? []
    all[name] = [...(all[name] ?? []), value]
  }
  return all
}
