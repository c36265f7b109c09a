import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { poll } from '../lab/command.ts'
import { canRunLab, type Lab, startLab } from '../lab/index.ts'
import { ctfleet } from '../support/ctfleet.ts'
import { putProgram } from '../support/program.ts'
import { withQuietLog } from '../support/quiet-log.ts'
import { sameScreen } from '../support/screens.ts'
import { canOpenScreen, openScreenIn, type Screen } from '../support/tmux.ts'

/** A person at a terminal who approves some, skips some, changes his mind, and breaks off. */

const ables = [canRunLab(), canOpenScreen()]
const whyNot = ables.flatMap((able) => (able.ok ? [] : [able.why]))[0]
const WEBS = ['web-1', 'web-2', 'web-3']
const HOSTS = [...WEBS, 'open-1']
const APPLY = 'ctfleet apply --near-full 1 --pause 0'

let dir: string
let lab: Lab
let screen: Screen
let env: { readonly [name: string]: string }
let before: readonly string[]

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ctfleet-journey-'))
  if (whyNot !== undefined) return
  lab = await startLab({ hosts: HOSTS })
  await Promise.all(HOSTS.map(async (name) => await withQuietLog(lab.host(name))))
  before = await dumps()
  env = { CTFLEET_INVENTORY: lab.inventoryPath, CTFLEET_STATE: join(dir, 'state') }
  await putProgram(dir)
})
afterAll(async () => {
  await lab?.down()
  await rm(dir, { recursive: true, force: true })
})
beforeEach(async (context) => {
  if (whyNot !== undefined) return context.skip(whyNot)
  screen = await openScreenIn({ dir, columns: 80 }, env)
  // Enough for notrack to be worth it, and few enough to be there in no time.
  await Promise.all(HOSTS.map(async (name) => await lab.host(name).fill({ entries: 30_000, port: 443 })))
})
afterEach(async () => {
  if (whyNot !== undefined) return
  await screen[Symbol.asyncDispose]()
  for (const { run } of await standing()) await ctfleet(['rollback', run, '--yes'], env)
  // A host that was not begun keeps a word against beginning late.
  await ctfleet(['clean', '--yes'], env)
  expect(await dumps()).toEqual(before)
})

describe('host by host', () => {
  test('one begins while the others are asked about; one is skipped, one declined, one has another strategy', async () => {
    await screen.type(`${APPLY}; echo "ended with $?"`)
    await question(/web-1: notrack 443\/tcp/)
    sameScreen('approve-plan-80', afterCommand(await screen.lines()))
    await answer('y')
    await question(/web-2: notrack 443\/tcp/)
    // Nobody has answered, and the first one is done.
    await untilApplied('web-1')
    expect(await screen.text()).toMatch(/web-2: notrack 443\/tcp.*\n?.*\(ynsfgaqH\)\s*$/)
    await answer('s')
    await question(/web-3: notrack 443\/tcp/)
    expect(await screen.text()).toMatch(/^ {2}web-1 {2}applied$/m)
    // What was on its way to another window is no yes, on none of its lines.
    await screen.keys('yes please\ny\n')
    await pause(500)
    await answer('n')

    await question(/open-1: unload, 1 change/)
    await answer('c')
    await screen.until(/open-1: which strategy in the place of unload\?/)
    await screen.press('Enter')
    await question(/open-1: notrack 443\/tcp/)
    await answer('y')
    const text = await screen.until(/ended with \d/)
    expect(text).toMatch(/web-1 +applied +notrack 443\/tcp/)
    expect(text).toMatch(/web-2 +skipped/)
    expect(text).toMatch(/web-3 +declined/)
    expect(text).toMatch(/open-1 +applied +notrack 443\/tcp/)
    expect(text).toMatch(/4 hosts: 1 skipped, 1 declined, 2 applied/)
    expect(text).toMatch(/To go on with web-2: the same command with --limit web-2/)
    expect(text).toMatch(/ended with 0$/m)
    sameScreen('approve-end-80', text.slice(text.lastIndexOf('Applying:')))

    const [run] = await standing()
    const { stdout } = await ctfleet(['show', run?.run ?? '', '--format', 'json'], env)
    const { approvals } = JSON.parse(stdout) as { readonly approvals: readonly { host: string; how: string }[] }
    expect(approvals.map(({ host, how }) => `${host} ${how}`).toSorted()).toEqual(['open-1 asked', 'web-1 asked'])
  })

  test('g covers the same change and no other, and q does those with a yes', async () => {
    await screen.type(`${APPLY}; echo "ended with $?"`)
    await question(/web-1: notrack 443\/tcp.*g: the same on/)
    await answer('g')
    await question(/open-1: unload/)
    await answer('q')
    const text = await screen.until(/ended with \d/)
    expect(text).toMatch(/4 hosts: 1 skipped, 3 applied/)
    for (const name of WEBS) expect(await isChanged(name)).toBe(true)
    expect(await isChanged('open-1')).toBe(false)
  })
})

