import { describe, expect, test } from 'vitest'
import { askedHelp } from '../../src/cli/asked-help.ts'
import { CommanderError } from '../../src/cli/commander.ts'
import { commandLine } from '../../src/cli/program.ts'
import { desk } from '../support/desk.ts'
import { blocksOf, callsIn, inlineLines, PAGES, pageText } from './pages.ts'

/** Every command line of every page is one that ctfleet takes: command, arguments, options, and values of those with choices. */

const IN_BLOCKS = PAGES.flatMap(blocksOf)
  .filter(({ language, text }) => language === 'sh' || isTable(text))
  .flatMap(({ page, text }) =>
    text
      .split('\n')
      .map((line) => ({ page, line: isTable(text) ? line.replace(/ {2}.*/, '') : line, isInBlock: true })),
  )
const IN_TEXT = PAGES.flatMap((page) => inlineLines(page).map((line) => ({ page, line, isInBlock: false })))
const LINES = [...IN_BLOCKS, ...IN_TEXT].flatMap(({ page, line, isInBlock }) =>
  callsIn(line.replaceAll('…', 'WORD')).map((words) => ({ page, line: line.trim(), words, isInBlock })),
)
const HELP = helpLines().flatMap((line) =>
  callsIn(line).map((words) => ({ page: '--help', line, words, isInBlock: true })),
)

test('there are lines to look at, in text and in blocks', () => {
  expect(LINES.length).toBeGreaterThan(100)
  expect(HELP.length).toBeGreaterThan(40)
  console.log(`docs: ${LINES.length} command lines on ${PAGES.length} pages, and ${HELP.length} in help, are parsed`)
})

describe.each([...new Set([...LINES, ...HELP].map(({ page }) => page))])('%s', (page) => {
  const distinct = new Map([...LINES, ...HELP].filter((each) => each.page === page).map((each) => [each.line, each]))
  test.each([...distinct.values()])('$line', async ({ words, isInBlock }) => {
    const complaint = await complaintAbout(words)
    // In a sentence a command may stand for itself: `ctfleet resume`.
    if (!isInBlock && /missing required argument/.test(complaint ?? '')) return
    expect(complaint).toBe(null)
  })
})

test('docs/commands.md has every command that there is', () => {
  const { terminal } = desk()
  const names = commandLine(terminal, () => undefined).commands.map((command) => command.name())
  const named = new Set(
    IN_BLOCKS.filter(({ page }) => page === 'docs/commands.md').flatMap(({ line }) =>
      callsIn(line.replace('<(', '; ')).map(([name]) => name),
    ),
  )
  expect(names.filter((name) => name !== 'help' && !named.has(name))).toEqual([])
})

test('what ctfleet does not take is found out', async () => {
  expect(await complaintAbout(['plan', '--limt', 'web'])).toMatch(/unknown option '--limt'/)
  expect(await complaintAbout(['pln'])).toMatch(/unknown command 'pln'/)
  expect(await complaintAbout(['plan', 'a', 'b'])).toMatch(/too many arguments/)
  expect(await complaintAbout(['plan', '--limit'])).toMatch(/argument missing/)
  expect(callsIn("x | ctfleet plan --where 'a > 1' > out 2>&1; echo # ctfleet no")).toEqual([
    ['plan', '--where', 'a > 1'],
  ])
})

/** Commands, each with what it means beside it. */
function isTable(text: string): boolean {
  return /^(?:ctfleet .* {2,}\S.*\n)+$/.test(text) && !text.includes(' # ')
}

test('the heads of docs/commands.md are those of help, and below each stand the same commands in the same order', () => {
  const { terminal } = desk()
  const page = pageText('docs/commands.md')
  const onPage = [...page.matchAll(/^### ([^\n]+)\n(.*?)(?=^##)/gms)].map(([, title = '', text = '']) => [
    `${title}:`,
    [...new Set([...text.matchAll(/^(?:\. <\()?ctfleet (\w+)/gm)].map(([, name]) => name))],
  ])
  const inHelp = new Map<string, string[]>()
  for (const command of commandLine(terminal, () => undefined).commands) {
    const group = command.helpGroup()
    inHelp.set(group, [...(inHelp.get(group) ?? []), command.name()])
  }
  expect(onPage).toEqual([...inHelp].filter(([title]) => title !== 'Help:' && title !== ''))
})

async function complaintAbout(words: readonly string[]): Promise<string | null> {
  const { terminal, said } = desk()
  const program = commandLine(terminal, () => undefined)
  const noAction = (command: typeof program) => {
    if (command.commands.length === 0) command.action(() => undefined)
    for (const inner of command.commands) noAction(inner)
  }
  noAction(program)
  try {
    await program.parseAsync([...askedHelp(program, words)], { from: 'user' })
    return null
  } catch (error) {
    if (error instanceof CommanderError) return error.exitCode === 0 ? null : said.join('\n') || error.message
    throw error
  }
}

/** The examples that each command's `--help` shows. */
function helpLines(): readonly string[] {
  const { terminal, printed } = desk()
  const program = commandLine(terminal, () => undefined)
  const all = [program, ...program.commands, ...program.commands.flatMap(({ commands }) => commands)]
  for (const command of all) command.outputHelp()
  return printed
    .join('')
    .split('\n')
    .filter((line) => /^ {2}ctfleet /.test(line))
}
