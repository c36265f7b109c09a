import { describe, expect, test } from 'vitest'
import { printComplaint } from '../../src/input/complaint.ts'
import { readOpened } from '../../src/inventory/documents.ts'
import { parseInventory } from '../../src/inventory/inventory.ts'

const HERE = { cwd: '/fleet', home: '/home/ada' }
const PASSWORDS = [{ id: null, password: 'opensesame' }]

describe('what is merely not supported sets aside the host that needs it, and no other', () => {
  const cases: readonly [what: string, vars: string, told: string][] = [
    [
      'a template that takes an engine',
      'ansible_host: "{{ hosts[0] | lower }}"',
      'i.yaml:3:23 all.hosts.a.ansible_host: is a template: "{{ hosts[0] | lower }}"',
    ],
    [
      'a name that there is not',
      'ansible_port: "{{ no_such_port }}"',
      'the inventory has no variable no_such_port of this host: write the value itself',
    ],
    ['names in a circle', 'x: "{{ y }}", y: "{{ x }}", ansible_user: "{{ x }}"', 'its names lead in a circle'],
    ['a circle that doubles', 'x: "{{ x }}{{ x }}", ansible_user: "{{ x }}"', 'its names lead in a circle'],
    ['a plugin of Ansible', 'ansible_connection: winrm', '"winrm" is not supported'],
    ['another way to root', 'ansible_become: yes, ansible_become_method: pbrun', '"pbrun" is not supported'],
    ['a vault', 'ansible_user: !vault "$ANSIBLE_VAULT;1.1;AES256"', 'is a vault: it is cut off or damaged'],
    ['a password in a template', "ansible_password: \"{{ lookup('env', 'P') }}\"", 'is a template'],
    ['a template that comes to nonsense', 'p: ssh, ansible_port: "{{ p }}"', 'expected a whole number, found "ssh"'],
  ]
  test.each(cases)('%s', (_what, vars, told) => {
    const { hosts, setAside } = load(`all:\n  hosts:\n    a: {${vars}}\n    b:`)
    expect(hosts.map(({ name }) => name)).toEqual(['b'])
    expect(setAside.map(({ name }) => name)).toEqual(['a'])
    const text = setAside.flatMap(({ complaints }) => complaints.map(printComplaint)).join('\n')
    expect(text).toContain(told)
    expect(text).toMatch(/^i.yaml:3:\d+ all\.hosts\.a\./)
  })

  test('nothing of a secret is said, however it is wrong', () => {
    const { setAside } = load(`
all:
  hosts:
    a: {ansible_password: "hunter{{5"}
    b: {ansible_become: yes, ansible_become_password: "hun{{ter}}5"}
    c: {ansible_password: [hunter5]}
`)
    const told = setAside.flatMap(({ complaints }) => complaints.map(printComplaint)).join('\n')
    expect(setAside.map(({ name }) => name)).toEqual(expect.arrayContaining(['a', 'b']))
    expect(told).toContain('is a template')
    expect(told).not.toMatch(/hun|ter/)
  })

  test('what the host does not need is no matter', () => {
    const { hosts, setAside } = load(`
all:
  hosts:
    a: {ansible_become_method: pbrun, ansible_become_password: "{{ x }}", motd: "{{ x }}", sealed: !vault x}
    b: {ansible_connection: local, ansible_host: "{{ x }}", ansible_user: "{{ y }}"}
    c: {ansible_host: 10.0.0.1}
  vars: {ansible_host: "{{ x }}"}
`)
    expect(hosts.map(({ name }) => name)).toEqual(['b', 'c'])
    // Without an address of its own it needs that of its group.
    expect(setAside.map(({ name }) => name)).toEqual(['a'])
  })
})

