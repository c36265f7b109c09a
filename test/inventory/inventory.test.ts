import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { InputError, printComplaint } from '../../src/input/complaint.ts'
import { readTextFile } from '../../src/input/text-file.ts'
import { inventoryPath, parseInventory } from '../../src/inventory/inventory.ts'
import type { InventoryHost } from '../../src/model/host.ts'

const HERE = { cwd: '/work/fleet', home: '/home/ada' }

test('a host without variables is reached at its name, and nothing is said of the way to it', () => {
  expect(load('all:\n  hosts:\n    web-1:').hosts).toEqual([
    {
      name: 'web-1',
      groups: ['ungrouped'],
      address: 'web-1',
      sshOptions: [],
      become: 'none',
      transport: 'ssh',
      vars: {},
      origin: 'inventory.yaml:3:5',
    },
  ])
})

test('of a file that names no host at all three mistakes are told, and how many there are', () => {
  const other = JSON.stringify(Object.fromEntries(Array.from({ length: 20 }, (_, at) => [`key-${at}`, `value ${at}`])))
  const told = (text: string): readonly string[] => {
    try {
      parseInventory(text, 'package.json', HERE)
      return []
    } catch (error) {
      if (!(error instanceof InputError)) throw error
      return error.complaints.map(({ message }) => message)
    }
  }
  expect(complaintsAt(other, 'package.json').at(-1)).toMatch(/^package\.json:1:\d+: 17 more mistakes/)
  expect(told(other)).toEqual([
    expect.stringContaining('expected a map'),
    expect.stringContaining('expected a map'),
    expect.stringContaining('expected a map'),
    '17 more mistakes from here on; is this the inventory that you meant?',
  ])
  expect(told('a: 1\nb: 1\nc: 1\nd: 1\n').at(-1)).toBe('1 more mistake; is this the inventory that you meant?')
  // One that names hosts is mended in one go.
  expect(
    told(`all: {hosts: {web-1: }}\n${Array.from({ length: 20 }, (_, at) => `key-${at}: 1\n`).join('')}`),
  ).toHaveLength(20)
})

test('nor is every line of a text complained of that is prose, or a program', () => {
  const prose = '# Fleet\n\nThe hosts of this fleet are below.\n'.concat(
    'Each of them has a name, and is called so.\n'.repeat(40),
  )
  const told = complaintsAt(prose, 'README.md')
  expect(told).toHaveLength(4)
  expect(told[0]).toMatch(/^README\.md:3:\d+ .*expected name=value, found "hosts"/)
  expect(told[3]).toMatch(
    /^README\.md:\d+:\d+: \d+ more mistakes from here on; is this the inventory that you meant\?\n {2}write at least:/,
  )
  // An inventory with some mistakes is mended in one go.
  const mistaken = ['[web]', ...Array.from({ length: 20 }, (_, at) => `web-${at}`), ...Array(8).fill('db-1 primary')]
  expect(complaintsAt(mistaken.join('\n'), 'hosts.ini')).toHaveLength(8)
})

test('nor are millions of mistakes kept', () => {
  const wrong = '!\n'.repeat(30_000)
  expect(complaintsAt(wrong, 'noise').at(-1)).toMatch(/^noise:4:1: thousands of mistakes from here on; is this/)
  const names = Array.from({ length: 40_000 }, (_, at) => `web-${at}`)
  const told = complaintsAt(`${names.join('\n')}\n${wrong}`, 'hosts')
  expect(told).toHaveLength(4)
  expect(told.at(-1)).toMatch(/^hosts:40004:1: thousands of mistakes from here on; is this/)
  // As is prose of which a word may be the name of a host.
  const prose = `web-1\n${'Each of them has a name, and is called so.\n'.repeat(10_000)}`
  expect(complaintsAt(prose, 'README')).toHaveLength(4)
})

function complaintsAt(text: string, file: string): readonly string[] {
  try {
    parseInventory(text, file, HERE)
    return []
  } catch (error) {
    if (!(error instanceof InputError)) throw error
    return error.complaints.map(printComplaint)
  }
}

