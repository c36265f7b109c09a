import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { loadInventory } from '../../src/inventory/inventory.ts'
import { absoluteInventory } from '../../src/inventory/named.ts'

// What each of them means is held against Ansible itself in agreement.test.ts.

const CASES = 'test/cases/inventories'
const made: string[] = []

afterAll(async () => {
  for (const directory of made) await rm(directory, { recursive: true, force: true })
})

test('a value that several files set stands where the strongest has it', async () => {
  const { values, files, hosts } = await loadInventory(`${CASES}/precedence/hosts`)
  const of = (name: string) => values.get('both')?.get(name)
  expect(of('who')).toEqual({ value: 'host_vars/both', at: `${CASES}/precedence/host_vars/both:1:6` })
  expect(of('order')).toEqual({ value: 'no extension', at: `${CASES}/precedence/group_vars/web/30-third:1:8` })
  expect(of('prio')?.at).toBe(`${CASES}/precedence/group_vars/web/10-first.yml:2:7`)
  expect(of('top_only')?.at).toBe(`${CASES}/precedence/hosts:20:10`)
  expect(files).toContain(`${CASES}/precedence/group_vars/db/deep/vars.yml`)
  expect(files.some((file) => /ignored|backup|hidden/.test(file))).toBe(false)
  expect(hosts.map(({ name }) => name)).toEqual(['both', 'only-web', 'same'])
})

test('a vault beside the inventory sets aside the hosts that it is about, until its password is given', async () => {
  const source = `${CASES}/vault`
  const shut = await loadInventory(source)
  expect(shut.setAside.map(({ name }) => name)).toEqual(['sealed-1', 'open-1'])
  expect(shut.setAside[0]?.complaints[0]?.file).toBe(`${source}/group_vars/sealed/vault.yml`)
  const open = await loadInventory(source, { vaultPasswords: [{ id: null, password: 'opensesame' }] })
  expect(open.setAside).toEqual([])
  expect([...open.secrets]).toEqual([['sealed-1', { become: 'hunter2' }]])
  expect(open.hosts.find(({ name }) => name === 'sealed-1')).toMatchObject({ vars: {}, secretsFrom: resolve(source) })
})

describe('hosts named in place of a file', () => {
  test('localhost is where ctfleet runs, and a port there is an sshd', async () => {
    const { hosts } = await loadInventory('localhost,localhost:2222,web[1:2]:22')
    expect(hosts.map(({ name, transport, sshOptions }) => [name, transport, sshOptions[0]?.value])).toEqual([
      ['localhost', 'local', undefined],
      ['web1', 'ssh', '22'],
      ['web2', 'ssh', '22'],
    ])
    expect((await loadInventory('localhost')).hosts[0]?.transport).toBe('local')
    expect((await loadInventory('localhost:2222,')).hosts[0]?.transport).toBe('ssh')
  })

  test('a name without a comma is a file', async () => {
    await expect(loadInventory('web-1')).rejects.toThrow(/web-1: no such file\n {2}one host by its name: 'web-1,'/)
    // Nobody calls a host so.
    await expect(loadInventory('plan.json')).rejects.toThrow(/plan\.json: no such file\n {2}name another file/)
  })

  test('several inventories are one text too, and are found from everywhere', async () => {
    const named = `${CASES}/ini/plain + extra,`
    const { file, hosts } = await loadInventory(named)
    expect(file).toBe(named)
    expect(hosts.map(({ name }) => name)).toContain('extra')
    expect(absoluteInventory(named, process.cwd())).toBe(`${resolve(CASES, 'ini/plain')} + extra,`)
  })
})

