import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { putProgram } from '../support/program.ts'
import { withQuietLog } from '../support/quiet-log.ts'
import { canOpenScreen, openScreenIn, type Screen } from '../support/tmux.ts'

/** What a terminal shows, and how it is left, where a question or the work is broken off; and a terminal that is gone itself. */

const ables = [canRunLab(), canOpenScreen()]
const whyNot = ables.flatMap((able) => (able.ok ? [] : [able.why]))[0]
const WEBS = ['web-1', 'web-2']
const PLANNING = 'ctfleet apply --strategy notrack --ports 80'

let dir: string
let lab: Lab
let screen: Screen
let env: { readonly [name: string]: string }
let before: readonly string[]

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (whyNot !== undefined) return
  lab = await startLab({ hosts: WEBS })
  await Promise.all(WEBS.map(async (name) => await withQuietLog(lab.host(name))))
  before = await dumps()
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await putProgram(dir)
  const planned = await ctfleet(['plan', '--strategy', 'notrack', '--ports', '80', '-o', join(dir, 'plan.json')], env)
  if (planned.code !== 0) throw new Error(planned.stderr)
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(async (context) => {
  if (whyNot !== undefined) return context.skip(whyNot)
  screen = await openScreenIn({ dir, columns: 80 }, env)
})
afterEach(async () => {
  if (whyNot !== undefined) return
  await screen[Symbol.asyncDispose]()
  await ctfleet(['rollback', '--from-hosts', lab.inventoryPath, '--yes'], env)
  await ctfleet(['clean', '--yes'], env)
  expect(await dumps()).toEqual(before)
})

test('a question that Ctrl-C ends is closed, once, and the terminal is as it was', async () => {
  await screen.type(`ctfleet apply plan.json; echo "ended with $?"; ${ECHO}`)
  await asked('web-1')
  await screen.press('C-c')
  const text = await screen.until(/ended with \d+\necho/)
  expect(text).toMatch(/Go ahead\?\s+\(ynsfgaqH\)\n {2}Not answered\.\nNothing was changed\.\nended with 130\necho$/m)
  expect(text.match(/Not answered/g)).toHaveLength(1)
})

test('so is one that a signal ends, which then ends ctfleet', async () => {
  await screen.type(`sh -c 'echo $$ > pid; exec ctfleet apply plan.json'; echo "ended with $?"; ${ECHO}`)
  await asked('web-1')
  process.kill(Number(await readFile(join(dir, 'pid'), 'utf8')), 'SIGTERM')
  const text = await screen.until(/ended with \d+\n-?echo/)
  expect(text).toMatch(/\n {2}Not answered\.\n/)
  expect(text).toMatch(/ended with 143\necho$/m)
})

test('Ctrl-D quits, in words: who has a yes is done, nobody else is begun', async () => {
  await screen.type(`ctfleet apply plan.json; echo "ended with $?"`)
  await asked('web-1')
  await screen.press('y')
  await screen.press('Enter')
  await asked('web-2')
  // Half an answer is none.
  await screen.keys('y')
  await screen.press('C-d')
  const text = await screen.until(/ended with \d+$/m)
  expect(text).toMatch(/web-2: notrack 80\/tcp, 5 changes\. Go ahead\? quit$/m)
  expect(text).toMatch(/2 hosts: 1 skipped, 1 applied/)
  expect(text).toMatch(/ended with 0$/m)
})

test('what is typed while ctfleet plans leaves no trace, and the keys are shown again after it', async () => {
  await screen.type(`${PLANNING}; echo "ended with $?"; ${ECHO}`)
  await screen.until(/^Planning +0 of 2/m)
  for (const key of ['x', 'Enter', 'y', 'Enter', 'Enter']) await screen.press(key)
  await asked('web-1')
  await screen.press('q')
  await screen.press('Enter')
  const text = await screen.until(/ended with \d+\n-?echo/)
  expect(text).toMatch(/2 hosts: 2 skipped/)
  expect(text.match(/^Planning.*$/gm)).toEqual([expect.stringMatching(/^Planning: \d+ s, 2 planned$/)])
  expect(text).not.toMatch(/^[xy]$/m)
  expect(text).toMatch(/ended with 0\necho$/m)
})

test('Ctrl-C while it plans is heard as ever, and stopped by Ctrl-Z it leaves the keys to the shell', async () => {
  await screen.type(`set -m; ${PLANNING} --forks 1; ${ECHO}`)
  await screen.until(/^Planning +0 of 2/m)
  await screen.press('C-z')
  expect(await screen.until(/^-?echo$/m)).toMatch(/^echo$/m)
  await screen.clear()
  await screen.type(`fg; echo "ended with $?"; ${ECHO}`)
  await screen.until(/^Planning/m)
  await screen.press('C-c')
  const text = await screen.until(/ended with \d+\n-?echo/)
  expect(text).toMatch(/Stopping: no further host begins|Nothing was changed/)
  expect(text).toMatch(/ended with 130\necho$/m)
})

