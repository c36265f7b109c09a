import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { Command } from '../../../src/cli/commander.ts'
import { completeCommand } from '../../../src/cli/commands/complete.ts'
import { databaseStore } from '../../../src/store/database.ts'
import { loadEngine } from '../../../src/store/engine.ts'
import { aRun } from '../../report/fleet.ts'
import { desk } from '../../support/desk.ts'
import { ownState } from '../../support/own-state.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-complete-'))
afterAll(() => rmSync(folder, { recursive: true }))

function program(): Command {
  const plan = new Command('plan').argument('[inventory]').option('-l, --limit <pattern>', 'only these')
  return new Command('ctfleet').addCommand(plan).addCommand(new Command('rollback').argument('[run]'))
}

async function offered(...typed: readonly string[]): Promise<string> {
  const { terminal, printed, said } = desk()
  expect(await completeCommand(program(), typed, terminal)).toBe(0)
  expect(said).toEqual([])
  return printed.join('')
}

test('a program that lists hosts is not run because somebody pressed Tab', async () => {
  const file = join(folder, 'hosts')
  const ran = join(folder, 'ran')
  writeFileSync(file, `#!/bin/sh\n: > '${ran}'\necho '{"all": {"hosts": ["web-1"]}}'\n`)
  chmodSync(file, 0o755)
  expect(await offered('zsh', 'plan', file, '--limit', '')).toBe('all\n')
  expect(existsSync(ran)).toBe(false)
})

const silent: readonly [what: string, text: string | null][] = [
  ['that is not there', null],
  ['with mistakes', 'all: {hosts: [web-1'],
  ['too large to read while somebody waits', `# ${'x'.repeat(1024 * 1024)}\nall: {hosts: {web-1: }}\n`],
]
test.each(silent)('an inventory %s gives no hosts, and nothing is said of it', async (what, text) => {
  const file = join(folder, `${what}.yaml`)
  if (text !== null) writeFileSync(file, text)
  expect(await offered('fish', 'plan', file, '-l', '')).toBe('all\n')
})

test('names on the command line are known, and so are those of a file', async () => {
  expect(await offered('fish', 'plan', 'web-1,db-1,', '-l', 'd')).toBe('db-1\n')
  const file = join(folder, 'good.yaml')
  writeFileSync(file, 'all: {children: {web: {hosts: {web-1: }}}}\n')
  expect(await offered('fish', 'plan', file, '-l', 'w')).toBe('web\nweb-1\n')
})

test('bash has what stands before the last = or colon already', async () => {
  expect(await offered('bash', 'plan', 'web-1,db-1,', '--limit', 'all', ':', 'd')).toBe('db-1\n')
  expect(await offered('bash', 'plan', 'web-1,db-1,', '--limit', '=', 'd')).toBe('db-1\n')
  expect(await offered('bash', 'plan', 'web-1,db-1,', '--limit', 'all', ':')).toBe('all\nungrouped\nweb-1\ndb-1\n')
})

describe('ids of runs', () => {
  const state = ownState()
  const id = (minute: number) => `20261126-${String(minute).padStart(4, '0')}-7f3a`

  test('are those on record, newest first, with what each was; no more than a person looks through', async () => {
    const store = databaseStore(state(), () => {})
    for (let minute = 0; minute < 40; minute++) await store.save(aRun({ id: id(minute) }))
    const lines = (await offered('fish', 'rollback', '2026')).trimEnd().split('\n')
    expect(lines).toHaveLength(30)
    expect(lines[0]).toMatch(/^20261126-0039-7f3a\tapply of 2026-/)
    expect((await offered('fish', 'rollback', '20261126-0039')).split('\n')).toHaveLength(2)
  })

  test('nothing is made where there is no record, and a damaged one is left as it is', async () => {
    expect(await offered('fish', 'rollback', '2026')).toBe('')
    expect(readdirSync(state())).toEqual([])
    writeFileSync(join(state(), 'ctfleet.db'), 'no database'.repeat(1000))
    expect(await offered('fish', 'rollback', '2026')).toBe('')
    expect(readdirSync(state())).toEqual(['ctfleet.db'])
  })

  test('whoever writes at the moment is not waited for', async () => {
    await databaseStore(state(), () => {}).save(aRun({ id: id(1) }))
    const engine = await loadEngine()
    const writer = new engine(join(state(), 'ctfleet.db'), { timeout: 0 })
    writer.exec('begin exclusive')
    expect(await offered('fish', 'rollback', '2026')).toBe('')
    writer.close()
    expect(await offered('fish', 'rollback', '2026')).toContain(id(1))
  })
})
