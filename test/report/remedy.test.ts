import { expect, test } from 'vitest'
import { remedyFor, remedyTyped } from '../../src/report/remedy.ts'

test('a remedy names its hosts, and where they are from, whatever they are called', () => {
  const remedy = 'ctfleet explain --limit HOST says why HOST is so'
  expect(remedyFor(remedy, 'web-1', null)).toBe('ctfleet explain --limit web-1 says why web-1 is so')
  expect(remedyFor(remedy, 'web-1', 'HOST of mine.yaml')).toBe(
    "ctfleet explain -i 'HOST of mine.yaml' --limit web-1 says why web-1 is so",
  )
  expect(remedyTyped(remedy, { limit: 'HOST,b', names: 'HOST and b' }, null)).toBe(
    'ctfleet explain --limit HOST,b says why HOST and b is so',
  )
})
