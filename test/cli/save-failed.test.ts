import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { failedOf, saveFailed } from '../../src/cli/save-failed.ts'
import { parseInventory } from '../../src/inventory/inventory.ts'
import { selectHosts } from '../../src/inventory/select-hosts.ts'
import { asideResults } from '../../src/run/set-aside.ts'
import { ENDED_FLEET } from '../report/fleet.ts'

let dir: string
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-failed-'))
})
afterAll(() => rmSync(dir, { recursive: true }))

test('what is saved is what --limit @file chooses, whatever hosts are called', async () => {
  const names = ['web-1', '::1', '@odd', '~other', 'db_2.example.com']
  const hosts = [...names, 'well-1'].map((name) => ({ name, groups: [] }))
  const file = join(dir, 'failed')
  expect(await saveFailed(file, names)).toEqual(['', `5 hosts that failed: --limit @${file} names them.`])
  expect(selectHosts({ file: 'inventory.yaml', hosts, groups: [] }, `@${file}`).map(({ name }) => name)).toEqual(names)
})

test('where nobody failed an older list is emptied', async () => {
  const file = join(dir, 'older')
  await saveFailed(file, ['web-1'])
  expect(await saveFailed(file, [])).toEqual(['', `No host failed; ${file} is empty.`])
  expect(readFileSync(file, 'utf8')).toBe('')
})

test('nothing is said where no file was named, and a file that cannot be written hides no result', async () => {
  expect(await saveFailed(undefined, ['web-1'])).toEqual([])
  const [, said] = await saveFailed(join(dir, 'no', 'such'), ['web-1'])
  expect(said).toMatch(/^Those that failed could not be written down: /)
})

test('those count as failed whose end makes the exit code what it is', () => {
  const failed = new Set(failedOf(ENDED_FLEET))
  for (const { host, status } of ENDED_FLEET) {
    if (['unreachable', 'failed', 'refused', 'needs-hands'].includes(status)) expect(failed).toContain(host)
    if (['healthy', 'declined', 'already-right'].includes(status)) expect(failed).not.toContain(host)
  }
  expect(failed.size).toBeGreaterThan(0)
})

test('a host that is set aside fails with its place in the inventory, and how to go on without it', () => {
  const { setAside } = parseInventory('all: {hosts: {web-1: , w-1: {ansible_connection: winrm}}}', 'inventory.yaml', {
    cwd: '/',
    home: '/root',
  })
  expect(asideResults(setAside)).toEqual([
    {
      host: 'w-1',
      status: 'failed',
      fault: {
        code: 'inventory',
        message: 'inventory.yaml:1:50 all.hosts.w-1.ansible_connection: "winrm" is not supported',
        next: "ctfleet goes over ssh, or works on this machine (local); or leave it out: --limit '!w-1'",
      },
    },
  ])
})
