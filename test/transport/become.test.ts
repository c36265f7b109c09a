import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { expect, type TestContext, test } from 'vitest'
import { quote, type Script, sh } from '../../src/shell/script.ts'
import { prepareErrand } from '../../src/transport/bootstrap.ts'
import { startRunning } from '../../src/transport/running.ts'
import { LOCALHOST } from './hosts.ts'

/** Real sudo, asked by a user who is not root; sudoers and the program itself are swapped in a mount namespace. */

test('sudo that wants no password gives root, and SSH_CONNECTION comes along', async (ctx) => {
  const result = await asNobody(ctx, {
    before: `echo '#65534 ALL=(ALL) NOPASSWD: ALL' > /etc/sudoers.d/test`,
    script: sh`id -u; echo "$ssh_connection"; echo "$1"; printf %s "$PATH"; cat; exit 4`,
  })
  expect(result).toMatchObject({
    type: 'exited',
    code: 4,
    stdout: "0\n192.0.2.1 5 192.0.2.2 22\nit's\n/usr/sbin:/usr/bin:/sbin:/bin:/usr/local/sbin:/usr/local/bin",
    stderr: '',
  })
})

test('sudo that wants a password is a refusal in its own words', async (ctx) => {
  const result = await asNobody(ctx, { before: 'true', script: sh`id -u` })
  expect(result).toMatchObject({
    refused: {
      code: 'no-privilege',
      message: expect.stringContaining('sudo: a password is required'),
      next: expect.stringContaining('NOPASSWD'),
    },
  })
})

test('sudo that gives something less than everything is a refusal too', async (ctx) => {
  const before = `echo '#65534 ALL=(ALL) NOPASSWD: /usr/bin/true' > /etc/sudoers.d/test`
  expect(await asNobody(ctx, { before, script: sh`id -u` })).toMatchObject({ refused: { code: 'no-privilege' } })
})

test('a host without sudo is a refusal that says so', async (ctx) => {
  const before = 'mount --bind /dev/null /usr/bin/sudo'
  expect(await asNobody(ctx, { before, script: sh`id -u` })).toMatchObject({
    refused: { code: 'no-privilege', message: expect.stringContaining('sudo is not there') },
  })
})

test('no way to become root is a refusal, and a login as root needs none', async (ctx) => {
  expect(await asNobody(ctx, { before: 'true', script: sh`id -u`, become: 'none' })).toMatchObject({
    refused: { code: 'no-privilege', next: expect.stringContaining('ansible_become') },
  })
})

type Story = { readonly before: string; readonly script: Script; readonly become?: 'none' }

async function asNobody(ctx: TestContext, { before, script, become }: Story) {
  if (process.getuid?.() !== 0) ctx.skip('needs root, to become another user and then root again by sudo')
  if (!existsSync('/usr/bin/sudo')) ctx.skip('needs sudo')
  const errand = prepareErrand(script, { as: 'root', arguments: ["it's"] }, become ?? 'sudo')
  const inner = [
    'mount -t tmpfs none /tmp',
    'if [ -d /etc/sudoers.d ]; then mount -t tmpfs -o mode=755 none /etc/sudoers.d; fi',
    before,
    'echo mounted >&3',
    'export SSH_CONNECTION="192.0.2.1 5 192.0.2.2 22"',
    `exec setpriv --reuid 65534 --regid 65534 --clear-groups /bin/sh ${errand.argv.map(quote).join(' ')}`,
  ].join(' && ')
  const ended = spawnSync('unshare', ['-m', '/bin/sh', '-c', inner], {
    input: errand.payload,
    stdio: ['pipe', 'pipe', 'pipe', 'pipe'],
  })
  if (ended.output[3]?.toString() !== 'mounted\n') ctx.skip(`needs a mount namespace: ${ended.stderr.toString()}`)
  const signal = new AbortController().signal
  const host = { ...LOCALHOST, user: 'nobody' }
  const running = startRunning(errand, { timeoutMs: 1000, as: 'root' }, { host, signal, letGo() {} })
  // Byte by byte: our lines are found however the network cuts them.
  for (const byte of ended.stderr) running.stderr(Buffer.from([byte]))
  for (const byte of ended.stdout) running.stdout(Buffer.from([byte]))
  running.ended({ type: 'exited', code: ended.status ?? -1 })
  return await running.result
}
