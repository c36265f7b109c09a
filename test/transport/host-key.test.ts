import { beforeEach, expect, test, vi } from 'vitest'
import type { SshWay } from '../../src/model/host.ts'

const KEY = Buffer.from('AAAAC3NzaC1lZDI1NTE5AAAAIBVbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tbW1tb', 'base64')
const WAY = { address: '198.18.0.10', port: 22, knownHostsFiles: ['~/.ssh/known_hosts'] } as unknown as SshWay

let keys: typeof import('../../src/transport/host-key.ts')
beforeEach(async () => {
  vi.resetModules()
  keys = await import('../../src/transport/host-key.ts')
})

const next = () => keys.hostKeyFault({ verdict: 'unknown', entries: [] }, KEY, WAY).next

test('the remedy for a key that is not known names the hosts as they were typed', () => {
  expect(next()).toContain('ctfleet keys INVENTORY writes it down, as does ssh-keyscan')
  keys.hostsNamed(['198.18.0.10,', '--user', 'root'])
  keys.hostsNamed(['198.18.0.10,', '--user', 'root'])
  expect(next()).toContain('ctfleet keys 198.18.0.10, --user root writes it down')
})

test('the inventory that is taken where none is named needs no name', () => {
  keys.hostsNamed([])
  expect(next()).toContain('ctfleet keys writes it down')
})

test('hosts that were named in several ways, or at length, leave a placeholder', () => {
  keys.hostsNamed(['a.yaml'])
  keys.hostsNamed(['b.yaml'])
  keys.hostsNamed(['a.yaml'])
  expect(next()).toContain('ctfleet keys INVENTORY writes it down')
})

test('a long list of hosts does not hide the rest of the sentence', () => {
  keys.hostsNamed(['--limit', 'web-1,'.repeat(100)])
  expect(next()).toContain('ctfleet keys INVENTORY writes it down')
})