test('every variable that ctfleet reads', () => {
  const [host] = load(`
all:
  hosts:
    web-1:
      ansible_host: "[2001:db8::1]"
      ansible_port: "2222"
      ansible_user: ops
      ansible_ssh_private_key_file: keys/fleet
      ansible_become: yes
      ansible_become_method: community.general.doas
      ansible_become_user: admin
      ansible_connection: ansible.builtin.ssh
      ansible_host_key_checking: no
      ansible_ssh_args: -F fleet.conf -o Compression=yes
      ansible_ssh_common_args: "-o ControlMaster=auto -o 'UserKnownHostsFile=~/hosts other' -i ~/second"
      ansible_ssh_extra_args: -J bastion
      ctfleet_host_key_alias: web
      ctfleet_transport: openssh
      team: edge
`).hosts
  expect(host).toMatchObject({
    address: '2001:db8::1',
    sshConfigFile: 'fleet.conf',
    sshOptions: [
      { keyword: 'HostKeyAlias', value: 'web' },
      { keyword: 'Compression', value: 'yes' },
      { keyword: 'Port', value: '2222' },
      { keyword: 'User', value: 'ops' },
      { keyword: 'IdentityFile', value: '/work/fleet/keys/fleet' },
      { keyword: 'ControlMaster', value: 'auto' },
      { keyword: 'UserKnownHostsFile', value: '~/hosts other' },
      { keyword: 'IdentityFile', value: '~/second' },
      { keyword: 'ProxyJump', value: 'bastion' },
    ],
    become: 'doas',
    becomeUser: 'admin',
    transport: 'openssh',
    vars: { team: 'edge' },
  })
})

test('of several names for one thing the one counts that counts in Ansible, wherever it stands', () => {
  const text = `
all:
  vars: {ansible_ssh_host: 10.0.0.1, ansible_ssh_port: 23, ansible_ssh_user: old, ansible_become: yes, ansible_su_user: x}
  hosts:
    a: {ansible_host: 10.0.0.2, ansible_port: 24, ansible_user: new, ansible_become_user: root, ansible_sudo_user: adm}
    b: {ansible_ssh_host: , ansible_host: 10.0.0.3}
`
  const [a, b] = load(text).hosts
  expect(a).toMatchObject({ address: '10.0.0.1', becomeUser: 'adm' })
  expect(a === undefined ? '' : said(a)).toBe('23 old')
  expect(b?.address).toBe('10.0.0.3')
})

test('pairs and gateways are told by variables of ours, which no playbook sees', () => {
  const text =
    'all:\n  vars: {ctfleet_pair: 7}\n  hosts: {a: , b: {ctfleet_pair: , ctfleet_gateway: yes}, c: {ctfleet_gateway: no}}'
  const { hosts } = parseInventory(text, 'inventory.yaml', HERE)
  expect(hosts.map(({ pair, gateway, vars }) => [pair, gateway, vars])).toEqual([
    ['7', undefined, {}],
    [undefined, true, {}],
    ['7', undefined, {}],
  ])
})

test('a known_hosts file of our own is the only one read', () => {
  const text = 'all:\n  vars: {ctfleet_known_hosts_file: [a, ~/b]}\n  hosts: {web-1: }'
  expect(load(text).hosts[0]?.sshOptions).toEqual([
    { keyword: 'UserKnownHostsFile', value: '"/work/fleet/a" "/home/ada/b"' },
    { keyword: 'GlobalKnownHostsFile', value: 'none' },
  ])
})

test('deeper groups win over their parents, later names over earlier ones, priority over names, the host over all', () => {
  const text = `
all:
  vars: {a: all, b: all, c: all, d: all, e: all}
  children:
    outer:
      vars: {b: outer, c: outer, d: outer, e: outer}
      children:
        alpha: {vars: {c: alpha, d: alpha, e: alpha, f: alpha}, hosts: {web-1: {e: host}}}
        omega: {vars: {d: omega, e: omega, f: omega}, hosts: {web-1: }}
        first: {vars: {f: first, ansible_group_priority: 5}, hosts: {web-1: }}
`
  const { hosts, groups } = load(text)
  expect(hosts[0]?.vars).toEqual({ a: 'all', b: 'outer', c: 'alpha', d: 'omega', e: 'host', f: 'first' })
  expect(hosts[0]?.groups).toEqual(['outer', 'alpha', 'omega', 'first'])
  expect(groups.find(({ name }) => name === 'outer')?.hosts).toEqual(['web-1'])
})

test('a group that stands in two places is one group, and a host in two groups one host', () => {
  const text = 'a: {children: {c: {hosts: {x: {v: 1}}}}}\nb: {children: {c: }, hosts: {x: {w: 2}}}\nc: {vars: {u: 3}}'
  const { hosts } = load(text)
  expect(hosts).toHaveLength(1)
  expect(hosts[0]).toMatchObject({ groups: ['a', 'b', 'c'], vars: { u: 3, v: 1, w: 2 } })
})

