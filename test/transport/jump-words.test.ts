import { expect, test } from 'vitest'
import type { SshWay } from '../../src/model/host.ts'
import { loginAtJump, nameOfJump, typedBehind } from '../../src/transport/jump-words.ts'

const jump = (address: string, port = 22): SshWay => ({
  address,
  port,
  user: 'ops',
  identityFiles: [],
  knownHostsFiles: [],
})

test('a host in between is called as it is typed behind -J', () => {
  expect([jump('b1'), jump('b1', 2222), jump('fd00::1', 2222)].map(nameOfJump)).toEqual([
    'ops@b1',
    'ops@b1:2222',
    'ops@[fd00::1]:2222',
  ])
  expect(loginAtJump([jump('b1')])).toBe('ssh -p 22 ops@b1')
  expect(loginAtJump([jump('b1'), jump('b2'), jump('b3', 2222)])).toBe('ssh -J ops@b1,ops@b2 -p 2222 ops@b3')
})

test('the commands of a fault lead through them, and files are written here', () => {
  const next =
    'First compare; if it is the same: ssh-keyscan -t ed25519 -p 22 web-1 >> ~/.ssh/known_hosts; or: ssh -v -p 22 web-1'
  const fault = { code: 'host-key-unknown', message: 'its host key is not known', next } as const
  expect(typedBehind([jump('b1'), jump('b2')], fault).next).toBe(
    'First compare; if it is the same: ssh -J ops@b1 -p 22 ops@b2 ssh-keyscan -t ed25519 -p 22 web-1 >> ~/.ssh/known_hosts; or: ssh -v -J ops@b1,ops@b2 -p 22 web-1',
  )
  expect(typedBehind([], fault)).toEqual(fault)
  const way = {
    ...jump('web-1'),
    identityFiles: ['/keys/fleet key'],
    knownHostsFiles: ['/fleet/known', '~/.ssh/known_hosts'],
  }
  expect(typedBehind([jump('b1')], fault, way).next).toContain(
    `ssh -v -J ops@b1 -i '/keys/fleet key' -o 'UserKnownHostsFile="/fleet/known"' -p 22 web-1`,
  )
})