test('Ctrl-Z stops nothing where no shell could let it go on: on a terminal that was opened for ctfleet alone', async () => {
  // As after `ssh -t` or `docker exec -it`: a session of its own, whose leader has no job control, and nobody outside looks after it.
  const alone = 'ctfleet apply plan.json --yes --pause 0; exit $?'
  await screen.type(`script -qec '${alone}' /dev/null; echo "ended with $?"`)
  await screen.until(/^Applying .*0 of 2/m)
  await screen.press('C-z')
  await screen.keys('not to be shown')
  const text = await screen.until(/ended with \d+$/m)
  expect(text).toMatch(/^2 hosts: 2 applied$/m)
  expect(text).toMatch(/ended with 0$/m)
  expect(text.slice(0, text.indexOf('ended with 0'))).not.toContain('not to be shown')
})

test('a terminal that nobody gave a size is as wide as most', async () => {
  await screen.type(`stty cols 0; ctfleet apply plan.json; echo "ended with $?"`)
  const text = await asked('web-1')
  expect(text).toMatch(/^\? web-1: notrack 80\/tcp, 5 changes \(g: the same on web-2\)\. Go ahead\?\s+\(ynsfgaqH\)/m)
  await screen.press('q')
  await screen.press('Enter')
  await screen.until(/ended with 0$/m)
})

test.each([
  [132, /^\? web-1: notrack .{50,}\. Go ahead\? \(ynsfgaqH\)$/m],
  [50, /^\? web-1: notrack [^\n]+\n {2}[^\n]*\. Go ahead\? \(ynsfgaqH\)$/m],
])('or as COLUMNS=%i says, also for a question', async (columns, question) => {
  await screen.resize(columns)
  await screen.type(`stty cols 0; COLUMNS=${columns} ${PLANNING},443; echo "ended with $?"`)
  await asked('web-1')
  expect(await screen.lines()).toMatch(question)
  await screen.keys('q')
  await screen.press('Enter')
  expect(await screen.until(/ended with 0$/m)).toMatch(/Go ahead\? quit$/m)
})

test.each([
  ['before any yes ends ctfleet as any other program', 'plan.json', '129'],
  ['where hosts were reached already ends it as Ctrl-C does', '--strategy notrack --ports 80', '130'],
])('a terminal that is closed %s', async (_, what, code) => {
  await screen.type(`(trap '' HUP; ctfleet apply ${what}; echo $? > code)`)
  await asked('web-1')
  await rm(join(dir, 'code'), { force: true })
  await screen[Symbol.asyncDispose]()
  expect(await written('code')).toBe(code)
})

test('a terminal that is closed while hosts are at work leaves none of them half done, and no run open', async () => {
  await screen.type(`(trap '' HUP; ctfleet apply plan.json --pause 0; echo $? > code)`)
  await asked('web-1')
  await rm(join(dir, 'code'), { force: true })
  await screen.press('a')
  await screen.press('Enter')
  await screen.until(/^ +web-1 (?:changing|checking|confirming)/m)
  await screen[Symbol.asyncDispose]()
  expect(await written('code')).toBe('130')
  const { stdout } = await ctfleet(['runs', '--format', 'json'], env)
  const [run] = JSON.parse(stdout).runs
  expect(run.endedAt).not.toBeNull()
  expect(run.hosts.map(({ host, status }: Ended) => `${host} ${status}`)).toEqual([
    'web-1 applied',
    'web-2 not-reached',
  ])
})

type Ended = { readonly host: string; readonly status: string }

/** Says whether the terminal shows what is typed. */
const ECHO = `stty -a | grep -owE -- '-?echo'`

async function asked(host: string): Promise<string> {
  const text = await screen.until(new RegExp(`${host}: notrack[^?]*\\?\\s+\\([a-zH]+\\)\\s*$|ended with \\d`))
  expect(text).toContain(`${host}: notrack`)
  return text
}

/** What a program writes at its end. */
async function written(name: string): Promise<string> {
  const path = join(dir, name)
  const read = async () => (existsSync(path) ? (await readFile(path, 'utf8')).trim() || undefined : undefined)
  return (await poll(read, { everyMs: 200, timeoutSeconds: 60 })) ?? 'nothing was written'
}

async function dumps(): Promise<readonly string[]> {
  return await Promise.all(WEBS.map(async (name) => await lab.host(name).dump()))
}
