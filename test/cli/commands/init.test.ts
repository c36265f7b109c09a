import {
  existsSync,
  lstatSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { parsePolicy } from '../../../src/audit/parse-policy.ts'
import { DEFAULT_POLICY } from '../../../src/audit/policy.ts'
import { inventoryOf, typedHosts } from '../../../src/cli/begun-inventory.ts'
import { initCommand } from '../../../src/cli/commands/init.ts'
import { InputError } from '../../../src/input/complaint.ts'
import { type Inventory, loadInventory } from '../../../src/inventory/inventory.ts'
import type { InventoryHost } from '../../../src/model/host.ts'
import { desk } from '../../support/desk.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-init-'))
afterAll(() => rmSync(folder, { recursive: true }))
const INVENTORY = { policy: false }
let files = 0
const fresh = () => join(folder, `${files++}.yaml`)

test('hosts that are named are in the inventory, with who logs in and where', async () => {
  const file = fresh()
  const { terminal, printed, said } = desk()
  expect(
    await initCommand(
      [file, 'web-[1:2].example.com', 'ops@db-1:2222,10.0.0.7', '[2001:db8::7]:22'],
      INVENTORY,
      terminal,
    ),
  ).toBe(0)
  const { hosts, setAside } = await loadInventory(file)
  expect(setAside).toEqual([])
  expect(hosts.map(({ name, address, sshOptions }) => [name, address, sshOptions])).toEqual([
    ['web-1.example.com', 'web-1.example.com', []],
    ['web-2.example.com', 'web-2.example.com', []],
    [
      'db-1',
      'db-1',
      [
        { keyword: 'Port', value: '2222' },
        { keyword: 'User', value: 'ops' },
      ],
    ],
    ['10.0.0.7', '10.0.0.7', []],
    ['2001:db8::7', '2001:db8::7', [{ keyword: 'Port', value: '22' }]],
  ])
  expect(printed).toEqual([`${file}: 5 hosts`])
  expect(said.join('\n')).toContain(`ctfleet doctor -i ${file} --limit web-1.example.com`)
})

test('without hosts it is the example, which says what to do with it', async () => {
  const file = fresh()
  const { terminal, printed } = desk()
  expect(await initCommand([file], INVENTORY, terminal)).toBe(0)
  const [first] = readFileSync(file, 'utf8').split('\n')
  expect(first).toBe("# An inventory for ctfleet: Ansible's YAML format. Put your own hosts in place of these.")
  expect(printed[0]).toMatch(/: \d hosts, all of them made up$/)
})

test('what is there is left as it is, be it a link that leads nowhere', async () => {
  const [file, link] = [fresh(), fresh()]
  writeFileSync(file, 'mine\n')
  symlinkSync(join(folder, 'nowhere'), link)
  const { terminal } = desk()
  await expect(initCommand([file, 'web-1'], INVENTORY, terminal)).rejects.toThrow(
    `${file}: is there already, and was left as it is`,
  )
  await expect(initCommand([link, 'web-1'], INVENTORY, terminal)).rejects.toThrow('is there already')
  expect(readFileSync(file, 'utf8')).toBe('mine\n')
  expect(lstatSync(link).isSymbolicLink() && !existsSync(join(folder, 'nowhere'))).toBe(true)
})

test('a policy is begun from its example, which an editor can check, and names no hosts', async () => {
  const file = fresh()
  const { terminal, said } = desk()
  expect(await initCommand([file], { policy: true }, terminal)).toBe(0)
  const [first = '', second] = readFileSync(file, 'utf8').split('\n')
  expect(existsSync(first.replace('# yaml-language-server: $schema=', ''))).toBe(true)
  expect(second).toBe('# A policy for ctfleet audit. Name it: ctfleet audit --policy policy.yaml')
  expect(said).toContain(`  ctfleet audit --policy ${file}`)
  expect(parsePolicy(readFileSync(file, 'utf8'), file)).toBeDefined()
  await expect(initCommand([fresh(), 'web-1'], { policy: true }, terminal)).rejects.toThrow('a policy names no hosts')
})

const mistakes: readonly [word: string, told: string][] = [
  ['web 1', '"web 1" is no host'],
  ['-oProxyCommand=x', 'is no host'],
  ['web-1:70000', 'is no host'],
  ['ops@', 'is no host'],
  ['web-1: {a', 'is no host'],
]
test.each(mistakes)('%s is no host, and nothing is written', async (word, told) => {
  const file = fresh()
  await expect(initCommand([file, word], INVENTORY, desk().terminal)).rejects.toThrow(told)
  expect(existsSync(file)).toBe(false)
})

