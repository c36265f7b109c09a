import { describe, expect, test } from 'vitest'
import { parseInventory } from '../../src/inventory/inventory.ts'
import { selectHosts } from '../../src/inventory/select-hosts.ts'

const INVENTORY = parseInventory(
  'all:\n  hosts: {lone: , "::1": }\n  children:\n    web: {hosts: {web-1: , web-2: , web-10: }}\n    db: {hosts: {db-1: }}\n    eu: {hosts: {web-2: , db-1: }}\n    idle: ',
  'inventory.yaml',
  { cwd: '/', home: '/root' },
)

const cases: readonly [limit: string | undefined, names: readonly string[]][] = [
  [undefined, ['lone', '::1', 'web-1', 'web-2', 'web-10', 'db-1']],
  ['all', ['lone', '::1', 'web-1', 'web-2', 'web-10', 'db-1']],
  ['*', ['lone', '::1', 'web-1', 'web-2', 'web-10', 'db-1']],
  ['db-1,web-1', ['web-1', 'db-1']],
  ['db:web', ['web-1', 'web-2', 'web-10', 'db-1']],
  ['web-?', ['web-1', 'web-2']],
  ['web-[!2]', ['web-1']],
  ['web,!eu', ['web-1', 'web-10']],
  ['web:&eu', ['web-2']],
  ['!web', ['lone', '::1', 'db-1']],
  ['ungrouped', ['lone', '::1']],
  ['::1', ['::1']],
  ['web, idle', ['web-1', 'web-2', 'web-10']],
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
      '--limit: no host or group of inventory.yaml matches "zzz*"\n  it knows lone, ::1, web-1, web-2, web-10, db-1, all, db, eu, idle, web',
    ],
    ['idle', '--limit: "idle" leaves no host of inventory.yaml'],
    ['web,!web', '--limit: "web,!web" leaves no host of inventory.yaml'],
    ['', '--limit: "" leaves no host of inventory.yaml'],
  ]
  test.each(refused)('%j', (limit, told) => {
    expect(() => selectHosts(INVENTORY, limit)).toThrow(told)
  })
})
