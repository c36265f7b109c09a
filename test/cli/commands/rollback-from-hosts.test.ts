import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { beforeEach, expect, test } from 'vitest'
import { rollbackFromHostsCommand } from '../../../src/cli/commands/rollback-from-hosts.ts'
import { printAbout } from '../../../src/journal/about.ts'
import { databaseStore } from '../../../src/store/database.ts'
import { aRun } from '../../report/fleet.ts'
import { desk } from '../../support/desk.ts'
import { ownState } from '../../support/own-state.ts'
import { type Asked, type Said, scriptedHost, scriptedPlanFor } from '../../support/scripted-host.ts'

/** Hosts tell what was changed on them; what is on record of it is true afterwards too. */

const RUNS = ['20261126-0942-7f3a', '20261126-1030-0aa1', '20261126-1130-77ff'] as const
const plan = scriptedPlanFor('web-1')
const committed = (id: string, run: string, at: number) => [
  `# transaction ${id}`,
  `# about ${printAbout({ run, by: 'alice@bastion' }, plan, new Date(0))}`,
  `${at} armed`,
  `${at} applied`,
  `${at} committed`,
]
const LISTED = [
  '# machine 3f2a9c51-d0e8-77aa-9b0c-63a0e0a5d4b2 12 net:[4026531840] ',
  ...committed('aaa', RUNS[0], 10),
  ...committed('bbb', RUNS[1], 20),
  ...committed('ccc', RUNS[2], 30),
  '# end',
]

const state = ownState()
const store = () => databaseStore(state(), () => {})

let listed = LISTED
beforeEach(() => {
  listed = LISTED
})

async function takeBack(answer: (asked: Asked, given: readonly string[]) => Said, ...hosts: readonly string[]) {
  const fromHosts = join(state(), 'inventory.yaml')
  const rows = hosts.map((name) => `    ${name}: { ansible_connection: local }\n`)
  writeFileSync(fromHosts, `all:\n  hosts:\n${rows.join('')}`)
  const { asked } = scriptedHost((what, given) => (what === 'list' ? { lines: listed } : answer(what, given)))
  const { terminal, printed } = desk()
  const none = {
    run: undefined,
    limit: undefined,
    forks: undefined,
    waves: undefined,
    maxFail: undefined,
    pause: undefined,
  }
  const code = await rollbackFromHostsCommand({ ...none, fromHosts, yes: true, format: 'text' }, terminal)
  return {
    code,
    text: printed.join('\n').replaceAll(/\s+/g, ' '),
    undone: asked.flatMap(([what, [id]]) => (what === 'decide' ? [id] : [])),
  }
}

const DONE = ['# 3', '40 undoing', '40 undone 1', '40 rolled-back']
const STUCK = ['# 3', '40 undoing', '40 stuck 1 exit 4: busy', '40 needs-hands']

async function recordRuns(): Promise<void> {
  for (const [at, id] of RUNS.entries()) {
    const transaction = ['aaa', 'bbb', 'ccc'][at] ?? ''
    await store().save(aRun({ id, results: [{ host: 'web-1', status: 'applied', plan, transaction }] }))
  }
}

async function statuses(): Promise<readonly string[]> {
  const { runs } = await store().list()
  return RUNS.map((id) => runs.find((run) => run.id === id)?.hosts[0]?.status ?? '')
}

test('what several runs changed is taken back in the record of each', async () => {
  await recordRuns()
  const { code, undone } = await takeBack(() => ({ lines: DONE }), 'web-1')
  expect({ code, undone }).toEqual({ code: 0, undone: ['ccc', 'bbb', 'aaa'] })
  expect(await statuses()).toEqual(['rolled-back', 'rolled-back', 'rolled-back'])
})

test('entries that one of them deleted are not said to be there again', async () => {
  const changes = plan.changes.map((change) => ({ ...change, kind: 'flush-entries' }))
  const about = printAbout({ run: RUNS[1], by: 'alice@bastion' }, { ...plan, changes }, new Date(0))
  const { text: none } = await takeBack(() => ({ lines: DONE }), 'web-1')
  expect(none).not.toContain('entries that it deleted')
  listed = LISTED.map((line, at) => (at === 7 ? `# about ${about}` : line))
  const { text } = await takeBack(() => ({ lines: DONE }), 'web-1')
  expect(text).toMatch(/as it was before transaction aaa, but for the entries that it deleted/)
})

test('one that is stuck tells of those before it and after it, and only what was taken back is on record so', async () => {
  await recordRuns()
  const { code, text } = await takeBack((_asked, [id]) => ({ lines: id === 'bbb' ? STUCK : DONE }), 'web-1')
  expect(code).toBe(3)
  expect(text).toMatch(/needs-hands .*busy; taken back before it: ccc; not tried after it: aaa/)
  expect(await statuses()).toEqual(['applied', 'applied', 'rolled-back'])
})

test('of two names of one machine one is asked to take back', async () => {
  const { code, text, undone } = await takeBack(() => ({ lines: DONE }), 'web-1', 'www')
  expect({ code, undone }).toEqual({ code: 0, undone: ['ccc', 'bbb', 'aaa'] })
  expect(text).toMatch(/www same-machine .*is the same machine as web-1/)
})

test('a change that is under way is said to be, and is not well', async () => {
  listed = ['# transaction aaa', '# carried', '1 armed', '1 intend 1 abc', '# end']
  const { code, text } = await takeBack(() => ({}), 'web-1')
  expect(code).toBe(1)
  expect(text).toContain('transaction aaa is under way there, and may be in force in a moment')
})
