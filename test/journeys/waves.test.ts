import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, type LabHost, startLab } from '../lab/index.ts'
import { ctfleet, startCtfleet } from '../support/ctfleet.ts'
import { UDP, UDP_PLAYBOOK } from '../support/udp-playbook.ts'

/** A fleet that is changed in waves: a canary that is believed, a budget that is kept, and nobody held up. */

const able = canRunLab()
const NAMES = ['web-1', 'web-2', 'web-3', 'web-4', 'legacy-1', 'open-1']

let lab: Lab
let dir: string
let env: { readonly [name: string]: string }
let planned: readonly string[]
beforeAll(async () => {
  if (!able.ok) return
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  await writeFile(join(dir, 'udp.yaml'), UDP_PLAYBOOK)
  lab = await startLab({ hosts: NAMES })
  planned = ['apply', join(dir, 'plan.json'), '--yes', '--format', 'json', '--pause', '0']
})
afterAll(async () => {
  await lab?.down()
  if (dir !== undefined) await rm(dir, { recursive: true, force: true })
})
beforeEach(async (context) => {
  if (!able.ok) return context.skip(able.why)
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: await mkdtemp(join(dir, 'state-')) }
})

test('a dead canary gives its place to the next host; that one fails, so no other is touched', async () => {
  await plan()
  await lab.host('web-1').cut()
  // What the plan saw of the next one is true no more.
  await lab.host('legacy-1').exec(`echo 99 > ${UDP}`)
  const before = await timeouts(NAMES.slice(1))
  const { code, stdout, stderr } = await ctfleet(planned, env)
  await lab.host('web-1').mend()

  expect(code, stderr).toBe(1)
  expect(statuses(stdout)).toEqual({
    'web-1': 'unreachable',
    'legacy-1': 'refused',
    ...Object.fromEntries(['web-2', 'web-3', 'web-4', 'open-1'].map((name) => [name, 'not-reached'])),
  })
  const why = 'the run was stopped: legacy-1 of the first wave failed; look into that, then plan again'
  expect(resultsIn(stdout).find(({ host }) => host === 'web-4')?.why).toBe(why)
  expect(stderr).toContain('In 2 waves of 1 and 5 hosts. It stops when one of the first wave fails')
  expect(stderr).toContain('  wave 1 of 2: 1 host\n')
  expect(stderr).toContain('  web-1 could not be reached; first instead: legacy-1\n')
  expect(await timeouts(NAMES.slice(1))).toEqual(before)
  await lab.host('legacy-1').exec(`echo 30 > ${UDP}`)
})

test('a dead host and a silent one among the others hold nobody up, and count', async () => {
  await plan()
  await lab.host('web-3').cut()
  const silent = lab.host('web-4')
  await silent.exec('kill -STOP $(pgrep -o -x sshd)')
  const { code, stdout, stderr } = await ctfleet([...planned, '--max-fail', '2'], env)
  await lab.host('web-3').mend()
  await silent.exec('kill -CONT $(pgrep -o -x sshd)')
  expect(code, stderr).toBe(1)
  const alive = NAMES.filter((name) => name !== 'web-3' && name !== 'web-4')
  expect(statuses(stdout)).toEqual({
    ...Object.fromEntries(alive.map((name) => [name, 'applied'])),
    ...{ 'web-3': 'unreachable', 'web-4': 'unreachable' },
  })
  expect(await timeouts(NAMES)).toEqual({
    ...Object.fromEntries(alive.map((name) => [name, '17'])),
    ...{ 'web-3': '30', 'web-4': '30' },
  })
  // The silent one is waited for longest, and everybody else was done before.
  expect(stderr.indexOf('  web-4  unreachable')).toBeGreaterThan(stderr.indexOf('  open-1  applied'))
  await takeBack()
})