describe('names', () => {
  const cases: readonly [written: string, hosts: readonly string[]][] = [
    ['web[1:3]', ['web1', 'web2', 'web3']],
    ['web[08:10].x', ['web08.x', 'web09.x', 'web10.x']],
    ['web[1:5:2]', ['web1', 'web3', 'web5']],
    ['db-[a:c]', ['db-a', 'db-b', 'db-c']],
    ['r[1:2]s[1:2]', ['r1s1', 'r1s2', 'r2s1', 'r2s2']],
    ['"web[1:2]:2222"', ['web1:2222', 'web2:2222']],
    ['"2001:db8::1"', ['2001:db8::1']],
    ['"[2001:db8::1]:2222"', ['2001:db8::1:2222']],
    ['10.1', ['10.1']],
  ]
  test.each(cases)('%s', (written, hosts) => {
    expect(load(`all:\n  hosts:\n    ${written}:`).hosts.map(nameAndPort)).toEqual(hosts)
  })
})

test('aliases and merge keys work as in Ansible', () => {
  const text =
    'all:\n  hosts:\n    a: &base {ansible_user: ops, ansible_port: 2222}\n    b: {<<: *base, ansible_port: 23}\n    c: *base'
  expect(load(text).hosts.map((host) => said(host))).toEqual(['2222 ops', '23 ops', '2222 ops'])
})

test('secrets, templates and vaults do not get into what plans hold', () => {
  const text = `
all:
  vars:
    db: {name: x, password: hunter2}
    api_token: abc
    motd: "{{ greeting }}"
    sealed: !vault |
      $ANSIBLE_VAULT;1.1;AES256
    literal: !unsafe "{{ kept }}"
  hosts: {web-1: }
`
  expect(load(text).hosts[0]?.vars).toEqual({ db: { name: 'x' }, literal: '{{ kept }}' })
})

describe('mistakes', () => {
  const hint = (...lines: string[]) => lines.map((line) => `\n  ${line}`).join('')
  const cases: readonly [what: string, text: string, told: string][] = [
    [
      'a port in words',
      'all:\n  hosts:\n    db-3:\n      ansible_port: ssh',
      '4:21 all.hosts.db-3.ansible_port: expected a whole number, found "ssh"',
    ],
    [
      'a port too large',
      'all:\n  hosts: {a: {ansible_port: 70000}}',
      `2:29 all.hosts.a.ansible_port: 70000 is no port${hint('ports go from 1 to 65535')}`,
    ],
    [
      'a misspelt key',
      'all:\n  hsots: {a: }',
      `2:3 all.hsots: unknown key "hsots" in a group${hint('did you mean "hosts"?')}`,
    ],
    [
      'a variable beside vars',
      'all:\n  ansible_user: a\n  hosts: {a: }',
      `2:3 all.ansible_user: unknown key "ansible_user" in a group${hint('a variable of the whole group belongs under `vars:`')}`,
    ],
    [
      'a misspelt variable',
      'all:\n  hosts: {a: {ansible_prot: 3}}',
      `2:29 all.hosts.a.ansible_prot: ctfleet knows no variable "ansible_prot"${hint('did you mean "ansible_port"?')}`,
    ],
    [
      'a pair that is no word',
      'all:\n  hosts: {a: {ctfleet_pair: [b, c]}}',
      '2:29 all.hosts.a.ctfleet_pair: expected one word, the same for all hosts of the pair, found a list',
    ],
    [
      'a gateway that is neither yes nor no',
      'all:\n  hosts: {a: {ctfleet_gateway: web-1}}',
      '2:32 all.hosts.a.ctfleet_gateway: expected yes or no, found "web-1"',
    ],
    [
      'a variable of ours that there is not',
      'all:\n  hosts: {a: {ctfleet_colour: 3}}',
      `2:31 all.hosts.a.ctfleet_colour: ctfleet knows no variable "ctfleet_colour"${hint('there are ctfleet_gateway, ctfleet_host_key_alias, ctfleet_known_hosts_file, ctfleet_pair and ctfleet_transport')}`,
    ],
    [
      'hosts as a list',
      'all:\n  hosts:\n    - web-1\n    - web-2',
      `3:5 all.hosts: expected a map of names, found a list${hint('write `web-1:` without a dash, each in its line')}`,
    ],
    [
      'hosts at the top',
      'hosts:\n  web-1:',
      `1:1 hosts: "hosts" stands at the top, outside of any group${hint('put it under `all:`')}`,
    ],
    [
      'a circle',
      'a: {children: {b: {children: {a: }}}}',
      `1:31 a.children.b.children.a: "a" would be inside itself${hint('groups form no circle: take "a" out of here')}`,
    ],
    [
      'a name that is an option',
      'all:\n  hosts: {"-oProxyCommand=x": }',
      `2:11 all.hosts."-oProxyCommand=x": "-oProxyCommand=x" begins with a dash${hint('ssh would take it for an option')}`,
    ],
    [
      'a range backwards',
      'all:\n  hosts: {"a[3:1]": }',
      '2:11 all.hosts."a[3:1]": this range goes from 3 to 1, which is backwards',
    ],
    [
      'a host twice',
      'all:\n  hosts:\n    a:\n    a:',
      `4:5 all.hosts.a: "a" is here twice, first in line 3${hint('keep one of them')}`,
    ],
    [
      'an empty file',
      '# nothing\n',
      `1:1: names no host${hint('write at least:', 'all:', '  hosts:', '    web-1.example.com:')}`,
    ],
    [
      'groups without hosts',
      'all:\n  children: {web: }',
      `1:1: names no host${hint('write at least:', 'all:', '  hosts:', '    web-1.example.com:')}`,
    ],
    [
      'a plugin',
      'plugin: aws_ec2\nregions: [a]',
      `1:1 plugin: configures a plugin of Ansible, and names no hosts itself${hint('let Ansible write it out: ansible-inventory -i FILE --list --yaml > inventory.yaml')}`,
    ],
  ]
  test.each(cases)('%s', (_what, text, told) => {
    expect(messageOf(text)).toBe(`inventory.yaml:${told}`)
  })

  test('all at once, in reading order, each once', () => {
    const text = 'all:\n  vars: {ansible_port: x}\n  hsots: {a: }\nweb:\n  hosts: {a: , b: , "c d": }'
    expect(messageOf(text).match(/^inventory.*?:.*?:/gm)).toEqual([
      'inventory.yaml:2:',
      'inventory.yaml:3:',
      'inventory.yaml:5:',
    ])
  })
})

