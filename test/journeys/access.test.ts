import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { must, poll, run } from '../lab/command.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said, startCtfleet } from '../support/ctfleet.ts'
import { untilListening } from '../support/lab-host.ts'
import { putProgram } from '../support/program.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'

/** All ways to log in, to one machine with as many sshds as there are ways. */

const able = canRunLab()
const PASSWORD = 'Uncommon-Horse-41'
const PASSPHRASE = 'Battery-Staple-17'
const SHELLS = [
  { user: 'fishy', shell: '/usr/bin/fish' },
  { user: 'seashell', shell: '/bin/csh' },
]

let dir: string
let lab: Lab
let web: LabHost
let agent: ChildProcess | undefined
let env: { readonly [name: string]: string }

/** What is at each port, as options of sshd. */
const DOORS = {
  2201: ['PasswordAuthentication=yes', 'PermitRootLogin=yes', 'AuthenticationMethods=password'],
  2202: ['KbdInteractiveAuthentication=yes', 'UsePAM=yes', 'AuthenticationMethods=keyboard-interactive'],
  2203: ['PasswordAuthentication=yes', 'AuthenticationMethods=publickey,password'],
  2204: ['Banner=/etc/noise', 'PrintMotd=yes', 'PrintLastLog=yes'],
} as const
/** Of one sshd, as machines that share their accounts. */
const TWINS = [2211, 2212, 2213, 2214, 2215]

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1'] })
  web = lab.host('web-1')
  env = { CTFLEET_STATE: join(dir, 'state'), SSH_AUTH_SOCK: '', HOME: dir }
  await must(['ssh-keygen', '-q', '-t', 'ed25519', '-N', PASSPHRASE, '-f', file('locked')])
  const doors = Object.entries(DOORS).map(([port, options]) => sshd([Number(port)], options))
  const made = await web.exec(
    `set -e
iptables -I INPUT -p tcp --dport 2200:2299 -j ACCEPT
for user in ops:/bin/bash noisy:/bin/bash ${SHELLS.map(({ user, shell }) => `${user}:${shell}`).join(' ')}; do
  name=\${user%%:*} id=$((id + 1))
  echo "$name:x:$((1900 + id)):1900::/home/$name:\${user#*:}" >> /etc/passwd
  echo "$name:*:19000:0:99999:7:::" >> /etc/shadow
  mkdir -p "/home/$name/.ssh"
  cp /root/.ssh/authorized_keys "/home/$name/.ssh/"
  chown -R "$((1900 + id)):1900" "/home/$name"
done
echo 'ops:${PASSWORD}
root:${PASSWORD}' | chpasswd -c SHA512
cat >> /root/.ssh/authorized_keys
for rc in .bashrc .profile .bash_profile; do echo 'echo rc file; echo rc file >&2' > /home/noisy/$rc; done
yes 'Authorised use only. ready 0' | head -200 > /etc/noise
cp /etc/noise /etc/motd
echo 'auth required pam_unix.so
account required pam_permit.so
session required pam_permit.so' > /etc/pam.d/sshd
${[...doors, sshd(TWINS, DOORS[2201])].join('\n')}
${[...Object.keys(DOORS), ...TWINS].map((port) => untilListening(Number(port))).join('\n')}`,
    { input: await readFile(file('locked.pub'), 'utf8') },
  )
  if (made.code !== 0) throw new Error(made.stderr)

  const key = join(lab.dir, 'id_ed25519')
  const host = (port: number, user: string, keyFile = '/dev/null') =>
    `{ ansible_host: ${web.address}, ansible_port: ${port}, ansible_user: ${user}, ${
      keyFile === '/dev/null'
        ? "ansible_ssh_extra_args: '-o IdentityFile=none'"
        : `ansible_ssh_private_key_file: ${keyFile}`
    } }`
  await writeFile(
    file('inventory.yaml'),
    `all:
  vars: { ctfleet_known_hosts_file: ${lab.dir}/known_hosts }
  children:
    locked:
      hosts:
        locked-1: ${host(22, 'root', file('locked'))}
        locked-2: ${host(22, 'root', file('locked'))}
    plain:
      hosts:
        noisy: ${host(2204, 'noisy', key)}
        fishy: ${host(22, 'fishy', key)}
        seashell: ${host(22, 'seashell', key)}
    passwords:
      hosts:
        password: ${host(2201, 'ops')}
        question: ${host(2202, 'ops')}
        both: ${host(2203, 'ops', key)}
    held:
      hosts:
        held: ${host(2203, 'ops').replace('-o ', `-o IdentityAgent=${file('agent')} -o `)}
    twins:
      hosts:
${TWINS.map((port) => `        twin-${port}: ${host(port, 'ops')}\n`).join('')}`,
  )
  await writeFile(
    file('told.yaml'),
    `all:
  vars: { ctfleet_known_hosts_file: ${lab.dir}/known_hosts }
  hosts:
    told:
      ansible_host: ${web.address}
      ansible_port: 2201
      ansible_user: root
      ansible_password: ${PASSWORD}
`,
  )
  agent = spawn('ssh-agent', ['-D', '-a', file('agent')], { stdio: 'ignore' })
  const add = async () => (await run(['ssh-add', '-q', key], { env: agentEnv() })).code === 0 || undefined
  expect(await poll(add, { everyMs: 50, timeoutSeconds: 10 })).toBe(true)
  await writeFile(file('password'), `${PASSWORD}\n`, { mode: 0o600 })
  await writeFile(file('passphrase'), PASSPHRASE, { mode: 0o600 })
  await writeFile(file('wrong'), 'Common-Horse-14', { mode: 0o600 })
  await putProgram(dir)
})
afterAll(async () => {
  agent?.kill()
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

describe('one run over all ways at once', () => {
  let said: Said
  let processes: string
  beforeAll(async () => {
    if (!able.ok) return
    const sources = ['--pass-from', `command:cat ${file('password')}`, '--passphrase-from', file('passphrase')]
    const limit = [
      'locked',
      'passwords',
      'held',
      'noisy',
      ...SHELLS.flatMap(({ user, shell }) => (existsSync(shell) ? user : [])),
    ]
    const words = ['facts', file('inventory.yaml'), '--limit', limit.join(), '--format', 'json', ...sources]
    const running = startCtfleet(words, env)
    let over = false
    const seen = watchProcesses(() => over)
    said = await running.ended
    over = true
    processes = await seen
  })

  test.each([
    ['an encrypted key', 'locked-1'],
    ['the same key once more', 'locked-2'],
    ['a password', 'password'],
    ['a question for the password', 'question'],
    ['a key, and then a password', 'both'],
    ['a key of the agent, and then a password', 'held'],
    ['a banner, a message of the day, and login files that print', 'noisy'],
  ])('%s', (_way, host) => {
    expect(statuses(said)).toMatchObject({ [host]: 'read' })
  })

  test.for(SHELLS)('$shell as login shell', ({ user, shell }, context) => {
    if (!existsSync(shell)) return context.skip(`${shell} is not installed`)
    expect(statuses(said)).toMatchObject({ [user]: 'read' })
  })

  test('no secret is in what was said, nor in the words or the environment of any process meanwhile', () => {
    expect(said.code, said.stderr).toBe(0)
    expect(processes).toContain(file('inventory.yaml'))
    expectNoSecret(said.stdout + said.stderr + processes)
  })
})

test('a wrong password is tried once a host, and no further than three hosts that refuse it', async () => {
  const words = ['facts', file('inventory.yaml'), '--limit', 'passwords,twins', '--format', 'json']
  const said = await ctfleet([...words, '--pass-from', file('wrong')], env)
  expect(said.code).toBe(1)
  const faults = (JSON.parse(said.stdout).hosts as { fault: { code: string; message: string } }[]).map(
    ({ fault }) => fault,
  )
  expect(faults.map(({ code }) => code)).toEqual(Array(8).fill('auth'))
  const stopped = faults.filter(({ message }) => /not tried on this host, as it was refused by 3 hosts/.test(message))
  expect(stopped).toHaveLength(5)
  expect(faults.filter(({ message }) => /the password is wrong there/.test(message))).toHaveLength(3)
  const log = await web.exec('cat /var/log/sshd-*')
  expect(log.stdout.match(/(?:Failed password|PAM: Authentication failure) for ops/g)).toHaveLength(3)
  expect(said.stdout + said.stderr).not.toContain('Common-Horse')
})

test('without a terminal it is said how a password can be given, and what a server takes', async () => {
  const inventory = file('inventory.yaml')
  const asking = await ctfleet(['facts', inventory, '--limit', 'password', '--ask-pass'], env)
  expect(asking).toMatchObject({
    code: 2,
    stdout: '',
    stderr: expect.stringMatching(/--ask-pass: there is no terminal.*\n.*--pass-from/),
  })
  const locked = await ctfleet(['facts', inventory, '--limit', 'locked'], env)
  expect(locked).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/locked: the key file is encrypted.*\n.*--passphrase-from/),
  })
  const without = await ctfleet(['facts', inventory, '--limit', 'passwords', '--format', 'json'], env)
  expect(without.code).toBe(1)
  for (const { fault } of JSON.parse(without.stdout).hosts) {
    expect(fault).toMatchObject({ code: 'auth', next: expect.stringContaining('--ask-pass') })
  }
})

