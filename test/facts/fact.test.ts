import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { canonicalAddress, linesOf } from '../../src/facts/fact.ts'

describe('addresses', () => {
  test.each([
    ['192.0.2.1', '192.0.2.1'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['2001:0DB8:0000:0000:0001:0000:0000:0000', '2001:db8:0:0:1::'],
    ['2001:db8::1:0:0:1', '2001:db8::1:0:0:1'],
    ['fe80:0000:0000:0000:0000:0000:0000:0010', 'fe80::10'],
    ['1:0:2:3:4:5:6:7', '1:0:2:3:4:5:6:7'],
    ['::ffff:c000:0201', '::ffff:192.0.2.1'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1'],
  ])('%s is %s', (text, canonical) => {
    expect(canonicalAddress(text)).toBe(canonical)
  })
  test.each([
    '',
    '256.0.0.1',
    '1.2.3',
    'xxx.xxx.xxx.xxx',
    '1:2:3:4:5:6:7',
    '1::2::3',
    ':',
    '12345::',
    'a'.repeat(99),
    '::1%eth0',
  ])('%s is none', (text) => {
    expect(canonicalAddress(text)).toBeUndefined()
  })
  test('every IPv6 address has one spelling, and that one is an address', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const once = canonicalAddress(address) ?? ''
        return isIPv6(once) && canonicalAddress(once) === once
      }),
    )
  })
})

test('lines are counted and cut, so that no text is too much', () => {
  expect(linesOf('a\r\n\nb', 10)).toEqual(['a', '', 'b'])
  expect(linesOf('a\nb\nc\n', 2)).toEqual(['a', 'b'])
  expect(linesOf('x'.repeat(9_999), 1)[0]).toHaveLength(2000)
})
