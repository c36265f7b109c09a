import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** Which hosts a command is about: by name, by what is found on them, and by how they ended the last time. */

const able = canRunLab()
const FULL = ['--where', 'conntrack.usage > 0.8']

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'healthy-1', 'changedkey-1'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await lab.host('web-1').fill({ percent: 95, port: 443 })
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

test('facts and plan keep to hosts for which --where is true, and those that failed are chosen again by their file', async () => {
  const failed = join(dir, 'failed.txt')
  const [facts, plan] = await Promise.all([
    ctfleet(['facts', ...FULL, '--format', 'json', '--save-failed', failed], env),
    ctfleet(['plan', ...FULL], env),
  ])
  expect([facts.code, plan.code], facts.stderr + plan.stderr).toEqual([1, 1])
  const told: Told = JSON.parse(facts.stdout)
  expect(told.hosts.map(({ host, status }) => [host, status])).toEqual([
    ['web-1', 'read'],
    ['changedkey-1', 'unreachable'],
  ])
  expect(told.where).toEqual({ leftOut: ['healthy-1'], unsure: [] })
  expect(facts.stderr).toContain(`--limit @${failed} names them`)
  expect(plan.stdout).toMatch(/^2 hosts: 1 unreachable, 1 planned$/m)
  expect(plan.stdout).toMatch(/^1 host left out by --where\.$/m)
  expect(plan.stderr).toMatch(/Next: ctfleet apply .*--where 'conntrack.usage > 0.8'/)

  expect(await readFile(failed, 'utf8')).toBe('changedkey-1\n')
  const again = await ctfleet(['facts', '--limit', `@${failed}`, '--format', 'json'], env)
  expect((JSON.parse(again.stdout) as Told).hosts.map(({ host }) => host)).toEqual(['changedkey-1'])

  // The same condition over what was recorded contacts nobody.
  const recorded = join(dir, 'facts.json')
  await writeFile(recorded, facts.stdout)
  const words = ['plan', '--facts', recorded, '--where', 'conntrack.usage > 0.99', '--limit', 'web-1']
  const foretold = await ctfleet(words, { ...env, CTFLEET_INVENTORY: '' })
  expect(foretold.code, foretold.stderr).toBe(0)
  expect(foretold.stdout).toMatch(/No host is left\.\n1 host left out by --where\./)
})

test('apply leaves a host alone of which --where cannot be told, names it, and fails', async () => {
  const condition = 'conntrack.timeouts["of_tomorrow"] > 60'
  const words = ['apply', '--yes', '--limit', 'web-1,healthy-1', '--where', condition, '--format', 'json']
  const { code, stdout, stderr } = await ctfleet(words, env)
  expect(code, stderr).toBe(1)
  const why = 'this host has no conntrack.timeouts.of_tomorrow'
  expect(JSON.parse(stdout)).toMatchObject({
    hosts: [],
    where: { leftOut: [], unsure: ['web-1', 'healthy-1'].map((host) => ({ host, why })) },
  })
  expect((await lab.host('web-1').exec('ls /var/lib/ctfleet 2>&1 || true')).stdout).toContain('No such file')
})

test('inventory shows the way to hosts and contacts none of them', async () => {
  const [graph, host] = await Promise.all([
    ctfleet(['inventory', '--graph', '--limit', 'web-1'], env),
    ctfleet(['inventory', '--host', 'web-1', '--format', 'json'], env),
  ])
  expect(graph).toMatchObject({ code: 0, stderr: '' })
  expect(graph.stdout).toMatch(/^@all:\n[\s\S]*--web-1$/m)
  const { address, port } = lab.host('web-1')
  expect(JSON.parse(host.stdout)).toMatchObject({ host: 'web-1', way: { address, port, transport: 'ssh' } })
})

type Told = {
  readonly hosts: readonly { readonly host: string; readonly status: string }[]
  readonly where?: object
}
