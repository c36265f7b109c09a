import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { runsCommand } from '../../src/cli/commands/runs.ts'
import { desk } from '../support/desk.ts'

let directory: string
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'ctfleet-place-'))
})
afterEach(() => {
  rmSync(directory, { recursive: true })
  vi.unstubAllEnvs()
})

async function runs(place: string): Promise<string> {
  vi.stubEnv('CTFLEET_STATE', place)
  const { terminal, printed } = desk()
  await runsCommand({ format: 'text' }, terminal)
  return printed.join('\n').replaceAll(/\s+/g, ' ')
}

test('where no run is on record, it says where it looked, and what needs no record', async () => {
  const nowhere = join(directory, 'x')
  expect(await runs(nowhere)).toMatch(new RegExp(`^No runs in ${nowhere}\\. .*rollback --from-hosts`))
})

test('a place that cannot be looked into is no empty record', async () => {
  writeFileSync(join(directory, 'a-file'), '')
  await expect(runs(join(directory, 'a-file', 'state'))).rejects.toThrow(/a-file\/state: whether runs are on record/)
})
