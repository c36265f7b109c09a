import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { PAGES, pageText } from './pages.ts'

/** Files, folders, functions and scripts that pages name are there. */

const { scripts } = JSON.parse(readFileSync('package.json', 'utf8'))
const FILES = ['src', 'test', 'playbooks'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`),
)
const WORDS = new Set(
  FILES.filter((file) => /^(?:src|test\/lab)\/.*\.ts$/.test(file)).flatMap(
    (file) => readFileSync(file, 'utf8').match(/\w+/g) ?? [],
  ),
)

describe.each(PAGES.filter((page) => namesOf(page).length > 0))('%s', (page) => {
  test('names what is there', () => expect(namesOf(page).filter((name) => !isThere(name))).toEqual([]))
})

test('functions and types of docs/architecture.md are in the source, or in the lab', () => {
  const named = codeOf('docs/architecture.md').filter((code) => /^(?:[a-z]+[A-Z]|[A-Z][a-z]+[A-Z])\w*$/.test(code))
  expect(named.length).toBeGreaterThan(60)
  expect(named.filter((name) => !WORDS.has(name))).toEqual([])
})

test.each([
  ['The way in', 'src/transport'],
  ['The firewall model', 'src/firewall'],
  ['The terminal', 'src/cli'],
])('the files in the table of "%s" are in %s', (title, folder) => {
  const [, section = ''] = new RegExp(`^## ${title}\\n(.*?)^## `, 'ms').exec(pageText('docs/architecture.md')) ?? []
  const column = title === 'The terminal' ? 1 : 2
  const cells = [...section.matchAll(/^\| .+/gm)].map(([row]) => row.split('|')[column] ?? '')
  const named = cells.flatMap((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, name = '']) => name))
  expect(named.length).toBeGreaterThan(5)
  expect(named.filter((name) => !isThere(`${folder}/${name}.ts`))).toEqual([])
})

function namesOf(page: string): readonly string[] {
  return codeOf(page).filter((code) => /^(?:(?:src|test)\/[\w./*-]+|npm run [\w:]+.*)$/.test(code))
}

function codeOf(page: string): readonly string[] {
  const prose = pageText(page).replace(/^```.*?^```$/gms, '')
  return [...new Set([...prose.matchAll(/`([^`\n]+)`/g)].map(([, code = '']) => code))]
}

/** `src/transport/ssh-config*.ts` is, where one of them is. */
function isThere(name: string): boolean {
  const [, script] = /^npm run ([\w:]+)/.exec(name) ?? []
  if (script !== undefined) return Object.hasOwn(scripts, script)
  if (!name.includes('*')) return existsSync(name)
  const pattern = new RegExp(`^${name.replaceAll('.', '\\.').replaceAll('*', '[^/]*')}$`)
  return FILES.some((file) => pattern.test(file))
}
