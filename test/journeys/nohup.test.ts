import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { putProgram } from '../support/program.ts'
import { canOpenScreen, openScreen } from '../support/tmux.ts'

/** A window that is closed over a run that has no terminal: it goes on to its end. */

const ables = [canRunLab(), canOpenScreen()]
const whyNot = ables.flatMap((able) => (able.ok ? [] : [able.why]))[0]

let dir: string
let lab: Lab
let env: { readonly [name: string]: string }
let before: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (whyNot !== undefined) return
  lab = await startLab({ hosts: ['web-1'] })
  before = await lab.host('web-1').dump()
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await putProgram(dir)
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach((context) => {
  if (whyNot !== undefined) context.skip(whyNot)
})

const APPLY = 'ctfleet apply --strategy notrack --ports 80 --yes'

test.each([
  ['nohup', `nohup sh -c '${APPLY}; echo "ended with $?"' > nohup.log 2>&1 &`],
  ['every stream put away', `sh -c 'trap "" HUP; ${APPLY}; echo "ended with $?"' > away.log 2>&1 < /dev/null &`],
])('%s: the window is closed while hosts are planned, and the change is made', async (name, line) => {
  const log = join(dir, name === 'nohup' ? 'nohup.log' : 'away.log')
  const said = async () => await readFile(log, 'utf8').catch(() => '')
  const screen = await openScreen({ dir, columns: 80 }, env)
  const closed = async () => await screen[Symbol.asyncDispose]()
  onTestFinished(closed)
  await screen.until(/\$/)
  // Of bash a job hears that the window is gone, as in a person's terminal.
  await screen.type(`cd ${dir}; exec bash --norc -i`)
  await screen.until(/exec bash[^\n]*\n\$/)
  await screen.type(line)
  // It is at the host.
  const went = await poll(async () => (/Planning/.test(await said()) ? true : undefined), SOON)
  expect(went, await said()).toBe(true)
  await closed()

  const ended = await poll(async () => /^ended with \d+$/m.exec(await said())?.[0], SOON)
  expect(ended, await said()).toBe('ended with 0')
  expect(await said()).not.toContain('Stopping')
  await ctfleet(['rollback', 'last', '--yes'], env)
  await ctfleet(['clean', '--yes'], env)
  expect(await lab.host('web-1').dump()).toBe(before)
})

const SOON = { everyMs: 50, timeoutSeconds: 90 }
