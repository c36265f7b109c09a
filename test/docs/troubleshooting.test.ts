import { readdirSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { FAULT_CODES } from '../../src/facts/document/fault.ts'

/** docs/troubleshooting.md has every fault that there is, and no message that nothing says any more. */
const page = readFileSync('docs/troubleshooting.md', 'utf8')

test('every code of a fault has its section, and no other is there', () => {
  const named = [...page.matchAll(/^### `([\w-]+)`/gm)].map(([, code]) => code)
  expect(new Set(named)).toEqual(new Set(FAULT_CODES))
  expect(named).toHaveLength(FAULT_CODES.length)
})

/** All texts of the program: its own, those of its playbooks, and those that commander has. */
const SOURCE = [
  ...filesIn('src', '.ts'),
  ...filesIn('playbooks', '.yaml'),
  'node_modules/commander/lib/command.js',
].map((file) => readFileSync(file, 'utf8').replaceAll("\\'", "'"))

const QUOTED = [...page.matchAll(/^> (.+)$/gm)].map(([, text = '']) => text)
const IN_TABLES = [...page.matchAll(/^\| `([^`]+)`(?:, `([^`]+)`)? \|/gm)].flatMap(([, ...texts]) =>
  texts.filter((text) => text !== undefined),
)

test.each([...QUOTED, ...IN_TABLES])('the program says it: %s', (message) => {
  const parts = message
    .split('…')
    .map((part) => part.trim())
    .filter((part) => /\w{3}/.test(part))
  expect(parts).not.toEqual([])
  // All of them in one file: words that only happen to be somewhere are no message.
  expect(SOURCE.some((text) => parts.every((part) => text.includes(part)))).toBe(true)
})

function filesIn(folder: string, ending: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.flatMap((name) => (name.endsWith(ending) ? [`${folder}/${name}`] : []))
}
