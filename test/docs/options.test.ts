import { expect, test } from 'vitest'
import { commandLine } from '../../src/cli/program.ts'
import { desk } from '../support/desk.ts'
import { pageText } from './pages.ts'

/** The tables of docs/commands.md have every option once, with exactly the commands that take it. */

const COMMANDS = commandLine(desk().terminal, () => undefined).commands.flatMap((command) =>
  command.commands.length === 0
    ? [{ name: command.name(), options: command.options }]
    : command.commands.map((inner) => ({ name: `${command.name()} ${inner.name()}`, options: inner.options })),
)
const OPTIONS = [
  ...new Set(COMMANDS.flatMap(({ options }) => options.flatMap(({ long, hidden }) => (hidden ? [] : [long ?? ''])))),
]

const ROWS = [...pageText('docs/commands.md').matchAll(/^\| (`[^|]+) \| ([^|]+) \|/gm)].flatMap(
  ([, first = '', of = '']) => [...first.matchAll(/`(--[\w-]+)/g)].map(([, option = '']) => ({ option, of })),
)

test('every option is there, once', () => {
  expect(ROWS.map(({ option }) => option).toSorted()).toEqual(OPTIONS.toSorted())
})

test.each(ROWS)('$option is of $of', ({ option, of }) => {
  expect(meantBy(of)).toEqual(havers(option))
})

/** `plan, apply`, `all that log in`, `all but init, serve`. */
function meantBy(of: string): readonly string[] {
  const [, all, but = ''] = /^all( that [\w ]+)?(?:,? but (?:for )?(.+))?$/.exec(of) ?? []
  const isAll = of.startsWith('all')
  const without = but.split(', ')
  const group = all === undefined ? COMMANDS.map(({ name }) => name) : havers(GROUPS[all.trim()] ?? '')
  return (isAll ? group.filter((name) => !without.includes(name)) : of.split(', ')).toSorted()
}

/** Each by an option that only its commands have. */
const GROUPS: Readonly<Record<string, string>> = { 'that log in': '--ask-pass', 'that read an inventory': '--user' }

function havers(option: string): readonly string[] {
  return COMMANDS.flatMap(({ name, options }) => (options.some(({ long }) => long === option) ? [name] : [])).toSorted()
}
