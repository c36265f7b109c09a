import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { describe, expect, type TestContext, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import { quote, type Script, sh } from '../../src/shell/script.ts'
import { runScript } from '../../src/transport/become.ts'
import { keyring } from '../../src/transport/keyring.ts'
import type { Launch } from '../../src/transport/running.ts'
import { LOCALHOST } from './hosts.ts'

/**
 * Real sudo and su, asked by a user who is not root; sudoers, passwords and the programs themselves are swapped in a mount
 * namespace. A terminal comes from script(1), with echo on as it begins.
 */

/** What the transport was given to write. */
type Written = { text: string }

const EVERYTHING = { type: 'exited', code: 4, stdout: "0\n192.0.2.1 5 192.0.2.2 22\nit's\n", stderr: 'err' }
const script = sh`id -u; echo "$ssh_connection"; echo "$1"; printf err >&2; cat; exit 4`
const nopasswd = `echo '#65534 ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/test`
const passwd = `${nopasswd.replace('NOPASSWD: ', '')} && ${passwordOf('nobody')}`

test('sudo that wants no password gives root, and SSH_CONNECTION comes along', async (ctx) => {
  expect(await asNobody(ctx, { before: nopasswd, script })).toMatchObject(EVERYTHING)
  const path = sh`printf %s "$PATH"`
  expect(await asNobody(ctx, { before: nopasswd, script: path })).toMatchObject({
    stdout: '/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin',
  })
})

test('sudo that wants a password and gets none is a refusal in its own words', async (ctx) => {
  expect(await asNobody(ctx, { before: 'true', script })).toMatchObject({
    refused: {
      code: 'no-privilege',
      message: expect.stringContaining('sudo: a password is required'),
      next: expect.stringMatching(/--ask-become-pass.*NOPASSWD/),
    },
  })
})

test('sudo that asks is told the password, once', async (ctx) => {
  const written = { text: '' }
  expect(await asNobody(ctx, { before: passwd, script, password: 'lab', written })).toMatchObject(EVERYTHING)
  expect(written.text).toMatch(/^lab\nset -- /)
})

test('sudo that does not ask is told no password', async (ctx) => {
  const written = { text: '' }
  expect(await asNobody(ctx, { before: nopasswd, script, password: 'lab', written })).toMatchObject(EVERYTHING)
  expect(written.text).not.toContain('lab')
})

test('sudo that holds a ticket is told no password either', async (ctx) => {
  const ticket = `setpriv --reuid 65534 --regid 65534 --clear-groups sudo -S -v`
  const global = `echo Defaults timestamp_type=global >> /etc/sudoers.d/test`
  const written = { text: '' }
  const before = `${passwd} && ${global} && echo lab | ${ticket} 2>/dev/null`
  expect(await asNobody(ctx, { before, script, password: 'lab', written })).toMatchObject(EVERYTHING)
  expect(written.text).not.toContain('lab')
})

test('a wrong password is told once, and never again by this process', async (ctx) => {
  const host = { address: 'wrong' }
  const first = { text: '' }
  const fault = { code: 'no-privilege', message: expect.stringContaining('was not accepted by sudo') }
  const story = { before: passwd, script, password: 'no', host }
  expect(await asNobody(ctx, { ...story, written: first })).toMatchObject({ refused: fault })
  expect(first.text).toBe('no\n')
  const second = { text: '' }
  expect(await asNobody(ctx, { ...story, written: second })).toMatchObject({ refused: fault })
  expect(second.text).toBe('')
  expect(await asNobody(ctx, { ...story, password: 'lab' })).toMatchObject(EVERYTHING)
})

test('whoever may not use sudo is told so in its words, after the password too', async (ctx) => {
  expect(await asNobody(ctx, { before: passwordOf('nobody'), script, password: 'lab' })).toMatchObject({
    refused: { code: 'no-privilege', message: expect.stringContaining('nobody is not in the sudoers file') },
  })
})

test('sudo that wants a terminal gets one, with and without a password', async (ctx) => {
  const requiretty = 'echo Defaults requiretty >> /etc/sudoers.d/test'
  expect(await asNobody(ctx, { before: `${nopasswd} && ${requiretty}`, script })).toMatchObject(EVERYTHING)
  const written = { text: '' }
  const story = { before: `${passwd} && ${requiretty}`, script, password: 'lab', written }
  expect(await asNobody(ctx, story)).toMatchObject(EVERYTHING)
  expect(written.text.match(/lab/g)).toHaveLength(1)
  expect(await asNobody(ctx, { ...story, hasTerminals: false })).toMatchObject({
    refused: { message: expect.stringContaining('wants a terminal') },
  })
})

test('sudo that gives something less than everything is a refusal too', async (ctx) => {
  const before = `echo '#65534 ALL=(ALL) NOPASSWD: /usr/bin/true' > /etc/sudoers.d/test`
  expect(await asNobody(ctx, { before, script })).toMatchObject({ refused: { code: 'no-privilege' } })
})

test('a host without sudo is a refusal that says so', async (ctx) => {
  const before = 'mount --bind /dev/null /usr/bin/sudo'
  expect(await asNobody(ctx, { before, script })).toMatchObject({
    refused: { code: 'no-privilege', message: expect.stringContaining('sudo is not there') },
  })
})

test('no way to become root is a refusal, and so is another user who is not root', async (ctx) => {
  expect(await asNobody(ctx, { before: 'true', script, host: { become: 'none' } })).toMatchObject({
    refused: { code: 'no-privilege', next: expect.stringContaining('ansible_become') },
  })
  expect(await asNobody(ctx, { before: nopasswd, script, host: { becomeUser: 'daemon' } })).toMatchObject({
    refused: { code: 'no-privilege', message: expect.stringContaining('daemon, who is not root') },
  })
  expect(await asNobody(ctx, { before: nopasswd, script, host: { becomeUser: '-u x;' } })).toMatchObject({
    refused: { code: 'no-privilege', message: expect.stringContaining('is no name of a user') },
  })
})

test('su is told root’s password at its prompt', async (ctx) => {
  const written = { text: '' }
  const story = { before: passwordOf('root'), script, password: 'lab', host: { become: 'su' }, written } as const
  expect(await asNobody(ctx, story)).toMatchObject(EVERYTHING)
  expect(written.text).toMatch(/^lab\nset -- /)
})

describe.each(['busybox', 'bash', 'ksh', 'mksh', 'zsh'])('with %s as /bin/sh', (shell) => {
  test('root is had on a terminal, and without one', async (ctx) => {
    const program = ['/usr/bin', '/bin'].map((folder) => `${folder}/${shell}`).find(existsSync)
    if (program === undefined) return ctx.skip(`${shell} is not installed`)
    const isSh = `mount --bind ${program} $(readlink -f /bin/sh)`
    const words = sh`test "$(id -u)" = 0; printf 'out\n\n'; printf 'err\n\n' >&2; exit 4`
    const expected = { type: 'exited', code: 4, stdout: 'out\n\n', stderr: 'err\n\n' }
    const bySu = {
      before: `${passwordOf('root')} && ${isSh}`,
      script: words,
      password: 'lab',
      host: { become: 'su' },
    } as const
    expect(await asNobody(ctx, bySu)).toMatchObject(expected)
    expect(await asNobody(ctx, { before: `${passwd} && ${isSh}`, script: words, password: 'lab' })).toMatchObject(
      expected,
    )
  })
})

test('busybox’s su is asked as any other', async (ctx) => {
  if (!existsSync('/bin/busybox')) ctx.skip('busybox is not installed')
  const swap = 'cp /bin/busybox /tmp/su && chmod 4755 /tmp/su && mount --bind /tmp/su /usr/bin/su'
  const story = {
    before: `${passwordOf('root')} && ${swap}`,
    script,
    host: { become: 'su', address: 'busybox' },
  } as const
  expect(await asNobody(ctx, { ...story, password: 'lab' })).toMatchObject(EVERYTHING)
  expect(await asNobody(ctx, { ...story, password: 'no' })).toMatchObject({
    refused: { message: expect.stringContaining('was not accepted by su') },
  })
})

test('sudo that gives everything a terminal of its own passes a long script on, and all it says', async (ctx) => {
  const numbers = Array.from({ length: 30_000 }, (_, at) => at)
  const long = sh`printf '%s\n' ${numbers}; echo err >&2`
  const before = `${passwd} && echo Defaults use_pty >> /etc/sudoers.d/test`
  for (const requiretty of ['', ' && echo Defaults requiretty >> /etc/sudoers.d/test']) {
    const result = await asNobody(ctx, { before: before + requiretty, script: long, password: 'lab' })
    expect(result).toMatchObject({ type: 'exited', code: 0, stderr: 'err\n' })
    expect((result as { stdout: string }).stdout === `${numbers.join('\n')}\n`).toBe(true)
  }
})

test('su without a password known, or with a wrong one, is a refusal', async (ctx) => {
  const story = { before: passwordOf('root'), script, host: { become: 'su', address: 'su' } } as const
  expect(await asNobody(ctx, story)).toMatchObject({
    refused: { code: 'no-privilege', message: 'su asks for the password of root, and none is known' },
  })
  expect(await asNobody(ctx, { ...story, password: 'no' })).toMatchObject({
    refused: { code: 'no-privilege', message: expect.stringContaining('was not accepted by su') },
  })
})

/** The password is "lab". */
function passwordOf(user: string): string {
  const hash = '$6$ctfleetlab$.BCPeMGB9w3RpFQuYh/PMyPD/S1GpToqFfTYS/6y9uEnF7AiuvGWdTsJpW6tHIfsKOvhRAXFPVaQTfRZKivSB/'
  return `grep -v ^${user}: /etc/shadow > /tmp/shadow && echo '${user}:${hash}:19000:0:99999:7:::' >> /tmp/shadow && mount --bind /tmp/shadow /etc/shadow`
}

type Story = {
  readonly before: string
  readonly script: Script
  readonly host?: Partial<Host>
  readonly password?: string
  readonly hasTerminals?: boolean
  readonly written?: Written
}

async function asNobody(ctx: TestContext, { before, script, password, hasTerminals = true, ...story }: Story) {
  if (process.getuid?.() !== 0) ctx.skip('needs root, to become another user and then root again')
  if (!existsSync('/usr/bin/sudo')) ctx.skip('needs sudo')
  const host: Host = { ...LOCALHOST, address: ctx.task.id, user: 'nobody', become: 'sudo', ...story.host }
  keyring.empty()
  if (password !== undefined) keyring.holdFor(host.name, { become: password })
  let mounted = ''
  let words = ''
  const launch: Launch = ({ argv, climb }, running) => {
    const shell = `/bin/sh ${argv.map(quote).join(' ')}`
    const inner = [
      // Tickets of sudo are in /run.
      'mount -t tmpfs none /tmp && mount -t tmpfs -o mode=755 none /run',
      'if [ -d /var/lib/sudo ]; then mount -t tmpfs -o mode=755 none /var/lib/sudo; fi',
      'if [ -d /etc/sudoers.d ]; then mount -t tmpfs -o mode=755 none /etc/sudoers.d; fi',
      before,
      'echo mounted >&3',
      'export SSH_CONNECTION="192.0.2.1 5 192.0.2.2 22" SHELL=/bin/sh',
      `exec setpriv --reuid 65534 --regid 65534 --clear-groups ${climb.terminal ? `script -qec ${quote(shell)} /dev/null` : shell}`,
    ].join(' && ')
    const child = spawn('unshare', ['-m', '/bin/sh', '-c', inner], { stdio: ['pipe', 'pipe', 'pipe', 'pipe'] })
    child.stdio[3]?.on('data', (chunk) => {
      mounted += chunk
    })
    // Byte by byte: our lines are found however the network cuts them.
    const bytewise = (hear: (chunk: Buffer) => void) => (chunk: Buffer) => {
      words += chunk
      for (const byte of chunk) hear(Buffer.from([byte]))
    }
    child.stdout.on('data', bytewise(running.stdout))
    child.stderr.on('data', bytewise(running.stderr))
    child.stdin.on('error', () => {})
    child.on('close', (code) => running.ended({ type: 'exited', code: code ?? -1 }))
    running.opened({
      send(bytes) {
        if (story.written !== undefined) story.written.text += bytes
        child.stdin.write(bytes)
      },
      end: () => void child.stdin.end(),
    })
    return () => void child.stdin.end()
  }
  const signal = new AbortController().signal
  const how = { timeoutMs: 8000, as: 'root', arguments: ["it's"] } as const
  const result = await runScript(script, how, { host, signal, launch, hasTerminals })
  if (words !== '' && mounted === '') ctx.skip(`needs a mount namespace: ${words}`)
  return result
}
