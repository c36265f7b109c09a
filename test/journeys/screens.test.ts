import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { putProgram } from '../support/program.ts'
import { withQuietLog } from '../support/quiet-log.ts'
import { normalised, sameScreen } from '../support/screens.ts'
import { canOpenScreen, openScreenIn, type Screen } from '../support/tmux.ts'

/** The same plan on a wide terminal, without colour, in a pipe, for a ticket and for a program, as it is kept in `screens/`. */

const ables = [canRunLab(), canOpenScreen()]
const whyNot = ables.flatMap((able) => (able.ok ? [] : [able.why]))[0]
const HOSTS = ['web-1', 'web-2', 'open-1', 'healthy-1']
const ESCAPE = new RegExp(`${String.fromCharCode(27)}\\[[\\d;]*m`, 'g')

let dir: string
let lab: Lab
let screen: Screen

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (whyNot !== undefined) return
  lab = await startLab({ hosts: HOSTS })
  await Promise.all(HOSTS.map(async (name) => await withQuietLog(lab.host(name))))
  await Promise.all(
    ['web-1', 'web-2', 'open-1'].map(async (name) => await lab.host(name).fill({ entries: 30_000, port: 443 })),
  )
  await putProgram(dir)
  screen = await openScreenIn(
    { dir, columns: 200 },
    { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') },
  )
})
afterAll(async () => {
  await screen?.[Symbol.asyncDispose]()
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(async (context) => {
  if (whyNot !== undefined) return context.skip(whyNot)
  await screen.clear()
})

test('200 columns, with colour and without: the same words', async () => {
  await typed('ctfleet plan --near-full 10 2> progress')
  const coloured = afterCommand(await screen.coloured())
  expect(coloured).toMatch(ESCAPE)
  await screen.clear()
  await typed('NO_COLOR=1 ctfleet plan --near-full 10 2> progress')
  const plain = afterCommand(await screen.coloured())
  expect(plain).not.toMatch(ESCAPE)
  expect(normalised(coloured.replaceAll(ESCAPE, ''))).toBe(normalised(plain))
  sameScreen('plan-200', plain)
})

test('a window that is made narrower while it plans leaves one line of the progress', async () => {
  await screen.type('ctfleet plan --near-full 10; echo "ended with $?"')
  await screen.until(/Planning +\d of 4/)
  await screen.resize(60)
  await screen.resize(90)
  const text = await screen.until(/ended with \d/)
  await screen.resize(200)
  expect(text.match(/^Planning.*$/gm)).toEqual([
    expect.stringMatching(/^Planning: \d+ s(?:, 3 planned|, 1 healthy){2}$/),
  ])
})

test('| cat: no colour, 100 columns, and nothing of the progress', async () => {
  await typed('ctfleet plan --near-full 10 2> progress | cat > plain')
  const plain = await readFile(join(dir, 'plain'), 'utf8')
  expect(plain).not.toMatch(ESCAPE)
  expect(Math.max(...plain.split('\n').map(({ length }) => length))).toBeLessThanOrEqual(100)
  sameScreen('plan-in-a-pipe', plain)
})

test('--format json | jq, and --format markdown', async () => {
  await typed(`ctfleet plan --near-full 10 --format json 2> progress | jq -r '.hosts[] | "\\(.host) \\(.status)"'`)
  expect(afterCommand(await screen.text())).toContain(
    'web-1 planned\nweb-2 planned\nopen-1 planned\nhealthy-1 healthy\n',
  )
  await screen.clear()
  await typed('ctfleet plan --near-full 10 --format markdown > ticket.md')
  const ticket = await readFile(join(dir, 'ticket.md'), 'utf8')
  expect(ticket).toMatch(/^# Plan for /)
  expect(ticket).toMatch(/^## `web-1`, `web-2`: planned, notrack$/m)
  expect(ticket).toMatch(
    /^- \*\*info\*\*: \d+ % of the entries are ESTABLISHED to tcp port 443 \(`web-1`(?:, `web-2`)?\)$/m,
  )
  expect(ticket).toMatch(/^```diff\n\+ -t filter -A INPUT -p tcp/m)
  expect(ticket).toMatch(/^\| `web-2` \| `[0-9a-f]{12}` \|$/m)
})

async function typed(line: string): Promise<void> {
  await screen.type(`${line}; echo "ended with $?"`)
  expect(await screen.until(/^ended with \d/m)).toMatch(/^ended with 0$/m)
}

/** What was shown since the command was typed. */
function afterCommand(shown: string): string {
  return shown.replace(/^[\s\S]*?ended with \$\?"\n/, '')
}
