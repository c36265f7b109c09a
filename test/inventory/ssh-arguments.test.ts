import { describe, expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { parseInventory } from '../../src/inventory/inventory.ts'
import { readSshArguments } from '../../src/inventory/ssh-arguments.ts'

describe('arguments of ssh are read letter by letter, as ssh reads them', () => {
  const cases: readonly [text: string, options: readonly (readonly [string, string])[], rest?: object][] = [
    ['-Ao User=zed -vp 2222', [...pairs('ForwardAgent yes', 'User zed', 'Port 2222')]],
    ['-vvv -C -4 -o BatchMode=yes', [...pairs('AddressFamily inet', 'BatchMode yes')]],
    ['-oPort=22 -p2222 -lops', [...pairs('Port 22', 'Port 2222', 'User ops')]],
    [
      '-J a,b -i "~/my keys/k" -b 10.0.0.9',
      [...pairs('ProxyJump a,b'), ['IdentityFile', '~/my keys/k'], ['BindAddress', '10.0.0.9']],
    ],
    ['-o ProxyCommand="nc %h %p"', [['ProxyCommand', 'nc %h %p']]],
    ["-o 'ProxyCommand ssh -W %h:%p -q b#1'", [['ProxyCommand', 'ssh -W %h:%p -q b#1']]],
    ['-F none -F other', [], { configFile: 'none' }],
    ['-NL 80:a:80 -D1080', [], { unfollowed: ['-L', '-D'] }],
    ['-e none -S /tmp/x -E log', []],
    ['', []],
  ]
  test.each(cases)('%s', (text, options, rest = {}) => {
    const expected = options.map(([keyword, value]) => ({ keyword, value }))
    expect(readSshArguments(text)).toEqual({ options: expected, unfollowed: [], ...rest })
  })
})

describe('what ssh or Ansible would refuse is a mistake, with its place', () => {
  test.each([
    ['-o ProxyCommand=\\"nc %h %p', 'a quote (") is opened and not closed'],
    ['-J', '-J stands there without a value'],
    ['-vF', '-F stands there without a value'],
    ['-o', '-o stands there without a value'],
    ['-j bastion', 'ssh has no option "-j"'],
    ['-vz', 'ssh has no option "-z"'],
    ['-A bastion', '"bastion" is no option, and ssh would take it for the host'],
    ['--jump b', '"--jump" is no option, and ssh would take it for the host'],
    ['-o Port', 'ctfleet cannot follow -o Port yet'],
  ])('%s', (text, told) => {
    const load = () =>
      parseInventory(`all:\n  hosts:\n    a: {ansible_ssh_common_args: "${text}"}\n`, 'i.yaml', {
        cwd: '/',
        home: '/h',
      })
    expect(load).toThrow(InputError)
    expect(load).toThrow(`i.yaml:3:34 all.hosts.a.ansible_ssh_common_args: ${told}`)
  })
})

function pairs(...words: readonly string[]): readonly (readonly [string, string])[] {
  return words.map((each) => [each.split(' ')[0] ?? '', each.split(' ')[1] ?? ''])
}
