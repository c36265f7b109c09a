import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import { sh } from '../../src/shell/script.ts'
import { keyring } from '../../src/transport/keyring.ts'
import { must } from '../lab/command.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { inventoryHost, opened, socketsOn, untilListening } from '../support/lab-host.ts'

/** Hosts that only the system's ssh gets into, and one for which it was asked for. */

const able = canRunLab()

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'open-1', 'open-2', 'open-3', 'askpass-1'] })
  for (const ca of ['users', 'hosts']) await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file(ca)])
  await Promise.all([
    byCertificates(lab.host('open-1')),
    configured(lab.host('open-2'), ['KexAlgorithms sntrup761x25519-sha512@openssh.com']),
    configured(lab.host('askpass-1'), ['PasswordAuthentication yes']),
  ])
  env = { CTFLEET_STATE: join(dir, 'state'), SSH_AUTH_SOCK: '', HOME: dir, TMPDIR: await mkdtemp(join(dir, 'tmp-')) }
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('certificates, a server for later key exchanges, and a ProxyCommand: ssh is taken by itself, and it is said why', async () => {
  const [certified, quantum, behind] = ['open-1', 'open-2', 'open-3'].map((name) => lab.host(name).address)
  const proxy = file('proxy.mjs')
  await writeFile(proxy, PROXY)
  const key = `ansible_ssh_private_key_file: ${lab.dir}/id_ed25519, ctfleet_known_hosts_file: ${lab.dir}/known_hosts`
  const inventory = await inventoryOf(`
    certified: { ansible_host: ${certified}, ansible_ssh_private_key_file: ${file('id')}, ctfleet_known_hosts_file: ${file('known_hosts')} }
    quantum: { ansible_host: ${quantum}, ${key} }
    behind:
      ansible_host: ${behind}
      ansible_ssh_private_key_file: ${lab.dir}/id_ed25519
      ctfleet_known_hosts_file: ${lab.dir}/known_hosts
      ansible_ssh_common_args: -o ProxyCommand="${process.execPath} ${proxy} %h %p ${file('asked')}"
`)
  const facts = await ctfleet(['facts', inventory, '--format', 'json'], env)
  expect(facts.code, facts.stderr).toBe(0)
  const hosts: readonly { readonly host: string; readonly status: string }[] = JSON.parse(facts.stdout).hosts
  expect(hosts.map(({ host }) => host)).toEqual(['certified', 'quantum', 'behind'])
  expect(facts.stderr).toMatch(/^ *certified: reached by the system's ssh: the certificate \S+id-cert\.pub /m)
  expect(facts.stderr).toMatch(
    /^ *quantum: reached by the system's ssh: the server and ssh2 have no key exchange algorithm/m,
  )
  expect(facts.stderr).toMatch(/^ *behind: reached by the system's ssh: ProxyCommand at /m)
  expect(await readFile(file('asked'), 'utf8')).toBe(`${behind} 22\n`)
  await nothingIsLeft()
})

test('asked for by name it plans, applies, checks over a login of its own and takes back', async () => {
  const web = lab.host('web-1')
  const inventory = await inventoryOf(`
    web: { ansible_host: ${web.address}, ansible_ssh_private_key_file: ${lab.dir}/id_ed25519, ctfleet_known_hosts_file: ${lab.dir}/known_hosts, ctfleet_transport: openssh }
`)
  const before = await web.dump()
  const words = ['--strategy', 'notrack', '--ports', '80', '--format', 'json']
  const applied = await ctfleet(['apply', inventory, ...words, '--yes'], env)
  expect(applied.code, applied.stderr).toBe(0)
  expect(JSON.parse(applied.stdout).hosts).toMatchObject([{ host: 'web', status: 'applied' }])
  expect(applied.stderr).not.toContain("the system's ssh")
  expect(await web.dump()).not.toBe(before)
  const back = await ctfleet(['rollback', 'last', '--yes', '--format', 'json'], env)
  expect(JSON.parse(back.stdout).hosts, back.stderr).toMatchObject([{ host: 'web', status: 'rolled-back' }])
  expect(await web.dump()).toBe(before)
  await nothingIsLeft()
})

test('a host certificate by an authority that nobody trusts is refused', async () => {
  const other = file('other_known_hosts')
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file('stranger')])
  await writeFile(other, `@cert-authority * ${await readFile(file('stranger.pub'), 'utf8')}`)
  const inventory = await inventoryOf(`
    certified: { ansible_host: ${lab.host('open-1').address}, ansible_ssh_private_key_file: ${file('id')}, ctfleet_known_hosts_file: ${other} }
`)
  const facts = await ctfleet(['facts', inventory], env)
  expect(facts.code).toBe(1)
  expect(facts.stdout).toMatch(/its host key ssh-ed25519 SHA256:\S+ is not known/)
  await nothingIsLeft()
})

