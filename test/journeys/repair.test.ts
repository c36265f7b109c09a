import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'

/** What others do to our rules after an apply, and what becomes of the service then. */

const able = canRunLab()
let lab: Lab
let env: { readonly [name: string]: string }

beforeEach((context) => {
  if (!able.ok) context.skip(able.why)
})

beforeAll(async () => {
  if (!able.ok) return
  lab = await startLab({ hosts: ['web-1', 'web-2'] })
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(lab.dir, 'state') }
})

afterAll(async () => {
  await lab?.down()
  if (lab !== undefined) await rm(lab.dir, { recursive: true, force: true })
})

const NOTRACK = ['--limit', 'web-1', '--strategy', 'notrack', '--ports', '80']

/** Whether web-1 serves its port 80 to a neighbour. */
async function served(): Promise<boolean> {
  const { address } = lab.host('web-1')
  const ask = `exec 3<>/dev/tcp/${address}/80 && echo hello >&3 && read -r -t 4 answer <&3 && [ "$answer" = hello ]`
  return (await lab.host('web-2').exec(['timeout', '6', 'bash', '-c', ask])).code === 0
}

test('a rule of ours that somebody removed does not keep the others from going, nor the host from serving', async () => {
  const web = lab.host('web-1')
  const before = await web.dump()
  const applied = await ctfleet(['apply', ...NOTRACK, '--yes'], env)
  expect(applied.code, applied.stdout + applied.stderr).toBe(0)
  expect(await served()).toBe(true)
  expect((await web.exec('iptables -t raw -D PREROUTING 2')).code).toBe(0)
  const rolledBack = await ctfleet(['rollback', 'last', '--yes'], env)
  expect(rolledBack.code, rolledBack.stdout + rolledBack.stderr).toBe(0)
  expect(await served()).toBe(true)
  expect(await web.dump()).toBe(before)
})

test('after a reload of the filter table alone the rollback still brings everything back', async () => {
  const web = lab.host('web-1')
  const before = await web.dump()
  expect((await ctfleet(['apply', ...NOTRACK, '--yes'], env)).code).toBe(0)
  // As the host's own service does at a reload: its file holds nothing but the filter table.
  expect((await web.exec('iptables-restore < /etc/iptables/rules.v4')).code).toBe(0)
  expect(await served()).toBe(false)

  const first = await ctfleet(['rollback', 'last', '--yes'], env)
  expect(first.code, first.stdout + first.stderr).toBe(0)
  expect(await served()).toBe(true)
  expect(await web.dump()).toBe(before)
})

test('a plan made after such a reload is not empty, and mends the service', async () => {
  const web = lab.host('web-1')
  expect((await ctfleet(['apply', ...NOTRACK, '--yes'], env)).code).toBe(0)
  const applied = await web.dump()
  expect((await web.exec('iptables-restore < /etc/iptables/rules.v4')).code).toBe(0)
  expect(await served()).toBe(false)
  // Without a word about ports as well: the host says itself what is broken.
  const seen = await ctfleet(['plan', '--limit', 'web-1', '--exit-code'], env)
  expect(seen.stdout).toMatch(/ctfleet left tcp port 80 untracked, and accepts that this needs are gone/)
  expect(seen.code, seen.stdout + seen.stderr).toBe(4)
  expect((await ctfleet(['plan', ...NOTRACK, '--exit-code'], env)).code).toBe(4)
  const mended = await ctfleet(['apply', ...NOTRACK, '--yes'], env)
  expect(mended.code, mended.stdout + mended.stderr).toBe(0)
  expect(await served()).toBe(true)
  const rules = (dump: string) => dump.split('\n').filter((line) => line.includes('-A '))
  expect(rules(await web.dump()).toSorted()).toEqual(rules(applied).toSorted())
})