test('hosts of a pair go one after the other, and the gateway when all others are done', async () => {
  const told = await readFile(lab.inventoryPath, 'utf8')
  const inventory = join(dir, 'roles.yaml')
  const roles = { 'web-1': 'ctfleet_pair: front', 'web-2': 'ctfleet_pair: front', 'open-1': 'ctfleet_gateway: true' }
  const withRoles = Object.entries(roles).reduce(
    (text, [name, role]) => text.replace(`        ${name}:\n`, `        ${name}:\n          ${role}\n`),
    told,
  )
  await writeFile(inventory, withRoles)
  await plan(['-i', inventory])
  const { code, stdout, stderr } = await ctfleet([...planned, '--waves', '100%'], env)
  expect(code, stderr).toBe(0)
  expect(new Set(Object.values(statuses(stdout)))).toEqual(new Set(['applied']))
  expect(stderr).toContain('In 3 waves of 4, 1 and 1 hosts (open-1 last, alone).')
  const order = [...stderr.matchAll(/^ {2}(\S+) {2}applied$/gm)].map(([, name]) => name)
  expect(order.slice(-2)).toEqual(['web-2', 'open-1'])
  expect(new Set(order.slice(0, -2))).toEqual(new Set(['legacy-1', 'web-1', 'web-3', 'web-4']))
  await takeBack()
})

test('where no host may fail the first failure is the last: who has not begun never begins', async () => {
  await plan()
  await lab.host('legacy-1').exec(`echo 99 > ${UDP}`)
  const { code, stdout } = await ctfleet([...planned, '--max-fail', '0', '--waves', '2,100%', '--forks', '1'], env)
  expect(code).toBe(1)
  expect(statuses(stdout)).toEqual({
    'web-1': 'applied',
    'legacy-1': 'refused',
    ...Object.fromEntries(['web-2', 'web-3', 'web-4', 'open-1'].map((name) => [name, 'not-reached'])),
  })
  await lab.host('legacy-1').exec(`echo 30 > ${UDP}`)
  await takeBack()
})

test('a change that somebody puts back during the pause is named, with the command, and stops the run', async () => {
  await plan()
  const run = ctfleet([...planned.slice(0, -2), '--pause', '20s'], env)
  const canary = lab.host('web-1')
  const committed = async () => (await canary.exec('cat /var/lib/ctfleet/*/journal')).stdout.includes(' committed')
  await poll(async () => ((await committed()) ? true : undefined), { everyMs: 200, timeoutSeconds: 60 })
  await canary.exec(`echo 30 > ${UDP}`)
  const { code, stdout, stderr } = await run
  expect(code, stderr).toBe(1)
  expect(stderr).toContain('  20 s pause, then web-1 is asked again\n')
  const [first] = resultsIn(stdout).filter(({ host }) => host === 'web-1')
  const { run: id } = JSON.parse(stdout) as { readonly run: string }
  expect(first).toMatchObject({
    status: 'applied',
    fault: {
      code: 'not-verified',
      message: expect.stringMatching(/^it was applied, but is well no more: .*nf_conntrack_udp_timeout/),
      next: `to take it back: ctfleet rollback ${id} --limit web-1`,
    },
  })
  expect(Object.values(statuses(stdout)).filter((status) => status === 'not-reached')).toHaveLength(5)
  await canary.exec(`echo 17 > ${UDP}`)
  await takeBack()
})

describe('Ctrl-C', () => {
  test('once: no further host begins, whoever is at work ends well', async () => {
    await plan()
    const canary = lab.host('web-1')
    await holdUp(canary)
    const run = startCtfleet(planned, env)
    await atWork(canary)
    run.kill('SIGINT')
    await run.until(/Stopping: no further host begins, those at work finish or undo/)
    await canary.exec('rm /hold')
    const { code, stdout, stderr } = await run.ended
    expect(code, stderr).toBe(130)
    expect(statuses(stdout)).toEqual({
      'web-1': 'applied',
      ...Object.fromEntries(NAMES.slice(1).map((name) => [name, 'not-reached'])),
    })
    await takeBack()
    expect(await timeouts(NAMES)).toEqual(Object.fromEntries(NAMES.map((name) => [name, '30'])))
  })

  test('twice: it leaves at once and says what to type, and that brings every host to a known end', async () => {
    await plan()
    const canary = lab.host('web-1')
    await holdUp(canary)
    const run = startCtfleet([...planned, '--confirm-within', '20s'], env)
    await atWork(canary)
    run.kill('SIGINT')
    await run.until(/Ctrl-C again leaves at once/)
    run.kill('SIGINT')
    const { code, stdout, stderr } = await run.ended
    expect(code, stderr).toBe(130)
    expect(stdout).toBe('')
    const said =
      /Left at once\.\nAt work: web-1\.\nWhat was not confirmed takes itself back.*\n.*\n {2}ctfleet (resume \S+)\n$/
    expect(stderr).toMatch(said)
    await canary.exec('rm /hold')
    const resume = said.exec(stderr)?.[1]?.split(' ') ?? []
    const resumed = await ctfleet([...resume, '--format', 'json'], env)
    expect(statuses(resumed.stdout), resumed.stderr).toEqual({
      'web-1': 'rolled-back',
      ...Object.fromEntries(NAMES.slice(1).map((name) => [name, 'not-reached'])),
    })
    expect(await timeouts(NAMES)).toEqual(Object.fromEntries(NAMES.map((name) => [name, '30'])))
  })
})

