import { expect, test } from 'vitest'
import { portLists } from '../../src/firewall/ports.ts'

test('fifteen ports to a list, a range counts as two', () => {
  const apart = Array.from({ length: 16 }, (_, index) => 1000 + 2 * index)
  expect(portLists(apart).map((list) => list.length)).toEqual([15, 1])
  expect(portLists([...apart.slice(0, 14), 5000, 5001, 5002])).toEqual([apart.slice(0, 14).map(String), ['5000:5002']])
})

test('two neighbours stay two ports, doubles become one', () => {
  expect(portLists([81, 80, 80])).toEqual([['80', '81']])
})
