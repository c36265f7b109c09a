import { expect, test } from 'vitest'
import { newKeyring } from '../../src/transport/keyring.ts'

test('what was told of one host goes before what was told for all, and root’s password is the login’s unless told', () => {
  const keyring = newKeyring()
  const web = { name: 'web-1' }
  expect([keyring.loginPassword(web), keyring.becomePassword(web)]).toEqual([undefined, undefined])
  keyring.holdForAll({ login: 'for all' })
  expect([keyring.loginPassword(web), keyring.becomePassword(web)]).toEqual(['for all', 'for all'])
  keyring.holdFor('web-1', { login: 'its own' })
  expect([keyring.loginPassword(web), keyring.becomePassword(web)]).toEqual(['its own', 'its own'])
  keyring.holdForAll({ become: 'root’s' })
  expect([keyring.loginPassword(web), keyring.becomePassword(web)]).toEqual(['its own', 'root’s'])
  keyring.holdFor('web-1', { become: 'its root’s' })
  expect([keyring.loginPassword(web), keyring.becomePassword(web)]).toEqual(['its own', 'its root’s'])
  expect(keyring.loginPassword({ name: 'web-2' })).toBe('for all')
})

test('an emptied keyring has nothing left', () => {
  const keyring = newKeyring()
  keyring.holdForAll({ login: 'a', become: 'b' })
  keyring.holdFor('web-1', { login: 'c' })
  keyring.holdPassphrase('/key', 'd')
  expect(keyring.passphrase('/key')).toBe('d')
  keyring.empty()
  expect([keyring.loginPassword({ name: 'web-1' }), keyring.becomePassword({ name: 'web-1' })]).toEqual([
    undefined,
    undefined,
  ])
  expect(keyring.passphrase('/key')).toBe(undefined)
})
