import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import type { Host } from '../../src/model/host.ts'
import type { GateOutcome } from '../../src/model/plan.ts'
import { sh } from '../../src/shell/script.ts'
import { poll, run } from '../lab/command.ts'
import { canRunLab, type Lab, type NamespaceHost, startLab } from '../lab/index.ts'
import { ctfleet, type Said, startCtfleet } from '../support/ctfleet.ts'
import { inventoryHost, opened, shortest } from '../support/lab-host.ts'

/** A hundred hosts that nobody reaches but through one host and another, whose sshd is as it comes (MaxStartups 10:30:100). */

const able = canRunLab()
const HOSTS = ['web-1', ...Array.from({ length: 99 }, (_, at) => `open-${at + 1}`)]
const BEHIND = ['--limit', 'all:!bastion']
const JSON_OUT = ['--format', 'json']

/** Ends what serves a login of root, and not the sshd that waits for others. */
const CUT_LOGINS = `for each in /proc/[0-9]*; do
  if grep -qs '^sshd: root' $each/cmdline; then kill -9 "$(basename $each)" && echo cut "$(basename $each)"; fi
done`

let lab: Lab
let dir: string
let env: { readonly [name: string]: string }

beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  lab = await startLab({ hosts: HOSTS, behind: ['bastion-1', 'bastion-2'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('all of them are read at once, over one connection to each host in between', async () => {
  const said = await ctfleet(['facts', ...BEHIND, ...JSON_OUT], env)
  expect(said.code, said.stderr).toBe(0)
  expect(hostsIn(said).map(({ host, status }) => [host, status])).toEqual(HOSTS.map((name) => [name, 'read']))
  expect(await Promise.all([loginsAt('bastion-1'), loginsAt('bastion-2'), loginsAt('web-1')])).toEqual([1, 1, 1])
})

test('a plan is one login and at most two trips', async () => {
  const more = 'sed -i \'s/^LogLevel .*/LogLevel VERBOSE/\' /etc/ssh/sshd_config && kill -HUP "$(cat /run/sshd.pid)"'
  expect(await lab.host('web-1').exec(more)).toMatchObject({ code: 0 })
  const logins = await loginsAt('web-1')
  const words = ['--limit', 'web-1', '--strategy', 'notrack', '--ports', '80', ...JSON_OUT]
  const planned = await ctfleet(['plan', ...words], env)
  expect(hostsIn(planned), planned.stderr).toMatchObject([{ status: 'planned' }])
  expect(await loginsAt('web-1')).toBe(logins + 1)
  const trips = await countAt('web-1', /Starting session: command/g)
  expect(trips).toBeGreaterThan(0)
  expect(trips).toBeLessThanOrEqual(2)
})

test('one of them is changed, checked by a new login and by its ports, and taken back', async () => {
  const web = lab.host('web-1')
  const before = await web.dump()
  const logins = await loginsAt('web-1')
  const words = ['--limit', 'web-1', '--strategy', 'notrack', '--ports', '80']
  const planned = await ctfleet(['plan', ...words, '-o', join(dir, 'plan.json')], env)
  expect(planned.code, planned.stderr).toBe(0)
  expect(await loginsAt('web-1')).toBe(logins + 1)

  const applied = await ctfleet(['apply', join(dir, 'plan.json'), '--yes', ...JSON_OUT], env)
  const [result] = hostsIn(applied)
  expect(result, applied.stderr).toMatchObject({ status: 'applied' })
  const held = (result?.checked ?? []).map(({ gate, message }) => [gate, message])
  expect(held).toContainEqual(['login', 'a new login works'])
  expect(held).toContainEqual(['ports', 'ports 22, 80, 443 still answer'])
  // To change it, and to prove that one still gets in; nobody else is asked for.
  expect(await loginsAt('web-1')).toBe(logins + 3)

  const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
  expect(hostsIn(back), back.stderr).toMatchObject([{ status: 'rolled-back' }])
  expect(await web.dump()).toBe(before)
})

test('a host in between that loses its connections while a change is under way costs the change nothing', async () => {
  const web = lab.host('web-1')
  const before = await web.dump()
  const isLocked = async () => (await web.exec(['test', '-d', '/var/lib/ctfleet/lock'])).code === 0
  expect(await isLocked()).toBe(false)
  const applying = startCtfleet(['apply', join(dir, 'plan.json'), '--yes', ...JSON_OUT], env)
  await poll(async () => (await isLocked()) || undefined, { everyMs: 20, timeoutSeconds: 20 })
  const cut = await lab.host('bastion-1').exec(CUT_LOGINS)
  expect(cut.stdout).toMatch(/^cut \d+\n/)
  const applied = await applying.ended
  expect(hostsIn(applied), applied.stderr).toMatchObject([{ status: 'applied' }])
  const back = await ctfleet(['rollback', 'last', '--yes', ...JSON_OUT], env)
  expect(hostsIn(back), back.stderr).toMatchObject([{ status: 'rolled-back' }])
  expect(await web.dump()).toBe(before)
})

test('addresses of IPv6 are as good, with a scope and behind others too', async () => {
  const [first, second, web] = ['bastion-1', 'bastion-2', 'web-1'].map((name) => lab.host(name))
  if (first?.address6 === undefined || second?.address6 === undefined || web?.address6 === undefined) throw new Error()
  const way = (host: NamespaceHost, address = host.address6 ?? ''): Host => ({
    ...inventoryHost(lab.dir, host),
    address,
  })
  const link = /^\d+: (ctl\d+)/m.exec(
    (await run(['ip', '-o', 'addr', 'show', 'to', `${first.address}/22`])).stdout,
  )?.[1]
  const shown = await first.exec(['ip', '-o', '-6', 'addr', 'show', 'dev', 'eth0', 'scope', 'link'])
  const scoped = `${/fe80::[^/]+/.exec(shown.stdout)?.[0]}%${link}`
  // Who asks, at which address: as the host itself has it.
  const cases: readonly (readonly [Host, string])[] = [
    [way(first), first.address6],
    [{ ...way(first, scoped), hostKeyAlias: 'bastion-1' }, scoped.replace(/%.*/, '')],
    [{ ...way(web), jumps: [way(first), way(second)] }, web.address6],
  ]
  for (const [host, address] of cases) {
    await using session = await opened(host)
    const said = await session.run(sh`echo "$ssh_connection"`, { timeoutMs: 9000, as: 'login-user' })
    expect(said).toMatchObject({ code: 0, stdout: expect.stringContaining(` ${shortest(address)}`) })
  }
})

test('a host in between that is down is said once, for all that are behind it', async () => {
  const logins = await loginsAt('bastion-1')
  const second = lab.host('bastion-2')
  expect(await second.exec('kill "$(cat /run/sshd.pid)"')).toMatchObject({ code: 0 })
  const startedAt = performance.now()
  const said = await ctfleet(['plan', ...BEHIND], env)
  expect(performance.now() - startedAt).toBeLessThan(10_000)
  expect(said.code).toBe(1)
  const causes = said.stdout
    .replaceAll(/\s+/g, ' ')
    .match(/the jump host \S+: nothing listens on \S+ port 22, says the jump host \S+/g)
  expect(causes, said.stdout).toEqual([
    `the jump host root@${second.address}: nothing listens on ${second.address} port 22, says the jump host root@${lab.host('bastion-1').address}`,
  ])
  expect(said.stdout).toMatch(/100 unreachable/)
  // Nobody knocks a hundred times.
  expect(await loginsAt('bastion-1')).toBe(logins + 1)
})

async function loginsAt(name: string): Promise<number> {
  return await countAt(name, /Accepted publickey/g)
}

/** How often it stands in what sshd logged there. */
async function countAt(name: string, words: RegExp): Promise<number> {
  const { stdout } = await lab.host(name).exec(['cat', '/var/log/sshd.log'])
  return stdout.match(words)?.length ?? 0
}

type Ended = { readonly host: string; readonly status: string; readonly checked?: readonly GateOutcome[] }

function hostsIn({ stdout, stderr }: Said): readonly Ended[] {
  try {
    return (JSON.parse(stdout) as { readonly hosts: readonly Ended[] }).hosts
  } catch {
    throw new Error(`${stdout}\n${stderr}`)
  }
}
