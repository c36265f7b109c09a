import { expect, test } from 'vitest'
import { jumpsOfCommand, readJumps } from '../../src/transport/ssh-config-jumps.ts'

test.each([
  ['b', [{ name: 'b' }]],
  [
    'u@b:2222,[2001:db8::1]:22',
    [
      { name: 'b', user: 'u', port: 2222 },
      { name: '2001:db8::1', port: 22 },
    ],
  ],
  ['ssh://some%40one@b:22/', [{ name: 'b', user: 'some@one', port: 22 }]],
  ['a@b@c', [{ name: 'c', user: 'a@b' }]],
  ['NONE', []],
  ['b # why', [{ name: 'b' }]],
])('ProxyJump %s', (value, jumps) => {
  expect(readJumps(value)).toEqual({ jumps })
})

test.each(['', 'b,', '@b', 'b:0', 'b:99999', '2001:db8::1', 'a b', '[b'])('ProxyJump %j leads nowhere', (value) => {
  expect(readJumps(value)).toHaveProperty('wrong')
})

test.each([
  ['ssh -W %h:%p b', [{ name: 'b' }]],
  ['ssh b -W %h:%p', [{ name: 'b' }]],
  ['/usr/bin/ssh -q -W [%h]:%p -p 2222 u@b', [{ name: 'b', user: 'u', port: 2222 }]],
  [
    'exec ssh -qW %h:%p -l u -i "/a b/key" -F /etc/other b # the gate',
    [{ name: 'b', user: 'u', identityFiles: ['/a b/key'], configFile: '/etc/other' }],
  ],
  ['ssh -J a,u@c:22 -W%h:%p b', [{ name: 'a' }, { name: 'c', user: 'u', port: 22 }, { name: 'b' }]],
  ['ssh -W %h:%p -l u x@b', [{ name: 'b', user: 'u' }]],
])('%s is a jump', (command, jumps) => {
  expect(jumpsOfCommand(command)).toEqual(jumps)
})

test.each([
  'nc %h %p',
  'ssh b nc %h %p',
  'ssh -W %h:22 b',
  'ssh -W %h:%p -o Port=22 b',
  'ssh -W %h:%p gate-%n',
  'ssh -W %h:%p $GATE',
  'ssh -W %h:%p b || ssh -W %h:%p c',
  'ssh -4 -W %h:%p b',
  'ssh -W %h:%p',
  'ssh -W %h:%p b -i',
  'sshpass -p x ssh -W %h:%p b',
  'ssh -W %h:%p "b',
  '/opt/corp/connect %h %p',
])('%s is more than a jump, or another', (command) => {
  expect(jumpsOfCommand(command)).toBeNull()
})