test('one machine under two names is planned and changed once', async () => {
  const written = await readFile(lab.inventoryPath, 'utf8')
  const twice = written.replace(/( {8})open-1:\n((?: {10}.*\n)+)/, '$&$1www:\n$2')
  await writeFile(join(dir, 'twice.yaml'), twice)
  const words = ['--strategy', join(dir, 'udp.yaml'), '--limit', 'open-1,www']
  const { stdout, stderr } = await ctfleet(['plan', join(dir, 'twice.yaml'), ...words, '--format', 'json'], env)
  expect(statuses(stdout), stderr).toEqual({ 'open-1': 'planned', www: 'same-machine' })
  expect(resultsIn(stdout).find(({ host }) => host === 'www')?.why).toMatch(/^is the same machine as open-1/)
})

describe('first aid', () => {
  test('says that it takes itself back, and neither shows nor writes a file', async () => {
    await plan(['--limit', 'web-1'])
    const words = [join(dir, 'plan.json'), '--yes', '--for', '1h']
    const { code, stdout, stderr } = await ctfleet(['apply', ...words], env)
    expect(code, stdout + stderr).toBe(0)
    expect(stdout).toContain('It takes itself back 1 h after it was applied; files are not written')
    expect(stdout).not.toContain('90-udp.conf')
    expect(await timeouts(['web-1'])).toEqual({ 'web-1': '17' })
    expect((await lab.host('web-1').exec('ls /etc/sysctl.d')).stdout).not.toContain('90-udp.conf')
    await takeBack()
    expect(await timeouts(['web-1'])).toEqual({ 'web-1': '30' })
  })
})

async function plan(more: readonly string[] = []): Promise<void> {
  const words = ['--strategy', join(dir, 'udp.yaml'), '-o', join(dir, 'plan.json'), ...more]
  const { code, stderr } = await ctfleet(['plan', ...words], env)
  expect(code, stderr).toBe(0)
}

/** What a transaction writes is held up there until `/hold` is gone. */
async function holdUp(host: LabHost): Promise<void> {
  await host.exec(`touch /hold
test -e /usr/local/lab-dd || cp $(command -v dd) /usr/local/lab-dd
rm -f /usr/bin/dd
printf '#!/bin/sh\\nwhile test -e /hold; do sleep 0.1; done\\nexec /usr/local/lab-dd "$@"\\n' > /usr/bin/dd
chmod +x /usr/bin/dd`)
}

/** Waits until a transaction has begun there. */
async function atWork(host: LabHost): Promise<void> {
  const begun = async () => ((await host.exec('ls -d /var/lib/ctfleet/*/about')).code === 0 ? true : undefined)
  const found = await poll(begun, { everyMs: 100, timeoutSeconds: 60 })
  if (found === undefined) throw new Error('no transaction began')
}

async function takeBack(): Promise<void> {
  const { code, stdout, stderr } = await ctfleet(['rollback', 'last', '--yes'], env)
  expect(code, stdout + stderr).toBe(0)
}

type Told = { readonly host: string; readonly status: string; readonly why?: string; readonly fault?: object }

function resultsIn(stdout: string): readonly Told[] {
  return (JSON.parse(stdout) as { readonly hosts: readonly Told[] }).hosts
}

function statuses(stdout: string): { readonly [host: string]: string } {
  return Object.fromEntries(resultsIn(stdout).map(({ host, status }) => [host, status]))
}

async function timeouts(names: readonly string[]): Promise<{ readonly [host: string]: string }> {
  const read = names.map(async (name) => [name, (await lab.host(name).exec(`cat ${UDP}`)).stdout.trim()] as const)
  return Object.fromEntries(await Promise.all(read))
}