test('a password of the inventory goes into no plan and no record, and is read there again', async () => {
  const plan = file('plan.json')
  const planned = await ctfleet(['plan', file('told.yaml'), '--strategy', 'notrack', '--ports', '80', '-o', plan], env)
  expect(planned.code, planned.stderr).toBe(0)
  const applied = await ctfleet(['apply', plan, '--yes', '--format', 'json'], env)
  expect(applied.code, applied.stderr).toBe(0)
  await must(['mv', file('told.yaml'), file('elsewhere.yaml')])
  const refused = await ctfleet(['rollback', 'last', '--yes'], env)
  expect(refused).toMatchObject({
    code: 2,
    stderr: expect.stringMatching(/told\.yaml: the password of told is in there/),
  })
  const back = await ctfleet(['rollback', 'last', '--yes', '--pass-from', file('password')], env)
  expect(back.code, back.stderr).toBe(0)
  const texts = await Promise.all(
    [plan, join(dir, 'state', 'ctfleet.db')].map(async (path) => await readFile(path, 'latin1')),
  )
  expectNoSecret(
    [planned, applied, refused, back].map(({ stdout, stderr }) => stdout + stderr).join('') + texts.join(''),
  )
  expect(texts[0]).toContain('told.yaml')
})

test('a person is asked once for each secret, in a terminal that shows none of it', async (context) => {
  const screens = canOpenScreen()
  if (!screens.ok) return context.skip(screens.why)
  await using screen = await openScreen({ dir, columns: 100 }, env)
  await screen.until(/\$/)
  await screen.type(
    'ctfleet facts inventory.yaml --limit locked,passwords -k; echo "ended with $?"'.replace(
      'inventory',
      `${dir}/inventory`,
    ),
  )
  await screen.until(/Password to log in:/)
  await screen.type(PASSWORD)
  await screen.until(/Passphrase of \S+locked:/)
  await screen.type('not this one')
  await screen.until(/which that was not/)
  await screen.type(PASSPHRASE)
  const text = await screen.until(/ended with \d/)
  expect(text).toMatch(/5 hosts|ended with 0/)
  expect(text).toMatch(/ended with 0/)
  expect(text.match(/Pass\w+ (?:to log in|of)/g)).toHaveLength(3)
  expectNoSecret(text)
  expect(text).not.toContain('not this one')

  await screen.clear()
  await screen.type(`ctfleet facts ${dir}/inventory.yaml --limit locked; echo "ended with $?"`)
  for (const shown of [/Passphrase of [^,]+:/, /was not:/, /was not:.*was not:/s]) {
    await screen.until(shown)
    await screen.type('not this one')
  }
  expect(await screen.until(/ended with \d/)).toMatch(/none of 3 passphrases was the one of this key.*ended with 2/s)

  await screen.clear()
  await screen.type(`ctfleet facts ${dir}/inventory.yaml --limit password -k; echo "ended with $?"`)
  await screen.until(/Password to log in:/)
  await screen.press('C-c')
  expect(await screen.until(/ended with \d+/)).toMatch(/ended with 130/)
})

