import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { declareWork, forgetWork, workerOn } from '../../src/run/at-work.ts'

/** Who works on a run, so that nobody resumes it under another's feet. */

const RUN = '20261126-0942-7f3a'
let state: string
let declared: string

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-at-work-'))
  declared = join(state, 'at-work', RUN)
  vi.stubEnv('CTFLEET_STATE', state)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(state, { recursive: true })
})

test('whoever said so, until he says that it is over', async () => {
  expect(await workerOn(RUN)).toBeNull()
  const over = await declareWork(RUN)
  expect(await workerOn(RUN)).toMatchObject({ pid: process.pid, life: 'alive' })
  expect(await workerOn('20261126-0942-0000')).toBeNull()
  expect([statSync(join(state, 'at-work')).mode & 0o777, statSync(declared).mode & 0o777]).toEqual([0o700, 0o600])
  await over()
  expect(await workerOn(RUN)).toBeNull()
  expect(readdirSync(join(state, 'at-work'))).toEqual([])
})

test('a process that was killed is gone, also before its parent takes notice', async () => {
  const child = spawn('sleep', ['60'])
  await once(child, 'spawn')
  await declareAs(child)
  expect((await workerOn(RUN))?.life).toBe('alive')
  child.kill('SIGKILL')
  await once(child, 'close')
  expect(await workerOn(RUN)).toEqual(expect.objectContaining({ pid: child.pid, life: 'gone' }))
  await forgetWork(RUN)
  expect(await workerOn(RUN)).toBeNull()
})

test.each([
  ['began at another time', (since: string) => since.replace(/\d+$/, (start) => String(Number(start) - 1))],
  ['had its number before the machine was started anew', (since: string) => since.replace(/^\S+/, 'another-life')],
])('a process that %s is another one', async (_, other) => {
  await declareWork(RUN)
  const { since, ...more } = JSON.parse(readFileSync(declared, 'utf8'))
  expect(other(since)).not.toBe(since)
  writeFileSync(declared, JSON.stringify({ ...more, since: other(since) }))
  expect((await workerOn(RUN))?.life).toBe('gone')
})

test('of another machine nothing is known but its name', async () => {
  await declareWork(RUN)
  writeFileSync(declared, JSON.stringify({ ...JSON.parse(readFileSync(declared, 'utf8')), machine: 'elsewhere' }))
  expect(await workerOn(RUN)).toEqual({ pid: process.pid, machine: 'elsewhere', life: 'elsewhere' })
})

test.each(['', '{"pid":', '[]', 'null', '{"pid":-1,"machine":"a"}', '{"pid":"1"}'])(
  'what says nothing may be somebody: %j',
  async (text) => {
    await declareWork(RUN)
    writeFileSync(declared, text)
    expect(await workerOn(RUN)).toEqual({ life: 'unknown', file: declared, why: 'it does not say which process' })
  },
)

test('nor is what cannot be read taken for nobody', async () => {
  mkdirSync(declared, { recursive: true })
  expect(await workerOn(RUN)).toMatchObject({ life: 'unknown', file: declared })
})

test('a declaration is put in place whole, and leaves nothing else behind', async () => {
  await declareWork(RUN)
  const { ino } = statSync(declared)
  await declareWork(RUN)
  expect(statSync(declared).ino).not.toBe(ino)
  expect(readdirSync(join(state, 'at-work'))).toEqual([RUN])
})

test('one that cannot be put in place leaves nothing behind', async () => {
  mkdirSync(declared, { recursive: true })
  await expect(declareWork(RUN)).rejects.toThrow()
  expect(readdirSync(join(state, 'at-work'))).toEqual([RUN])
})

/** As that process would have declared it. */
async function declareAs({ pid }: ChildProcess): Promise<void> {
  vi.spyOn(process, 'pid', 'get').mockReturnValue(pid ?? 0)
  try {
    await declareWork(RUN)
  } finally {
    vi.restoreAllMocks()
  }
}