describe('templates that need no engine are filled in', () => {
  const cases: readonly [vars: string, address: string][] = [
    ['ansible_host: "{{ inventory_hostname }}.internal"', 'web-1.example.com.internal'],
    ['ansible_host: "{{ inventory_hostname_short }}"', 'web-1'],
    ['ansible_host: "{{ ip }}", ip: 10.0.0.1', '10.0.0.1'],
    ['ansible_host: "{{ ip }}", ip: "{{ net }}.7", net: 10.0.0', '10.0.0.7'],
    ['ansible_host: "{{ nets.lan[\'ip\'] }}", nets: {lan: {ip: 10.0.0.9}}', '10.0.0.9'],
    ['ansible_host: "{{ ips[1] }}", ips: [a, b]', 'b'],
    ['ansible_host: "{{ nothing | default(\'10.0.0.1\') }}"', '10.0.0.1'],
    ['ansible_host: "{{ nothing | default(ip) }}", ip: 10.0.0.2', '10.0.0.2'],
    ['ansible_host: "{{ \'literal\' }}"', 'literal'],
    ['ansible_host: !unsafe x', 'x'],
  ]
  test.each(cases)('%s', (vars, address) => {
    const { hosts, setAside } = load(`all:\n  hosts:\n    web-1.example.com: {${vars}}`)
    expect(setAside).toEqual([])
    expect(hosts[0]?.address).toBe(address)
  })

  test('a number stays one', () => {
    const { hosts } = load('all:\n  hosts:\n    a: {ansible_port: "{{ 22 }}", ansible_become: "{{ root }}", root: yes}')
    expect(hosts[0]).toMatchObject({ sshOptions: [{ keyword: 'Port', value: '22' }], become: 'sudo' })
  })
})

describe('passwords', () => {
  test('stand beside the hosts, not in them, and nothing shows them', () => {
    const inventory = load(`
all:
  vars: {ansible_become: yes, ansible_become_password: "{{ db.root_password }}", db: {root_password: hunter2, name: x}}
  hosts:
    a: {ansible_password: 12345, ansible_ssh_pass: opensesame}
    b: {ansible_become_pass: secret-of-b}
    c: {ansible_become: no}
`)
    expect([...inventory.secrets]).toEqual([
      ['a', { login: 'opensesame', become: 'hunter2' }],
      ['b', { become: 'secret-of-b' }],
    ])
    expect(inventory.hosts.map(({ secretsFrom }) => secretsFrom)).toEqual(['/fleet/i.yaml', '/fleet/i.yaml', undefined])
    const shown = ['a', 'b', 'c'].map((name) => [...(inventory.values.get(name) ?? [])])
    const all = JSON.stringify([inventory.hosts, inventory.groups.map(({ vars }) => [...vars]), shown])
    for (const secret of ['hunter2', '12345', 'opensesame', 'secret-of-b']) expect(all).not.toContain(secret)
    expect(inventory.values.get('a')?.get('ansible_password')).toEqual({
      value: '(hidden)',
      at: 'i.yaml:5:27',
      hidden: true,
    })
    expect(inventory.values.get('a')?.get('db')).toEqual({
      value: { root_password: '(hidden)', name: 'x' },
      at: 'i.yaml:3:86',
    })
  })

  test('come out of vaults, and are shown no more for that', () => {
    const opened = readOpened('test/cases/inventories/vault/hosts.yml', [])
    const text = 'text' in opened ? opened.text : ''
    const sealed = load(text)
    expect(sealed.setAside.map(({ name }) => name)).toEqual(['open-1'])
    const { hosts, setAside, values } = parseInventory(text, 'i.yaml', HERE, PASSWORDS)
    expect(setAside).toEqual([])
    expect(hosts.find(({ name }) => name === 'open-1')?.address).toBe('10.9.9.9')
    expect(hosts.find(({ name }) => name === 'open-2')?.vars).toEqual({})
    expect(values.get('open-2')?.get('api_token')?.hidden).toBe(true)
  })
})

function load(text: string) {
  return parseInventory(text, 'i.yaml', HERE)
}
