import { expect, test } from 'vitest'
import type { KeysResult } from '../../../src/model/host-keys.ts'
import { keysJson } from '../../../src/report/json/keys.ts'
import { decisionsText, keysText } from '../../../src/report/text/keys.ts'
import { aFault } from '../fleet.ts'
import { marked, plain } from '../paper.ts'

const print = (letter: string) => `SHA256:${letter.repeat(43)}`
const place = { port: 22, file: null, why: null, status: 'asked' } as const
const FLEET: readonly KeysResult[] = [
  {
    ...place,
    host: 'web-1',
    address: '10.0.0.1',
    decision: 'written',
    file: '~/.ssh/known_hosts',
    keys: [
      { type: 'ssh-ed25519', fingerprint: print('a'), standing: 'new', origin: null },
      { type: 'ecdsa-sha2-nistp256', fingerprint: print('b'), standing: 'known', origin: null },
    ],
  },
  {
    ...place,
    host: '10.0.0.2',
    address: '10.0.0.2',
    port: 2222,
    decision: 'withheld',
    keys: [
      { type: 'ssh-ed25519', fingerprint: print('c'), standing: 'changed', origin: '~/.ssh/known_hosts:7' },
      { type: 'ssh-rsa', fingerprint: print('d'), standing: 'revoked', origin: '/etc/ssh/ssh_known_hosts:2' },
    ],
  },
  {
    ...place,
    host: 'db-1',
    address: 'db-1',
    decision: 'unwritten',
    why: '/root/k may not be written by this user',
    keys: [],
  },
  { ...place, host: 'db-2', address: 'db-2', decision: 'declined', keys: [] },
  { host: 'dead-1', address: '10.0.0.9', port: 22, status: 'unreachable', fault: aFault() },
  { host: 'late-1', address: '10.0.0.10', port: 22, status: 'not-reached', why: 'the run was stopped before its turn' },
]

test.each([80, 200])('keys of hosts on %i columns', async (columns) => {
  const paper = plain(columns)
  const lines = [...keysText(paper, FLEET), '', ...decisionsText(paper, FLEET)]
  await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`../screens/keys-${columns}.txt`)
  for (const line of lines) expect(paper.width(line)).toBeLessThanOrEqual(columns)
})

test('a key that is not the known one stands out, and one that is does not', () => {
  const text = keysText(marked(200), FLEET).join('\n')
  expect(text.match(/<bad:(?:CHANGED|REVOKED)>/g)).toHaveLength(2)
  expect(text).toContain('<good:known>')
})

test('as JSON every host has the same members', () => {
  const { hosts } = keysJson(FLEET) as { hosts: readonly object[] }
  const members = ['host', 'address', 'port', 'status', 'keys', 'decision', 'file', 'fault', 'why']
  for (const host of hosts) expect(Object.keys(host)).toEqual(members)
})
