import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { pageText } from './pages.ts'

/** Of what pages quote, as messages to look up, the program says every word still. `…` stands for what differs. */

/** All texts of the program: its own, those of its playbooks, and those that commander has. */
const SOURCE = [
  ...filesIn('src', '.ts'),
  ...filesIn('playbooks', '.yaml'),
  'node_modules/commander/lib/command.js',
].map((file) => readFileSync(file, 'utf8').replaceAll("\\'", "'"))

describe.each(['docs/access.md', 'docs/troubleshooting.md'])('%s', (page) => {
  const messages = [...quotedIn(page), ...inTablesOf(page)]

  test('quotes messages', () => expect(messages.length).toBeGreaterThan(15))

  test.each(messages)('the program says it: %s', (message) => {
    const parts = message
      .split('…')
      .map((part) => part.trim())
      .filter((part) => /\w{3}/.test(part))
    expect(parts).not.toEqual([])
    // All of them in one file: words that only happen to be somewhere are no message.
    expect(SOURCE.some((text) => parts.every((part) => text.includes(part)))).toBe(true)
  })
})

function quotedIn(page: string): readonly string[] {
  return [...pageText(page).matchAll(/^> (.+)$/gm)].map(([, text = '']) => text)
}

/** What stands between backticks in the first column of tables of messages. */
function inTablesOf(page: string): readonly string[] {
  const tables = pageText(page).matchAll(/^\| (?:message|what it says) \|.*\n\|---.*\n((?:\|.*\n)+)/gm)
  return [...tables].flatMap(([, rows = '']) =>
    [...rows.matchAll(/^\| ([^|]+) \|/gm)].flatMap(([, first = '']) =>
      [...first.matchAll(/`([^`]+)`/g)].map(([, message = '']) => message),
    ),
  )
}

function filesIn(folder: string, ending: string): readonly string[] {
  const names = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  return names.flatMap((name) => (name.endsWith(ending) ? [`${folder}/${name}`] : []))
}