describe('breaking off', () => {
  test('Ctrl-C before any yes: nothing was changed', async () => {
    await screen.type(`${APPLY}; echo "ended with $?"`)
    await question(/web-1: notrack/)
    await answer('n')
    await question(/web-2: notrack/)
    await screen.press('C-c')
    expect(await screen.until(/ended with \d/)).toMatch(/Nothing was changed\.\n+ended with 130/)
  })

  test('Ctrl-C after a yes: who was begun comes to an end, nobody else begins', async () => {
    await screen.type(`${APPLY}; echo "ended with $?"`)
    await question(/web-1: notrack/)
    await answer('y')
    await question(/web-2: notrack/)
    await answer('y')
    await question(/web-3: notrack/)
    await untilApplied('web-1')
    await screen.press('C-c')
    const text = await screen.until(/ended with \d/)
    expect(text).toMatch(/Stopping: no further host begins, those at work finish or undo\./)
    expect(text).toMatch(/web-3 +not-reached/)
    expect(text).toMatch(/open-1 +not-reached/)
    expect(text).toMatch(/ended with 130/)
    expect(await isChanged('web-3')).toBe(false)
  })

  test('Ctrl-C once in the middle of the work lets nobody begin; twice leaves at once and says what to type', async () => {
    await screen.type(`${APPLY} --limit web-1,web-2 --pause 60s; echo "ended with $?"`)
    await question(/web-1: notrack/)
    await answer('a')
    await screen.until(/1 min pause/)
    await screen.press('C-c')
    const once = await screen.until(/ended with \d/)
    expect(once).toMatch(/web-2 +not-reached/)
    expect(once).toMatch(/To go on with web-2: the same command with --limit web-2/)
    expect(once).toMatch(/ended with 130/)

    await screen.clear()
    await screen.type(`ctfleet apply --near-full 1 --limit web-2,web-3; echo "ended with $?"`)
    await question(/web-2: notrack/)
    await answer('a')
    await screen.until(/Applying .*0 of 2/)
    await screen.press('C-c')
    await screen.press('C-c')
    const twice = await screen.until(/ended with \d/)
    expect(twice).toMatch(/Left at once\./)
    const [, run = ''] = /ctfleet resume (\S+)/.exec(twice) ?? []
    expect(twice).toMatch(/ended with 130/)
    const resumed = await ctfleet(['resume', run], env)
    expect(resumed.stdout + resumed.stderr).toMatch(/web-2/)
  })
})

test('a file says yes for a person: exactly its plans are applied, and whose word it was is on record', async () => {
  const plan = join(dir, 'plan.json')
  const planned = await ctfleet(['plan', '--near-full', '1', '--limit', 'web-1,web-2', '-o', plan], env)
  expect(planned.code, planned.stderr).toBe(0)
  const { stdout: shown } = await ctfleet(['show', plan, '--format', 'json'], env)
  const { hosts } = JSON.parse(shown) as { readonly hosts: readonly { host: string; plan: string }[] }
  const id = hosts.find(({ host }) => host === 'web-2')?.plan.slice(0, 12) ?? ''
  await writeFile(join(dir, 'approved.txt'), `# CHG-1234\n${id}   bob\n`)
  await screen.type('ctfleet apply plan.json --approve-file approved.txt > out; echo "ended with $?"; cat out')
  await screen.until(/2 hosts: 1 declined, 1 applied/)
  const text = await screen.text()
  expect(text).toMatch(/^ended with 0$/m)
  expect(text.replaceAll(/\s+/g, ' ')).toMatch(/web-1 declined .*: its plan [0-9a-f]{12} is not in approved\.txt/)
  expect([await isChanged('web-1'), await isChanged('web-2')]).toEqual([false, true])
  const { stdout } = await ctfleet(['show', 'last'], env)
  expect(stdout.replaceAll(/\s+/g, ' ')).toMatch(/Approved by \S+ by --approve-file, .*approved\.txt:2: bob\): web-2/)
})