describe('a program', () => {
  const cases: readonly [what: string, script: string, told: string][] = [
    ['that fails', 'echo no key >&2; exit 3', 'ended with code 3\n  no key'],
    ['that says no JSON', 'echo hello', 'printed what is no JSON: "hello"'],
    ['that says a list', 'echo "[1]"', 'did not say a map of groups'],
    ['with hosts as a map', 'echo \'{"g": {"hosts": {"a": 1}}}\'', 'g.hosts is not a list of names'],
    ['with a circle', 'echo \'{"a": {"children": ["a"]}}\'', 'group "a" would be inside itself'],
    ['without a host', 'echo "{}"', 'names no host'],
    ['that never stops', 'exec cat /dev/zero', 'printed more than 64 MiB'],
    ['with a port in words', 'echo \'{"a": {"ansible_port": "x"}}\'', 'a.ansible_port: expected a whole number'],
  ]
  test.each(cases)('%s', async (_what, script, told) => {
    const directory = await written({ 'inventory.sh': `#!/bin/sh\n${script}\n` }, 0o755)
    await expect(loadInventory(join(directory, 'inventory.sh'))).rejects.toThrow(told)
  })

  test('what it says on stderr is passed on', async () => {
    const directory = await written({ i: '#!/bin/sh\necho slow cloud >&2\necho \'{"g": ["a"]}\'\n' }, 0o755)
    const { notes, hosts } = await loadInventory(join(directory, 'i'))
    expect(notes).toEqual([`${join(directory, 'i')}: slow cloud`])
    expect(hosts.map(({ origin }) => origin)).toEqual([join(directory, 'i')])
  })

  test('that may not be run is not run, and not read', async () => {
    const directory = await written({ i: '#!/bin/sh\necho web-1\n' }, 0o644)
    await expect(loadInventory(join(directory, 'i'))).rejects.toThrow('is a program that may not be run\n  chmod +x')
  })

  test('a plain list that happens to be executable is a list', async () => {
    const directory = await written({ i: 'web-1\n' }, 0o755)
    expect((await loadInventory(join(directory, 'i'))).hosts.map(({ name }) => name)).toEqual(['web-1'])
  })
})

test('every mistake in every file is told at once, each with its place', async () => {
  const directory = await written({
    hosts: '[web]\nweb-1 ansible_port=x\n',
    'group_vars/web.yml': 'ansible_prot: 3\n',
    'group_vars/all/list.yml': '- 1\n',
    'host_vars/web-1.yml': 'a: [\n',
  })
  const told = await loadInventory(directory).catch((error: unknown) => error)
  if (!(told instanceof InputError)) throw told
  expect(told.complaints.map(({ file, line }) => `${file.slice(directory.length + 1)}:${line}`).sort()).toEqual([
    'group_vars/all/list.yml:1',
    'group_vars/web.yml:1',
    'host_vars/web-1.yml:2',
    'hosts:2',
  ])
})

test('a key that is there twice beside the inventory counts as it is said last, but for what ctfleet reads', async () => {
  const twice = (name: string) =>
    written({ hosts: 'web-1\n', 'group_vars/all.yml': `${name}: 1\nx: {y: 1, y: 2}\n${name}: 2\n` })
  const { hosts } = await loadInventory(join(await twice('colour'), 'hosts'))
  expect(hosts[0]?.vars).toEqual({ colour: 2, x: { y: 2 } })
  await expect(loadInventory(join(await twice('ansible_port'), 'hosts'))).rejects.toThrow(
    '"ansible_port" is here twice',
  )
})

test('what `ansible-inventory --list` printed is an inventory', async () => {
  const text = '{"_meta": {"hostvars": {"a": {"ansible_port": 22}}}, "all": {"children": ["g"]}, "g": {"hosts": ["a"]}}'
  const directory = await written({ 'list.json': text })
  const { hosts } = await loadInventory(join(directory, 'list.json'))
  expect(hosts).toMatchObject([{ name: 'a', groups: ['g'], sshOptions: [{ keyword: 'Port', value: '22' }] }])
})

async function written(files: { readonly [name: string]: string }, mode = 0o644): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'ctfleet-sources-'))
  made.push(directory)
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(directory, name)), { recursive: true })
    await writeFile(join(directory, name), text, { mode })
  }
  return directory
}

test('a user before a name in a list is told how to be written', async () => {
  await expect(loadInventory('root@web-1,web-2')).rejects.toThrow('write web-1, and --user root')
})

test('no mistake goes uncounted, however many a program makes', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'ctfleet-sources-'))
  made.push(directory)
  const names = JSON.stringify(Array.from({ length: 1500 }, (_, index) => `no host ${index}`))
  const script = `#!/bin/sh\necho '{"good": {"hosts": ["web-1"]}, "bad": {"hosts": ${names}}}'\n`
  await writeFile(join(directory, 'list.sh'), script, { mode: 0o755 })
  const error: unknown = await loadInventory(join(directory, 'list.sh')).catch((error: unknown) => error)
  expect(error).toBeInstanceOf(InputError)
  expect((error as InputError).complaints).toHaveLength(1500)
})