const hostile = fc.string({ unit: fc.constantFrom(...Array.from('ab1.-_@:[]{}#&*!|>\'"%, \n\u001b'), '2001:db8::') })
lawTest.prop([fc.array(hostile, { maxLength: 4 })], { numRuns: 60 })(
  'whatever is typed is refused, or is an inventory that reads as it was typed',
  async (words) => {
    let typed: ReturnType<typeof typedHosts>
    try {
      typed = typedHosts(words)
    } catch (error) {
      expect(error).toBeInstanceOf(InputError)
      return
    }
    if (typed.length === 0) return
    const file = fresh()
    writeFileSync(file, inventoryOf(typed))
    const { hosts, setAside } = await loadInventory(file)
    expect(setAside).toEqual([])
    const plain = typed.filter(({ name }) => !name.includes('['))
    expect(hosts.map(({ name }) => name)).toEqual(expect.arrayContaining(plain.map(({ name }) => name)))
  },
)

describe('from another inventory it has the same hosts, in the same groups, reached in the same way', () => {
  const cases = join(import.meta.dirname, '../../cases/inventories')
  const all = readdirSync(cases, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /^(?:hosts|plain)|\.(?:ini|ya?ml)$/.test(entry.name))
    .map(({ parentPath, name }) => join(parentPath, name))
  test.each(all.map((path) => [relative(cases, path), path]))('%s', async (_name, path) => {
    let from: Inventory
    try {
      from = await loadInventory(path)
    } catch (error) {
      expect(error).toBeInstanceOf(InputError)
      return
    }
    if (from.hosts.length === 0) return
    const file = fresh()
    expect(await initCommand([file], { policy: false, from: path }, desk().terminal)).toBe(0)
    const begun = await loadInventory(file)
    expect(begun.setAside).toEqual([])
    expect(begun.hosts.map(wayIn)).toEqual(from.hosts.map(wayIn))
    const text = readFileSync(file, 'utf8')
    for (const { login, become } of from.secrets.values())
      for (const password of [login, become]) if (password !== undefined) expect(text).not.toContain(password)
  })
})

/** But for where each value is written, and for variables that ctfleet does not read. */
function wayIn({ origin: _origin, vars: _vars, secretsFrom: _secrets, groups, sshOptions, ...way }: InventoryHost) {
  return {
    ...way,
    groups: groups.filter((group) => group !== 'all' && group !== 'ungrouped').toSorted(),
    sshOptions: sshOptions.map(({ keyword, value }) => `${keyword} ${value}`),
  }
}

test('a list of hosts, with comments, becomes an inventory', async () => {
  const [list, file] = [join(folder, 'hosts.txt'), fresh()]
  writeFileSync(list, '# of the web\r\nweb-1 # first\r\nops@db-1:2222, 10.0.0.7\n\n')
  const { terminal, printed } = desk()
  expect(await initCommand([file], { policy: false, from: list }, terminal)).toBe(0)
  expect(printed).toEqual([`${file}: 3 hosts`])
  expect((await loadInventory(file)).hosts.map(({ name }) => name)).toEqual(['web-1', 'db-1', '10.0.0.7'])
})

test('passwords stay where they are, and that is said', async () => {
  const [ini, file] = [join(folder, 'with.ini'), fresh()]
  writeFileSync(ini, '[web]\nweb-1 ansible_user=ops ansible_password=hunter2 ansible_become_password=hunter3\n')
  const { terminal, said } = desk()
  expect(await initCommand([file], { policy: false, from: ini }, terminal)).toBe(0)
  expect(readFileSync(file, 'utf8')).not.toMatch(/hunter|\(hidden\)/)
  expect(said[0]).toBe(`${ini}: passwords were not taken over; ctfleet plan -k -K asks for them`)
})

const slips: readonly [words: readonly string[], from: string | undefined, told: string][] = [
  [['hosts.ini'], undefined, 'hosts.ini is a file\n  to take its hosts: ctfleet init --from hosts.ini'],
  [['web-1'], 'hosts.ini', '--from: hosts are named beside it: web-1'],
  [[], 'nowhere.ini', 'nowhere.ini: no such file'],
]
test.each(slips)('init %j --from %s says what is wrong, and writes nothing', async (words, from, told) => {
  const file = fresh()
  writeFileSync(join(folder, 'hosts.ini'), 'web-1\n')
  const at = (word: string) => (word.endsWith('.ini') ? join(folder, word) : word)
  await expect(
    initCommand(
      [file, ...words.map(at)],
      { policy: false, from: from === undefined ? from : at(from) },
      desk().terminal,
    ),
  ).rejects.toThrow(told.replaceAll('hosts.ini', join(folder, 'hosts.ini')).replace('nowhere', join(folder, 'nowhere')))
  expect(existsSync(file)).toBe(false)
})

test('a begun policy judges as none does, and each of its examples is a rule once its mark is taken away', async () => {
  const file = fresh()
  await initCommand([file], { policy: true }, desk().terminal)
  const begun = readFileSync(file, 'utf8')
  expect(parsePolicy(begun, file)).toEqual({ ...DEFAULT_POLICY, file })
  const uncommented = begun.replace(/^# (?=[a-z-]+:$| {2})/gm, '')
  expect(parsePolicy(uncommented, file).own.length).toBeGreaterThan(0)
})
