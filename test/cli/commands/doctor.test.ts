import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test, vi } from 'vitest'
import { doctorCommand } from '../../../src/cli/commands/doctor.ts'
import { machineChecks, nodeCheck } from '../../../src/cli/doctor-machine.ts'
import { machineText, wayText } from '../../../src/report/text/checkup.ts'
import { local } from '../../../src/transport/local.ts'
import { plain } from '../../report/paper.ts'
import { desk } from '../../support/desk.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-doctor-'))
afterAll(() => rmSync(folder, { recursive: true }))
beforeEach(() => {
  vi.stubEnv('HOME', folder)
  vi.stubEnv('CTFLEET_STATE', join(folder, 'state'))
  vi.stubEnv('SSH_AUTH_SOCK', '')
})
afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('a node that is too old is named, with the least that will do', () => {
  expect(nodeCheck('20.19.0').standing).toBe('ok')
  expect(nodeCheck('22.1.0').standing).toBe('ok')
  expect(nodeCheck('20.18.9')).toMatchObject({ standing: 'failed', next: 'use node 20.19 or later' })
  expect(nodeCheck('18.20.0')).toMatchObject({ standing: 'failed' })
})

test('a machine without agent and terminal will do, and is told what that means', async () => {
  const checks = await machineChecks(desk().terminal, null)
  expect(checks.map(({ check }) => check)).toEqual([
    'program',
    'open files',
    'ssh',
    'agent',
    'known hosts',
    'record',
    'terminal',
  ])
  expect(checks.find(({ check }) => check === 'agent')).toMatchObject({ standing: 'note' })
  expect(checks.find(({ check }) => check === 'record')).toMatchObject({
    standing: 'ok',
    said: `${join(folder, 'state')}, made by the first apply`,
  })
  expect(checks.filter(({ standing }) => standing === 'failed')).toEqual([])
})

test('what is to be done in several lines stands in several lines', () => {
  const next = 'write at least:\nall:\n  hosts:'
  const lines = machineText(plain(80), [{ check: 'inventory', standing: 'failed', said: 'names no host', next }])
  expect(lines.join('\n')).toMatch(/Next: write at least:\n +all:\n +hosts:$/)
})

test('an inventory with mistakes is a step that failed, and no host is contacted', async () => {
  const file = write('bad.yaml', 'all: {hosts: {web-1: {ansible_port: many}}}\n')
  const open = vi.spyOn(local, 'open')
  const { terminal, printed } = desk()
  expect(await doctorCommand(words(file), terminal)).toBe(1)
  const { machine, host } = JSON.parse(printed.join(''))
  expect(host).toBeNull()
  expect(machine.at(-1)).toMatchObject({ check: 'inventory', standing: 'failed' })
  expect(machine.at(-1).said).toContain(`${file}:1:`)
  expect(open).not.toHaveBeenCalled()
})

test('the host that is meant is looked at, and where its way ends the code is 1 and nothing further is advised', async () => {
  const file = write('two.yaml', 'all: {vars: {ansible_connection: local}, hosts: {a: , b: }}\n')
  vi.spyOn(local, 'open').mockResolvedValue({
    refused: { code: 'no-shell', message: 'it runs nothing', next: 'look there' },
  })
  const { terminal, printed, said } = desk()
  expect(await doctorCommand({ ...words(file), limit: 'b' }, terminal)).toBe(1)
  expect(JSON.parse(printed.join('')).host).toMatchObject({ name: 'b', checks: expect.any(Array) })
  expect(said).toEqual([])
})

test('the known hosts are those of the host that is meant, not the usual ones', async () => {
  const known = write('known', '')
  const hosts = `a: {ctfleet_known_hosts_file: ${known}}, b: , c: {ctfleet_known_hosts_file: /dev/null}`
  const file = write('known.yaml', `all: {vars: {ansible_port: 1, ansible_host: 127.0.0.1}, hosts: {${hosts}}}\n`)
  const knownTo = async (limit: string) => {
    const { terminal, printed } = desk()
    await doctorCommand({ ...words(file), limit }, terminal)
    const { machine } = JSON.parse(printed.join(''))
    return machine.find(({ check }: { readonly check: string }) => check === 'known hosts')
  }
  expect(await knownTo('a')).toMatchObject({ standing: 'ok', said: known, next: null })
  expect(await knownTo('b')).toMatchObject({ standing: 'note', said: expect.stringContaining('/.ssh/known_hosts') })
  expect(await knownTo('c')).toMatchObject({ standing: 'note', said: expect.stringContaining('/dev/null'), next: null })
})

test('of several hosts it says which one is looked at, and that the others are not', async () => {
  const file = write('two.yaml', 'all: {vars: {ansible_connection: local}, hosts: {a: , b: , c: }}\n')
  vi.spyOn(local, 'open').mockResolvedValue({
    refused: { code: 'no-shell', message: 'it runs nothing', next: 'look there' },
  })
  const { terminal, printed, said } = desk()
  await doctorCommand(words(file), terminal)
  expect(JSON.parse(printed.join('')).machine.at(-1).said).toBe(`${file}; of its 3 hosts only a is looked at`)
  expect(said.join(' ')).toContain('The other 2 hosts were not looked at: ctfleet doctor --limit HOST looks at one')
})

test('a --limit that means nobody is a mistake in what was typed, not in the inventory', async () => {
  const file = write('two.yaml', 'all: {vars: {ansible_connection: local}, hosts: {web-1: }}\n')
  const { terminal, printed } = desk()
  expect(await doctorCommand({ ...words(file), limit: 'nobody' }, terminal)).toBe(2)
  const { machine, why } = JSON.parse(printed.join(''))
  expect(machine.at(-1)).toMatchObject({
    check: 'hosts',
    standing: 'failed',
    said: expect.stringContaining('--limit: '),
  })
  expect(why).toBe('No host was looked at: --limit means none.')
})

test('what a host says obeys no terminal, and stays within the page', () => {
  const hostile = '\u001b]0;owned\u0007 \u202e'.repeat(30)
  const check = { check: 'login', standing: 'failed', said: hostile, next: hostile } as const
  const lines = [
    ...machineText(plain(60), [check]),
    ...wayText(plain(60), { host: { name: hostile, checks: [check] }, why: null }),
  ]
  expect(lines.join('')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
  for (const line of lines) expect(line.length).toBeLessThanOrEqual(60)
})

function words(inventory: string) {
  return { inventory, inventoryOption: undefined, limit: undefined, format: 'json' }
}

function write(name: string, text: string): string {
  const file = join(folder, name)
  writeFileSync(file, text)
  return file
}
