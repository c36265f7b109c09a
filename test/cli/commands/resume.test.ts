import { mkdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { resumeCommand } from '../../../src/cli/commands/resume.ts'
import { rollbackCommand } from '../../../src/cli/commands/rollback.ts'
import { verifyCommand } from '../../../src/cli/commands/verify.ts'
import type { HostResult } from '../../../src/model/result.ts'
import { databaseStore } from '../../../src/store/database.ts'
import { aRun } from '../../report/fleet.ts'
import { desk } from '../../support/desk.ts'
import { ownState } from '../../support/own-state.ts'
import { readingOf, scriptedHost, scriptedPlanFor } from '../../support/scripted-host.ts'

/** What a person is told at the end, whatever is wrong with the record. */

const id = aRun().id
const words = { run: id, limit: undefined, format: 'text', forks: undefined }
const rollback = { ...words, yes: true, waves: undefined, maxFail: undefined, pause: undefined }
const under = (host: string, transaction: string): HostResult => {
  return { host, status: 'under-way', plan: scriptedPlanFor(host), transaction }
}
const COMMITTED = ['# journal', '1 armed', '1 applied', '2 confirmed', '2 committed', '# end']

const state = ownState()
const store = () => databaseStore(state(), () => {})

/** From now on nothing can be written there. */
function lockAway(): void {
  rmSync(join(state(), 'ctfleet.db'))
  mkdirSync(join(state(), 'ctfleet.db'))
}

test('a record that cannot be written once hosts were asked keeps nobody from hearing how they ended', async () => {
  await store().save(aRun({ endedAt: null, results: [under('web-1', 'aaa')] }))
  scriptedHost(() => {
    lockAway()
    return { lines: COMMITTED }
  })
  const { terminal, printed, said } = desk()
  expect(await resumeCommand(words, terminal)).toBe(1)
  expect(printed.join('\n')).toMatch(/web-1 +applied/)
  expect(said.join('\n')).toMatch(new RegExp(`The record of run ${id} is not whole: .*ctfleet\\.db`))
  expect(said.join('\n')).toContain(`ctfleet resume ${id}`)
})

test('the same where a rollback closes what was cut off', async () => {
  await store().save(aRun({ endedAt: null, results: [under('web-1', 'aaa')] }))
  scriptedHost((asked, given) => {
    if (asked === 'ask') return { lines: ['# never'] }
    lockAway()
    return readingOf('1', given)
  })
  const { terminal, printed, said } = desk()
  expect(await rollbackCommand(rollback, terminal)).toBe(1)
  expect(printed.join('\n')).toMatch(/web-1 +rolled-back/)
  expect(said.join('\n')).toContain(`The record of run ${id} is not whole`)
})

test('a damaged plan costs its own host: the others are resumed, taken back and verified', async () => {
  const damaged = { ...scriptedPlanFor('web-1'), id: 'f'.repeat(64) }
  const rows = (status: 'under-way' | 'applied'): readonly HostResult[] => [
    { host: 'web-1', status, plan: damaged, transaction: 'aaa' },
    { host: 'web-2', status, plan: scriptedPlanFor('web-2'), transaction: 'bbb' },
  ]
  await store().save(aRun({ endedAt: null, results: rows('under-way') }))
  scriptedHost((asked, given) => {
    if (asked === 'ask') return { lines: COMMITTED }
    if (asked === 'decide') return { lines: ['# 4', '3 undoing', '3 undone 1', '3 rolled-back'] }
    return asked === 'list' ? { lines: ['# end'] } : readingOf('1', given)
  })
  const heard = async (work: (terminal: ReturnType<typeof desk>['terminal']) => Promise<number>) => {
    const { terminal, printed } = desk()
    return { code: await work(terminal), text: printed.join('\n') }
  }
  const resumed = await heard(async (terminal) => await resumeCommand(words, terminal))
  expect(resumed).toMatchObject({ code: 1, text: expect.stringMatching(/web-1 +failed.*web-2 +applied/s) })
  await store().save(aRun({ results: rows('applied') }))
  const verified = await heard(
    async (terminal) => await verifyCommand({ ...words, what: id, inventory: undefined, afterReboot: false }, terminal),
  )
  expect(verified.text).toMatch(/web-1 +failed/)
  expect(verified.text).toMatch(/web-2 +not-in-force/)
  const back = await heard(async (terminal) => await rollbackCommand(rollback, terminal))
  expect(back).toMatchObject({ code: 1, text: expect.stringMatching(/web-1 +failed.*web-2 +rolled-back/s) })
  expect((await heard(async (terminal) => await rollbackCommand({ ...rollback, limit: 'web-1' }, terminal))).code).toBe(
    1,
  )
})