test('where the first one fails the open question is withdrawn, and nobody else is begun', async () => {
  await screen.type(`${APPLY}; echo "ended with $?"`)
  await question(/web-1: notrack/)
  // Somebody else was faster: the plan does not hold any more.
  await lab.host('web-1').exec('iptables -w -I INPUT 1 -p tcp --dport 81 -j ACCEPT')
  await answer('y')
  const text = await screen.until(/ended with \d/)
  await lab.host('web-1').exec('iptables -w -D INPUT -p tcp --dport 81 -j ACCEPT')
  expect(text).toMatch(/web-1 {2}refused: /)
  expect(text).toMatch(/stopped, no further host begins: web-1 of the first wave failed/)
  expect(text).toMatch(/web-2: notrack 443\/tcp.*\n?.*\(ynsfgaqH\)\n {2}Not answered\.$/m)
  expect(text.match(/Not answered/g)).toHaveLength(1)
  for (const name of ['web-2', 'web-3', 'open-1']) {
    expect(text.replaceAll(/\s+/g, ' ')).toMatch(new RegExp(`${name} not-reached the run was stopped: web-1`))
  }
  expect(text).toMatch(/ended with 1$/m)
})

test('a window that is made narrower and wider garbles neither question nor progress', async () => {
  await screen.type(`${APPLY} --limit web-1,web-2; echo "ended with $?"`)
  await question(/web-1: notrack/)
  await screen.resize(60)
  await screen.resize(120)
  await answer('y')
  await question(/web-2: notrack/)
  await screen.resize(80)
  await answer('y')
  await screen.until(/Applying .*of 2/)
  await screen.resize(50)
  await screen.resize(80)
  const text = await screen.until(/ended with \d/)
  expect(text).toMatch(/2 hosts: 2 applied/)
  // What stood at the bottom is gone, whatever the window did: one line a phase is left.
  expect(text.match(/^Applying.*$/gm)).toEqual(['Applying …', expect.stringMatching(/^Applying: .* 2 applied$/)])
  expect(text).toMatch(/ended with 0/)
})

const question = async (what: RegExp): Promise<string> => {
  const source = new RegExp(`(?:${what.source})[^?]*\\?\\s+\\([a-z]+H\\)\\s*$|ended with \\d`)
  const text = await screen.until(source)
  expect(text).toMatch(what)
  return text
}

async function answer(key: string): Promise<void> {
  await screen.press(key)
  await screen.press('Enter')
}

/** What was shown since the command was typed, which may be broken into two lines. */
function afterCommand(shown: string): string {
  return shown.replace(/^[\s\S]*?ended with \$\?"\n/, '')
}

async function isChanged(name: string): Promise<boolean> {
  return (await lab.host(name).dump()).includes('ctfleet:notrack:')
}

/** Waits until the host stands on record as applied, in the run that is under way. */
async function untilApplied(name: string): Promise<void> {
  const isApplied = async () =>
    (await listed())[0]?.hosts.some(({ host, status }) => host === name && status === 'applied')
  const found = await poll(async () => ((await isApplied()) ? true : undefined), { everyMs: 300, timeoutSeconds: 40 })
  expect(found, `${name} while nobody answered:\n${await screen.text()}`).toBe(true)
}

async function dumps(): Promise<readonly string[]> {
  return await Promise.all(HOSTS.map(async (name) => await lab.host(name).dump()))
}

/** Runs of which something still stands. */
async function standing(): Promise<readonly { readonly run: string }[]> {
  const runs = await listed()
  const undone = new Set(runs.flatMap(({ of }) => of ?? []))
  return runs.flatMap(({ id, command, hosts, of }) => {
    const isIn = command === 'apply' && hosts.some(({ status }) => status === 'applied' || status === 'under-way')
    return isIn && of === null && !undone.has(id) ? [{ run: id }] : []
  })
}

/** Newest first. */
async function listed(): Promise<readonly Listed[]> {
  const { stdout } = await ctfleet(['runs', '--format', 'json'], env)
  const { runs } = JSON.parse(stdout) as { readonly runs: readonly Listed[] }
  return runs
}

type Listed = {
  readonly id: string
  readonly command: string
  readonly of: string | null
  readonly hosts: readonly { readonly host: string; readonly status: string }[]
}