test('a password is told where it is asked for, once, and a wrong one is not tried again', async () => {
  const host: Host = {
    ...inventoryHost(lab.dir, lab.host('askpass-1')),
    identityFiles: ['none'],
    become: 'none',
    transport: 'openssh',
  }
  try {
    keyring.holdForAll({ login: 'lab' })
    await using session = await opened(host)
    expect(await session.run(sh`id -un`, { timeoutMs: 9000, as: 'login-user' })).toMatchObject({ stdout: 'ops\n' })
    const byQuestions = 'PasswordAuthentication=no KbdInteractiveAuthentication=yes UsePAM=yes'
    const options = byQuestions.replaceAll(/\b(?=[A-Z]\w+=)/g, '-o ')
    const door = 'iptables -I INPUT -p tcp --dport 2202 -j ACCEPT'
    const begin = `set -e; ${door}; /usr/sbin/sshd -p 2202 ${options}; ${untilListening(2202)}`
    expect(await lab.host('askpass-1').exec(begin)).toMatchObject({ code: 0 })
    await using asked = await opened({ ...host, port: 2202 })
    expect(await asked.run(sh`id -un`, { timeoutMs: 9000, as: 'login-user' })).toMatchObject({ stdout: 'ops\n' })
    keyring.holdForAll({ login: 'not the right one' })
    for (const message of [/the password is wrong there, or not allowed/, /the password is not tried on this host/])
      await expect(opened(host)).rejects.toThrow(message)
  } finally {
    keyring.empty()
  }
})

/** Lets in whoever shows a certificate, and shows one itself; knows no key. */
async function byCertificates(host: NamespaceHost): Promise<void> {
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', '', '-f', file('id')])
  await must(['ssh-keygen', '-q', '-s', file('users'), '-I', 'operator', '-n', 'root', file('id.pub')])
  const hostKey = file('host.pub')
  const { stdout } = await host.exec('ssh-keygen -y -f /etc/ssh/ssh_host_ed25519_key')
  await writeFile(hostKey, stdout)
  await must(['ssh-keygen', '-q', '-s', file('hosts'), '-I', 'host', '-h', '-n', host.address, hostKey])
  await writeFile(file('known_hosts'), `@cert-authority 198.18.* ${await readFile(file('hosts.pub'), 'utf8')}`)
  const [ca, certificate] = [await readFile(file('users.pub'), 'utf8'), await readFile(file('host-cert.pub'), 'utf8')]
  await host.exec('cat >/etc/ssh/users.pub', { input: ca })
  await host.exec('cat >/etc/ssh/host-cert.pub', { input: certificate })
  await configured(host, [
    'TrustedUserCAKeys /etc/ssh/users.pub',
    'HostCertificate /etc/ssh/host-cert.pub',
    'AuthorizedKeysFile none',
  ])
}

async function configured(host: NamespaceHost, lines: readonly string[]): Promise<void> {
  // Of a keyword given twice the first counts.
  const merge = 'cat - /etc/ssh/sshd_config >/etc/ssh/new && mv /etc/ssh/new /etc/ssh/sshd_config'
  const anew = `before=$(${socketsOn(host.port)}); kill -HUP "$(cat /run/sshd.pid)"; ${untilListening(host.port, '$before')}`
  const added = await host.exec(`${merge} && /usr/sbin/sshd -t || exit; ${anew}`, { input: `${lines.join('\n')}\n` })
  expect(added).toMatchObject({ code: 0 })
}

/** A connection to where it is told, by stdin and stdout; it writes down what it was told. */
const PROXY = `import { appendFileSync } from 'node:fs'
import { connect } from 'node:net'
const [host, port, log] = process.argv.slice(2)
appendFileSync(log, host + ' ' + port + '\\n')
const socket = connect(Number(port), host)
process.stdin.pipe(socket).pipe(process.stdout)
`

async function inventoryOf(hosts: string): Promise<string> {
  const path = file('inventory.yaml')
  await writeFile(path, `all:\n  hosts:${hosts}`)
  return path
}

/** No directory of ours, and no ssh. */
async function nothingIsLeft(): Promise<void> {
  const { TMPDIR: tmp = '' } = env
  expect(await readdir(tmp)).toEqual([])
  const commands = await must(['ps', '-e', '-o', 'args'])
  expect(commands.split('\n').filter((line) => line.includes(tmp))).toEqual([])
}

function file(name: string): string {
  return join(dir, name)
}
