import { expect, test } from 'vitest'
import { asAsked, targetWords } from '../../src/cli/targets.ts'
import type { InventoryHost } from '../../src/model/host.ts'

const HOST: InventoryHost = {
  name: 'web-1',
  groups: [],
  address: 'web-1',
  sshOptions: [{ keyword: 'User', value: 'ops' }],
  become: 'none',
  transport: 'ssh',
  vars: {},
  origin: 'hosts:1:1',
}

test('who logs in and how root is had: the inventory goes before the options', () => {
  const firstUser = (host: InventoryHost) => host.sshOptions.find(({ keyword }) => keyword === 'User')?.value
  expect(firstUser(asAsked(HOST, { user: 'root' }))).toBe('ops')
  expect(firstUser(asAsked({ ...HOST, sshOptions: [] }, { user: 'root' }))).toBe('root')
  expect(asAsked(HOST, { become: true }).become).toBe('sudo')
  expect(asAsked({ ...HOST, become: 'su' }, { become: true }).become).toBe('su')
})

test('words to type name the same hosts, and have passwords from where they were had', () => {
  const words = {
    inventory: undefined,
    inventoryOption: 'prod + extra-1,',
    limit: '~web',
    passFrom: 'fd:3',
    askBecomePass: true,
  }
  expect(targetWords(words)).toEqual([
    '-i',
    'prod',
    '-i',
    'extra-1,',
    '--limit',
    '~web',
    '--pass-from',
    'fd:3',
    '--ask-become-pass',
  ])
  expect(targetWords({ inventory: 'hosts', inventoryOption: undefined, limit: undefined })).toEqual(['hosts'])
})
