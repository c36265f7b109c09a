import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { checkLeftAlone, failuresOf, locate } from '../../src/cli/closing.ts'
import type { Terminal } from '../../src/cli/terminal.ts'
import type { Plan } from '../../src/model/plan.ts'
import type { Run } from '../../src/model/run.ts'
import { scriptedPlanFor } from '../support/scripted-host.ts'

const transaction = '3fe12545e6'
const row = (host: string, plan: Plan | null = scriptedPlanFor(host)) => ({ host, plan, transaction })
const altered = row('web-1', { ...scriptedPlanFor('web-1'), strategy: 'another' })

let directory: string
let run: { readonly place: string; readonly inventory: string; readonly words: object }
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-closing-'))
  run = { place: 'run 1', inventory: join(directory, 'inventory.yaml'), words: {} }
  writeFileSync(run.inventory, 'all:\n  hosts:\n    web-3: { ansible_connection: local }\n')
})
afterAll(() => rmSync(directory, { recursive: true }))

test('a plan that is not as it was written costs its own host, and no other', async () => {
  const located = await locate(run, [altered, row('web-2')], undefined)
  expect(located.map((one) => ('host' in one ? one.host.name : one.fault.message))).toEqual([
    expect.stringContaining('its digest does not match'),
    'web-2',
  ])
  expect(failuresOf(located)).toMatchObject([
    {
      host: 'web-1',
      status: 'failed',
      fault: { next: expect.stringContaining(`sh /var/lib/ctfleet/${transaction}/undo`) },
    },
  ])
})

test('a host without a plan is where the inventory says; one that it names no more costs no other', async () => {
  const located = await locate(run, [row('web-3', null), row('web-4', null)], undefined)
  expect(located.map((one) => 'host' in one)).toEqual([true, false])
  expect(failuresOf(located)).toMatchObject([
    { host: 'web-4', fault: { message: expect.stringContaining('no host web-4') } },
  ])
  const elsewhere = await locate({ ...run, inventory: '/nowhere.yaml' }, [row('web-3', null), row('web-2')], undefined)
  expect(failuresOf(elsewhere)).toMatchObject([
    { host: 'web-3', fault: { message: expect.stringContaining('/nowhere.yaml') } },
  ])
})

test('the limit comes first, and knows also those that nobody can be sent to', async () => {
  const limited = async (limit: string) =>
    (await locate(run, [altered, row('web-2')], limit)).map(({ result }) => result.host)
  expect(await limited('web-2')).toEqual(['web-2'])
  expect(await limited('web-1')).toEqual(['web-1'])
  expect(await limited('web')).toEqual(['web-1', 'web-2'])
})

test('a run of which nobody can tell who is at work is left alone, and the file to look at is named', async () => {
  vi.stubEnv('CTFLEET_STATE', directory)
  const file = join(directory, 'at-work', '20261126-0942-7f3a')
  mkdirSync(join(directory, 'at-work'))
  writeFileSync(file, '')
  const open = { id: '20261126-0942-7f3a', endedAt: null } as Run
  const terminal = { say: () => undefined } as unknown as Terminal
  await expect(checkLeftAlone(open, terminal)).rejects.toThrow(`rm ${file}`)
  await expect(checkLeftAlone({ ...open, endedAt: '2026-11-26T09:50:00.000Z' }, terminal)).resolves.toBeUndefined()
  vi.unstubAllEnvs()
})
