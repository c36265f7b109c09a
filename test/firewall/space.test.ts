import { expect, test } from 'vitest'
import { addressRanges, portRanges } from '../../src/firewall/space.ts'

test.each([
  ['10.0.0.0/8', 'ip', [[0x0a000000n, 0x0affffffn]]],
  ['10.1.2.3/255.255.255.0', 'ip', [[0x0a010200n, 0x0a0102ffn]]],
  ['10.0.0.1-10.0.0.9', 'ip', [[0x0a000001n, 0x0a000009n]]],
  ['0.0.0.0/0', 'ip', [[0n, 0xffffffffn]]],
  ['10.0.0.0/255.0.255.0', 'ip', null],
  ['host.example', 'ip', null],
  ['::1', 'ip6', [[1n, 1n]]],
  ['fe80::/10', 'ip6', [[0xfe80n << 112n, (0xfec0n << 112n) - 1n]]],
  ['::ffff:10.0.0.1', 'ip6', [[0xffff0a000001n, 0xffff0a000001n]]],
  ['1:2:3', 'ip6', null],
] as const)('addresses %s', (text, family, ranges) => {
  expect(addressRanges(text, family)).toEqual(ranges)
})

test.each([
  ['80', [[80, 80]]],
  ['ssh', [[22, 22]]],
  ['1024:', [[1024, 65535]]],
  [':1023', [[0, 1023]]],
  [
    '80,8000:8080',
    [
      [80, 80],
      [8000, 8080],
    ],
  ],
  ['90:80', null],
  ['70000', null],
  ['unheard-of', null],
] as const)('ports %s', (text, ranges) => {
  expect(portRanges(text)).toEqual(ranges)
})
