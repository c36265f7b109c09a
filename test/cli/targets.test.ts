import { expect, test } from 'vitest'
import { asAsked, targetsFrom, targetWords } from '../../src/cli/targets.ts'
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

test('for as long as hosts are at work the inventory is kept as far as patterns choose from it, without all that is said in it', async () => {
  const words = { inventory: 'web-[1:3],', inventoryOption: undefined, limit: 'web-2' }
  const { hosts, whole } = await targetsFrom(words)
  expect(hosts.map(({ name }) => name)).toEqual(['web-2'])
  expect(whole.hosts.map(({ name }) => name)).toEqual(['web-1', 'web-2', 'web-3'])
  expect(Object.keys(whole).sort()).toEqual(['file', 'groups', 'hosts', 'setAside'])
})
