import { describe, expect, test } from 'vitest'
import { parseInventory } from '../../../src/inventory/inventory.ts'
import { selectFrom } from '../../../src/inventory/select-hosts.ts'
import type { Host } from '../../../src/model/host.ts'
import { graphJson, inventoryHostJson, inventoryJson, listJson } from '../../../src/report/json/inventory.ts'
import { jsonText } from '../../../src/report/json/text.ts'
import { graphText, inventoryText } from '../../../src/report/text/inventory.ts'
import { inventoryHostText } from '../../../src/report/text/inventory-host.ts'
import { plain } from '../paper.ts'

const INVENTORY = parseInventory(
  `all:
  vars: { ansible_user: ops }
  hosts: { lone: }
  children:
    web: { hosts: { web-1: { note: "22" }, web-2: } }
    db: { hosts: { db-1: }, vars: { ansible_password: open-sesame } }
    eu: { children: { db: } }
    win: { hosts: { w-1: { ansible_connection: winrm } } }
`,
  'inventory.yaml',
  { cwd: '/', home: '/root' },
)

const way = (name: string, more: Partial<Host> = {}): Host => ({
  name,
  groups: ['web'],
  address: name,
  port: 22,
  user: 'ops',
  identityFiles: [],
  knownHostsFiles: ['~/.ssh/known_hosts'],
  become: 'none',
  transport: 'ssh',
  vars: {},
  origin: 'inventory.yaml:5:19',
  ...more,
})

/** As the command has it, with a limit or without. */
function shown(limit?: string) {
  const { hosts, setAside } = selectFrom(INVENTORY, limit)
  return {
    inventory: INVENTORY,
    chosen: new Set([...hosts, ...setAside].map(({ name }) => name)),
    ways: hosts.map(({ name }) => way(name, name === 'lone' ? { transport: 'local' } : {})),
    wrong: [],
    notes: [{ host: 'web-1', note: 'StrictHostKeyChecking no is not followed' }],
  }
}

test('the summary counts what was understood, and says of hosts set aside where and why', () => {
  expect(inventoryText(plain(80), shown())).toEqual([
    'inventory.yaml: 5 hosts in 5 groups, 1 set aside',
    '  Read',
    '    inventory.yaml',
    '  Groups',
    '    ungrouped: 1 host: lone',
    '    eu: 1 host: db-1',
    '    web: 2 hosts: web-1, web-2',
    '    win: 1 host: w-1',
    '    db: 1 host: db-1',
    '  Reached',
    '    on this machine     lone',
    '    over ssh            web-1, web-2, db-1',
    '  Set aside: nothing is done to these until it is mended',
    '    w-1',
    '      inventory.yaml:8:48 all.children.win.hosts.w-1.ansible_connection: "winrm"',
    '        is not supported',
    '      ctfleet goes over ssh, or works on this machine (local)',
    '  To know',
    '    web-1: StrictHostKeyChecking no is not followed',
  ])
  expect(inventoryJson(shown(), shown())).toMatchObject({
    sources: ['inventory.yaml'],
    hosts: [{ host: 'lone', transport: 'local' }, { host: 'web-1' }, { host: 'web-2' }, { host: 'db-1' }],
    setAside: [{ host: 'w-1', complaints: [{ line: 8, column: 48 }] }],
  })
})

describe('the graph is the one of ansible-inventory', () => {
  test('whole', () => {
    expect(graphText(shown(), true)).toEqual([
      '@all:',
      '  |--@ungrouped:',
      '  |  |--lone',
      '  |--@web:',
      '  |  |--web-1',
      '  |  |--web-2',
      '  |--@db:',
      '  |  |--db-1',
      '  |--@eu:',
      '  |  |--@db:',
      '  |  |  |--db-1',
      '  |--@win:',
      '  |  |--w-1',
    ])
  })
  test('with a limit it has groups that hold somebody', () => {
    expect(graphText(shown('web-2'), false)).toEqual(['@all:', '  |--@web:', '  |  |--web-2'])
    expect(graphJson(shown('web-2'), false)).toMatchObject({
      graph: { name: 'all', children: [{ name: 'web', children: [], hosts: ['web-2'] }], hosts: [] },
    })
  })
})

test('the list is one that Ansible reads, without secrets', () => {
  const list = listJson(shown(), true)
  expect(list).toEqual({
    _meta: {
      hostvars: {
        'db-1': { ansible_password: '(hidden)', ansible_user: 'ops' },
        lone: { ansible_user: 'ops' },
        'w-1': { ansible_connection: 'winrm', ansible_user: 'ops' },
        'web-1': { ansible_user: 'ops', note: '22' },
        'web-2': { ansible_user: 'ops' },
      },
    },
    all: { children: ['ungrouped', 'web', 'db', 'eu', 'win'] },
    db: { hosts: ['db-1'] },
    eu: { children: ['db'] },
    ungrouped: { hosts: ['lone'] },
    web: { hosts: ['web-1', 'web-2'] },
    win: { hosts: ['w-1'] },
  })
  expect(Object.keys(listJson(shown('eu'), false))).toEqual(['_meta', 'all', 'db', 'eu'])
})

describe('one host', () => {
  const host = (name: string, of: Host | null) => ({
    name,
    groups: ['web'],
    way: of,
    complaints: INVENTORY.setAside.filter((each) => each.name === name).flatMap(({ complaints }) => complaints),
    notes: [],
    values: INVENTORY.values.get(name) ?? new Map(),
    passwords: INVENTORY.secrets.has(name) ? ['to log in'] : [],
  })

  test('has its way, hop by hop, and each value with its place', () => {
    const bastion = { ...way('gate.example.com', { port: 2222, user: 'jump' }) }
    const through = way('web-1', { jumps: [bastion], become: 'sudo', hostKeyAlias: 'web' })
    expect(inventoryHostText(plain(80), host('web-1', through))).toEqual([
      'web-1 in web',
      '  Reached',
      '    named in            inventory.yaml:5:19',
      "    transport           ssh, ctfleet's own",
      '    address             web-1, port 22',
      '    user                ops',
      "    keys                the agent's, and the usual files in ~/.ssh",
      '    known hosts         ~/.ssh/known_hosts',
      '    known as            web',
      '    through             jump@gate.example.com:2222',
      '    root                by sudo',
      '  Values',
      '    ansible_user: ops (inventory.yaml:2:25)',
      '    note: "22" (inventory.yaml:5:36)',
    ])
  })

  test('a password is nowhere, and that there is one is told', () => {
    const all = [
      inventoryHostText(plain(80), host('db-1', way('db-1'))).join('\n'),
      jsonText(inventoryHostJson(host('db-1', way('db-1')))),
    ]
    for (const text of all) {
      expect(text).not.toContain('open-sesame')
      expect(text).toContain('(hidden)')
      expect(text).toContain('to log in')
    }
  })

  test('one that is set aside has its values and the complaint', () => {
    const lines = inventoryHostText(plain(80), host('w-1', null)).join('\n')
    expect(lines).toMatch(/Cannot be reached as it is written\n {4}inventory.yaml:8:48 /)
    expect(lines).toMatch(/ansible_connection: winrm \(inventory.yaml:8:48\)/)
  })
})
