import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parseInventory } from '../../src/inventory/inventory.ts'
import { selectFrom, selectHosts } from '../../src/inventory/select-hosts.ts'

const HERE = { cwd: '/', home: '/root' }
const INVENTORY = parseInventory(
  'all:\n  hosts: {lone: , "::1": , "fd00::1%eth0": }\n  children:\n    web: {hosts: {web-1: , web-2: , web-10: }}\n    db: {hosts: {db-1: }}\n    eu: {hosts: {web-2: , db-1: }}\n    idle: ',
  'inventory.yaml',
  HERE,
)
const ALL = ['lone', '::1', 'fd00::1%eth0', 'web-1', 'web-2', 'web-10', 'db-1']

const cases: readonly [limit: string | undefined, names: readonly string[]][] = [
  [undefined, ALL],
  ['all', ALL],
  ['*', ALL],
  ['db-1,web-1', ['web-1', 'db-1']],
  ['db:web', ['web-1', 'web-2', 'web-10', 'db-1']],
  ['db web', ['web-1', 'web-2', 'web-10', 'db-1']],
  ['web-?', ['web-1', 'web-2']],
  ['web-[!2]', ['web-1']],
  ['web,!eu', ['web-1', 'web-10']],
  ['web:&eu', ['web-2']],
  ['web:&eu,lone', ['web-2']],
  ['!web', ['lone', '::1', 'fd00::1%eth0', 'db-1']],
  ['ungrouped', ['lone', '::1', 'fd00::1%eth0']],
  ['::1', ['::1']],
  ['::1,fd00::1%eth0,!web', ['::1', 'fd00::1%eth0']],
  ['web, idle', ['web-1', 'web-2', 'web-10']],
  ['~web-\\d$', ['web-1', 'web-2']],
  ['~(?:web|db)-1:&eu', ['db-1']],
  ['~web-\\d{1,1}$,!web-2', ['web-1']],
  ['web[0]', ['web-1']],
  ['web[-1]', ['web-10']],
  ['web[1:]', ['web-2', 'web-10']],
  ['web[0:1]:&eu', ['web-2']],
  ['all:!web[0:1]', ['lone', '::1', 'fd00::1%eth0', 'web-10', 'db-1']],
]
test.each(cases)('--limit %s', (limit, names) => {
  expect(selectHosts(INVENTORY, limit).map(({ name }) => name)).toEqual(names)
})

describe('a pattern that names nothing', () => {
  const refused: readonly [limit: string, told: string][] = [
    ['wbe-1', '--limit: no host or group of inventory.yaml matches "wbe-1"\n  did you mean "web-1"?'],
    ['web,!dbb', '--limit: no host or group of inventory.yaml matches "dbb"\n  did you mean "db"?'],
    [
      'zzz*',
      '--limit: no host or group of inventory.yaml matches "zzz*"\n  it knows lone, ::1, fd00::1%eth0, web-1, web-2, web-10, db-1, all, db, eu, idle, web',
    ],
    ['idle', '--limit: "idle" leaves no host of inventory.yaml'],
    ['web,!web', '--limit: "web,!web" leaves no host of inventory.yaml'],
    ['', '--limit: "" leaves no host of inventory.yaml'],
    ['web[7]', '--limit: there are fewer hosts than "web[7]" counts\n  the first one has number 0'],
    ['~web(', '--limit: "~web(" cannot be read: it has a ( without its )'],
    ['@', '--limit: "@" names no file'],
    ['@/nowhere/failed.txt', '/nowhere/failed.txt: no such file'],
  ]
  test.each(refused)('%j', (limit, told) => {
    expect(() => selectHosts(INVENTORY, limit)).toThrow(told)
  })
})

describe('@file: the hosts of a failed run', () => {
  let dir: string
  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'ctfleet-limit-'))
    writeFileSync(join(dir, 'failed'), '# of yesterday\nweb-10\n\n  web-1  \n')
    writeFileSync(join(dir, 'more'), 'db-1\r\n')
    writeFileSync(join(dir, 'old'), 'web-1\nweb-9\n')
    writeFileSync(join(dir, 'empty'), '# nobody failed\n')
  })
  afterAll(() => rmSync(dir, { recursive: true }))

  const namesOf = (limit: string) => selectHosts(INVENTORY, limit).map(({ name }) => name)

  test('has names one a line, in the order of the inventory', () => {
    expect(namesOf(`@${dir}/failed`)).toEqual(['web-1', 'web-10'])
  })
  test('goes with other patterns and other files', () => {
    expect(namesOf(`@${dir}/failed,@${dir}/more,!web-1`)).toEqual(['web-10', 'db-1'])
    expect(namesOf(`web:!@${dir}/failed`)).toEqual(['web-2'])
  })
  test('a name that is no more is told with its line', () => {
    expect(() => namesOf(`@${dir}/old`)).toThrow(/old:2:1: no host or group of inventory.yaml matches "web-9"\n/)
  })
  test('an empty one never means all', () => {
    expect(() => namesOf(`@${dir}/empty`)).toThrow(/empty: names no host\n/)
  })
})

describe('hosts that are set aside', () => {
  const inventory = parseInventory(
    'all:\n  children:\n    web: {hosts: {web-1: , web-2: {ansible_host: "{{ lookup(1) }}"}}}\n    win: {hosts: {w-1: {ansible_connection: winrm}}}',
    'inventory.yaml',
    HERE,
  )
  test('are known, go with their groups, and keep nobody else from being chosen', () => {
    const { hosts, setAside } = selectFrom(inventory, 'web')
    expect(hosts.map(({ name }) => name)).toEqual(['web-1'])
    expect(setAside.map(({ name }) => name)).toEqual(['web-2'])
    expect(selectHosts(inventory, 'all:!win').map(({ name }) => name)).toEqual(['web-1'])
  })
  test('where no other is chosen it says why they are', () => {
    expect(() => selectHosts(inventory, 'win')).toThrow(/inventory.yaml:4:.* "winrm" is not supported/)
    expect(() => selectHosts(inventory, 'web-2')).toThrow(/is a template/)
  })
})

test('five thousand names of ten thousand are found at once', () => {
  const hosts = Array.from({ length: 10_000 }, (_, at) => ({ name: `web-${at}` }))
  const inventory = { file: 'inventory.yaml', hosts, groups: [{ name: 'all', hosts: hosts.map(({ name }) => name) }] }
  const limit = hosts.filter((_, at) => at % 2 === 0).map(({ name }) => name)
  const begun = performance.now()
  expect(selectHosts(inventory, limit.join(','))).toHaveLength(5000)
  expect(selectHosts(inventory, '~web-\\d*7$')).toHaveLength(1000)
  expect(performance.now() - begun).toBeLessThan(2000)
})
