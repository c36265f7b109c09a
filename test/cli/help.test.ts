import { expect, test } from 'vitest'
import { typed } from '../support/typed.ts'

/** What is answered to these words, and the exit code. */
async function answer(...words: readonly string[]): Promise<{ readonly code: number; readonly text: string }> {
  const { code, stdout, stderr } = await typed(words)
  return { code, text: stdout + stderr }
}

/** Every command that there is, those within others among them. */
async function commandsBelow(...path: readonly string[]): Promise<readonly (readonly string[])[]> {
  const { text } = await answer(...path, '--help')
  const lists = text.slice(0, text.indexOf('\nExamples:')).split(/\n(?=\S)/)
  const names = lists.flatMap((list) =>
    /^(?:Usage|Arguments|Options):/.test(list) ? [] : [...list.matchAll(/^ {2}([a-z]+)/gm)],
  )
  const below = names.map(([, name = '']) => [...path, name]).filter((each) => each.at(-1) !== 'help')
  return [...below, ...(await Promise.all(below.map(async (each) => await commandsBelow(...each)))).flat()]
}

test('the help of every command has examples, each of which begins with the command itself or shows what comes of it', async () => {
  const all = await commandsBelow()
  expect(all.length).toBeGreaterThan(18)
  for (const path of all) {
    const { code, text } = await answer(...path, '--help')
    expect({ path, code }).toEqual({ path, code: 0 })
    const examples = (text.split('\nExamples:\n')[1] ?? '').split('\n').filter((line) => line.startsWith('  ctfleet '))
    expect(
      examples.some((line) => line.startsWith(`  ctfleet ${path.join(' ')}`)),
      path.join(' '),
    ).toBe(true)
    expect(await answer('help', ...path)).toEqual({ code, text })
    // An example is there to be copied, and not to be broken.
    const prose = text.split('\n').filter((line) => !line.startsWith('  ctfleet '))
    for (const line of prose) expect(line.length, line).toBeLessThanOrEqual(100)
  }
})

const slips: readonly [words: string, meant: string][] = [
  ['paln', 'plan'],
  ['help paln', 'plan'],
  ['paln --help', 'plan'],
  ['playbook shwo tune', 'show'],
  ['help playbook lits', 'list'],
  ['plan --limt web-1', '--limit'],
  ['apply --confirm-witin 60s', '--confirm-within'],
  ['inventory --grpah', '--graph'],
  ['completion bsh', 'bash'],
  ['facts web-1, --format jsn', 'json'],
  ['report last --format htlm', 'html'],
  ['audit web-1, --fail-on warnning', 'warning'],
  ['plan web-1, --strategy tunee', 'tune'],
  ['playbook show notrak', 'notrack'],
  ['rollback lats --yes', 'last'],
  ['show lsat', 'last'],
  ['plan web-1, --where conntrck.usage>1', 'conntrack'],
  ['facts web-1,db-1, --limit wbe-1', 'web-1'],
]
test.each(slips)('ctfleet %s: did you mean %s?', async (words, meant) => {
  const { code, text } = await answer(...words.split(' '))
  expect(code).toBe(2)
  expect(text).toMatch(new RegExp(`did you mean "?${meant}"?\\?`, 'i'))
})
