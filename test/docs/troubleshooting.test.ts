import { expect, test } from 'vitest'
import { FAULT_CODES } from '../../src/facts/document/fault.ts'
import { pageText } from './pages.ts'

test('every code of a fault has its section, and no other is there', () => {
  const named = [...pageText('docs/troubleshooting.md').matchAll(/^### `([\w-]+)`/gm)].map(([, code]) => code)
  expect(new Set(named)).toEqual(new Set(FAULT_CODES))
  expect(named).toHaveLength(FAULT_CODES.length)
})
