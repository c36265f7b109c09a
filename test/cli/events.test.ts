import { execFileSync } from 'node:child_process'
import { existsSync, mkdtempSync, openSync, readFileSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { newEvents } from '../../src/cli/events.ts'
import { runPhase } from '../../src/cli/fleet-phase.ts'
import type { HostResult } from '../../src/model/result.ts'
import { aFault } from '../report/fleet.ts'
import { desk } from '../support/desk.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-events-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const NOW = new Date('2026-11-26T09:42:00.000Z')
const time = NOW.toISOString()

test('a phase is told from its beginning to its end, one event a line, and nothing of it is said elsewhere', async () => {
  const { terminal, printed } = desk()
  const { events, path, written } = await opened()
  await runPhase(
    {
      title: 'Taking back',
      hosts: [{ name: 'web-1', groups: [] }],
      parallel: 1,
      onLeaving: [],
      story: async ({ name }, { onStage }): Promise<HostResult> => {
        onStage('connecting')
        return { host: name, status: 'unreachable', fault: aFault({ code: 'auth', message: 'no key fits' }) }
      },
    },
    { ...terminal, events },
  )
  expect(await written()).toEqual([
    { version: 1, time, event: 'phase-began', phase: 'taking back', hosts: 1 },
    { version: 1, time, event: 'stage', phase: 'taking back', host: 'web-1', stage: 'connecting' },
    {
      version: 1,
      time,
      event: 'host-ended',
      phase: 'taking back',
      host: 'web-1',
      status: 'unreachable',
      code: 'auth',
      why: 'no key fits',
    },
    { version: 1, time, event: 'phase-ended', phase: 'taking back', counts: { unreachable: 1 } },
  ])
  expect(statSync(path).mode & 0o777).toBe(0o600)
  expect(printed).toEqual([])
})

test('whatever a host says is one line, obeys no terminal, and is read back as it was said', async () => {
  const text = 'a\nb\r\x1b[2J\u202e\u2028\u009b"\\ \ud800 \u{e0001}'
  const { events, path, written } = await opened()
  events.tell({ event: 'remark', phase: 'planning', text, bad: false })
  expect(await written()).toMatchObject([{ text }])
  expect(readFileSync(path, 'utf8')).toMatch(/^[ -~]+\n$/)
})

test('a file grows at its end, so that several runs tell one story', async () => {
  for (const run of ['one', 'two']) {
    const { events, written } = await opened()
    events.tell({ event: 'run-began', run, command: 'apply' })
    await written()
  }
  expect(await (await opened()).written()).toMatchObject([{ run: 'one' }, { run: 'two' }])
})

test('a descriptor that somebody opened for us is written to', async () => {
  const path = join(dir, 'events.jsonl')
  const events = newEvents(
    () => {},
    () => NOW,
  )
  await events.open(String(openSync(path, 'w')))
  events.tell({ event: 'run-began', run: 'one', command: 'apply' })
  await events.close()
  expect(readFileSync(path, 'utf8')).toBe(
    `{"version":1,"time":"${time}","event":"run-began","run":"one","command":"apply"}\n`,
  )
})

test('a pipe that nobody reads, and a directory, are refused before anything begins', async () => {
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', [pipe])
  await expect(newEvents(() => {}).open(pipe)).rejects.toThrow('nobody at its other end')
  await expect(newEvents(() => {}).open(dir)).rejects.toThrow('it is a directory')
})

// A number that no file of this process has, however many it holds.
test.each(['-', '0', '1', '2', '2000000000', '/no/such/directory/events'])(
  '%s is refused before anything begins',
  async (target) => {
    await expect(newEvents(() => {}).open(target)).rejects.toThrow(/^--events: .*\n {2}name a file/)
  },
)

test('a reader that falls far behind is told of once, and the work goes on', async () => {
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', [pipe])
  const said: string[] = []
  const events = newEvents((sentence) => said.push(sentence))
  // Open at both ends, so that neither waits for the other.
  const reader = openSync(pipe, 'r+')
  await events.open(pipe)
  const big = 'x'.repeat(1024 * 1024)
  for (let turn = 0; turn < 40; turn++) events.tell({ event: 'remark', phase: 'planning', text: big, bad: false })
  expect(said).toEqual(['--events: no more are written: their reader is too slow'])
  await events.close()
  expect(existsSync(`/proc/self/fd/${reader}`)).toBe(true)
})

test('where nobody asked for events none are written', async () => {
  const events = newEvents(() => {})
  events.tell({ event: 'run-began', run: 'one', command: 'apply' })
  await events.close()
})

async function opened() {
  const path = join(dir, 'events.jsonl')
  const events = newEvents(
    (sentence) => {
      throw new Error(sentence)
    },
    () => NOW,
  )
  await events.open(path)
  const written = async () => {
    await events.close()
    return readFileSync(path, 'utf8')
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
  }
  return { events, path, written }
}
