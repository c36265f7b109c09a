import { describe, expect, test } from 'vitest'
import { formatFrom, portsFrom, secondsFrom, wholeNumberFrom } from '../../src/cli/arguments.ts'
import { checkAll, complainAbout } from '../../src/cli/checks.ts'
import { InputError } from '../../src/input/complaint.ts'

describe('ports', () => {
  test('a port is TCP unless it says otherwise; a port named twice is one', () => {
    expect(portsFrom('80, 443/tcp,53/UDP,443')).toEqual([
      { protocol: 'tcp', port: 80 },
      { protocol: 'tcp', port: 443 },
      { protocol: 'udp', port: 53 },
    ])
  })
  test.each(['', '0', '65536', '80/sctp', 'http', '80-90', '80,,443', '-1', '8e1'])('%j is refused', (text) => {
    expect(() => portsFrom(text)).toThrow(InputError)
  })
  test('each wrong one is named', () => {
    expect(() => portsFrom('http,80,70000')).toThrow(/"http" is no port.*"70000" is no port/s)
  })
})

describe('times', () => {
  const from = (text: string) => secondsFrom('--confirm-within', text, { least: 10, most: 3600 })
  test.each([
    ['60s', 60],
    ['2m', 120],
    ['1H', 3600],
  ])('%s is %i seconds', (text, seconds) => {
    expect(from(text)).toBe(seconds)
  })
  test('a number without its unit is asked for it, but nothing is nothing in any', () => {
    expect(() => from('60')).toThrow(
      /--confirm-within: "60" has no unit\n {2}--confirm-within 60s, or --confirm-within 60m/,
    )
    expect(secondsFrom('--pause', '0', { least: 0, most: 10 })).toBe(0)
  })
  test('bounds are said as they would be typed', () => {
    expect(() => secondsFrom('--for', '30s', { least: 60, most: 604_800 })).toThrow(/a time from 1m to 7d/)
  })
  test.each(['', 'soon', '9s', '2h', '1.5m', '-60', '60 s s'])('%j is refused', (text) => {
    expect(() => from(text)).toThrow(/--confirm-within/)
  })
})

test('whole numbers keep their bounds', () => {
  const from = (text: string) => wholeNumberFrom('--forks', text, { least: 1, most: 1000 })
  expect(from('50')).toBe(50)
  for (const text of ['0', '1001', 'many', '', '5.5'])
    expect(() => from(text)).toThrow(/--forks: expected a whole number/)
})

test('a format is text or json', () => {
  expect(formatFrom('json')).toBe('json')
  expect(() => formatFrom('yaml')).toThrow('--format: expected text or json, found "yaml"')
})

test('all mistakes are told at once, in the order of the checks', async () => {
  const checks = checkAll({
    first: () => portsFrom('http'),
    second: () => 2,
    third: async () => {
      throw complainAbout('--limit', 'no such host')
    },
  })
  await expect(checks).rejects.toThrow(/--ports.*--limit/s)
  expect(await checkAll({ one: () => 1, two: async () => 'b' })).toEqual({ one: 1, two: 'b' })
})

test('a bug in a check is no complaint', async () => {
  const bug = () => {
    throw new TypeError('ours')
  }
  await expect(checkAll({ bug })).rejects.toThrow(TypeError)
})
