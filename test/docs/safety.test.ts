import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { pageText } from './pages.ts'

/** Each line of docs/safety.md names the test that shows it. */
const page = pageText('docs/safety.md')
const ROWS = page.split('\n').filter((line) => /^\| (?!what goes wrong|---)/.test(line) && !/^\|---/.test(line))

test('there are as many as there should be', () => expect(ROWS.length).toBeGreaterThan(35))

test.each(ROWS)('%s', (row) => {
  const [, file = '', title = ''] = /\| `(test\/[\w/-]+\.test\.ts)`: (.+) \|$/.exec(row) ?? []
  expect(existsSync(file)).toBe(true)
  expect(readFileSync(file, 'utf8').replaceAll('\\', '')).toContain(title)
})