test('loading is total: an inventory or complaints with places', () => {
  const part = fc.constantFrom(
    'all',
    'web',
    'hosts',
    'children',
    'vars',
    'ansible_port',
    'ansible_host',
    ': ',
    '\n',
    '\n  ',
    '\n    ',
    '\n      ',
    '- ',
    '{',
    '}',
    '[1:3]',
    '22',
    '&a ',
    '*a',
    '<<',
    '!vault ',
    '{{x}}',
    '~',
    '"',
    ',',
  )
  const text = fc.oneof(
    fc.string(),
    fc.array(part, { maxLength: 40 }).map((parts) => parts.join('')),
  )
  fc.assert(
    fc.property(text, (each) => {
      try {
        expect(load(each).hosts.length).toBeGreaterThan(0)
      } catch (error) {
        if (!(error instanceof InputError)) throw error
        const placed = error.complaints.filter(
          ({ message }) => !message.includes('is this the inventory that you meant?'),
        )
        expect(placed.every(({ line, column }) => line !== null && column !== null)).toBe(true)
        expect(placed.length).toBeGreaterThan(0)
      }
    }),
    { numRuns: 2000 },
  )
})

test('ten thousand hosts load within a few seconds', () => {
  const hosts = Array.from(
    { length: 10_000 },
    (_, at) => `    host-${at}: {ansible_host: 10.0.${at >> 8}.${at & 255}, rack: r${at % 40}}`,
  )
  expect(load(`all:\n  hosts:\n${hosts.join('\n')}`).hosts).toHaveLength(10_000)
})

test('the example that comes with ctfleet loads', () => {
  const { hosts } = parseInventory(readTextFile('inventory.example.yaml'), 'inventory.example.yaml', HERE)
  expect(hosts.map((host) => `${nameAndPort(host)} ${host.become}`)).toEqual([
    'web-1.example.com:2222 sudo',
    'web-2.example.com:2222 sudo',
    'web-3.example.com:2222 sudo',
    '192.0.2.11 sudo',
    '2001:db8::12 none',
    'gw-1.example.com sudo',
    'localhost sudo',
  ])
})

test('the inventory is the one named, else the one in the environment, else ./inventory.yaml', () => {
  expect(inventoryPath('a', { CTFLEET_INVENTORY: 'b' })).toBe('a')
  expect(inventoryPath(undefined, { CTFLEET_INVENTORY: 'b' })).toBe('b')
  expect(inventoryPath(undefined, { CTFLEET_INVENTORY: '' })).toBe('./inventory.yaml')
})

function said({ sshOptions }: InventoryHost): string {
  return sshOptions.map(({ value }) => value).join(' ')
}

function nameAndPort({ address, name, sshOptions }: InventoryHost): string {
  const port = sshOptions.find(({ keyword }) => keyword === 'Port')?.value
  return `${name === address ? name : address}${port === undefined ? '' : `:${port}`}`
}

function load(text: string) {
  return parseInventory(text, 'inventory.yaml', HERE)
}

function messageOf(text: string): string {
  try {
    return `loaded ${load(text).hosts.length}`
  } catch (error) {
    if (error instanceof InputError) return error.message
    throw error
  }
}