function agentEnv(): NodeJS.ProcessEnv {
  return { ...process.env, SSH_AUTH_SOCK: file('agent') }
}

function sshd(ports: readonly number[], options: readonly string[]): string {
  const [name] = ports
  const words = ['LogLevel=INFO', `PidFile=/run/sshd-${name}.pid`, ...options].flatMap((option) => [
    '-o',
    `'${option}'`,
  ])
  return ['/usr/sbin/sshd', '-E', `/var/log/sshd-${name}`, ...ports.flatMap((port) => ['-p', port]), ...words].join(' ')
}

function statuses({ stdout, stderr }: Said): object {
  if (stdout === '') throw new Error(stderr)
  const hosts: readonly { host: string; status: string; fault?: { message: string } }[] = JSON.parse(stdout).hosts
  return Object.fromEntries(hosts.map(({ host, status, fault }) => [host, fault?.message ?? status]))
}

/** Words and environment of all processes there were meanwhile. */
async function watchProcesses(isOver: () => boolean): Promise<string> {
  const all = new Set<string>()
  while (!isOver()) {
    const ids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name) && name !== String(process.pid))
    for (const id of ids) {
      for (const what of ['cmdline', 'environ'])
        all.add(await readFile(`/proc/${id}/${what}`, 'latin1').catch(() => ''))
    }
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  return [...all].join('\n')
}

function expectNoSecret(text: string): void {
  for (const secret of [PASSWORD, PASSPHRASE]) expect(text.includes(secret)).toBe(false)
}

function file(name: string): string {
  return join(dir, name)
}
