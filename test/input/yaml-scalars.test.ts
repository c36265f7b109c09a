import { expect, test } from 'vitest'
import { plainValue } from '../../src/input/yaml-scalars.ts'

/** What PyYAML 6.0.3 and YAML 1.2 make of a plain value. */
const cases: readonly [text: string, ansible: unknown, core: unknown][] = [
  ['yes', true, 'yes'],
  ['Off', false, 'Off'],
  ['y', 'y', 'y'],
  ['true', true, true],
  ['~', null, null],
  ['', null, null],
  ['22', 22, 22],
  ['0644', 420, 644],
  ['0o644', '0o644', 420],
  ['08', '08', 8],
  ['1_000', 1000, '1_000'],
  ['0x1F', 31, 31],
  ['0b101', 5, '0b101'],
  ['1:30', 90, '1:30'],
  ['1e3', '1e3', 1000],
  ['1.5e+3', 1500, 1500],
  ['1.', 1, 1],
  ['.5', 0.5, 0.5],
  ['-7', -7, -7],
  ['2024-01-01', '2024-01-01', '2024-01-01'],
  ['12345678901234567890', '12345678901234567890', '12345678901234567890'],
  ['.inf', '.inf', '.inf'],
]
test.each(cases)('%j', (text, ansible, core) => {
  expect([plainValue(text, 'ansible'), plainValue(text, 'core')]).toEqual([ansible, core])
})
