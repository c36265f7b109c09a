import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { databaseStore } from '../../src/store/database.ts'
import type { RunStore } from '../../src/store/store.ts'

let state: string
let store: RunStore
let told: string[]

beforeEach(() => {
  state = mkdtempSync(join(tmpdir(), 'ctfleet-store-'))
  told = []
  store = databaseStore(state, (sentence) => told.push(sentence))
})
afterEach(() => rmSync(state, { recursive: true, force: true }))

test('a controller killed at any moment loses nothing that it was told is kept, and the record stays sound', async () => {
  for (let round = 0; round < 5; round++) {
    const writer = begin(`run-${round}`, 100_000)
    await writer.said(20 + 7 * round)
    writer.child.kill('SIGKILL')
    const kept = await writer.ended
    const found = await store.load(`run-${round}`)
    if (found.type !== 'found') throw new Error(found.type)
    expect(found.run.endedAt).toBeNull()
    const hosts = found.run.results.map(({ host }) => host)
    expect(hosts.slice(0, kept.length)).toEqual(kept)
    // The last one may have been kept just before it could say so.
    expect(hosts.length - kept.length).toBeLessThanOrEqual(1)
    expect(found.damaged).toEqual([])
  }
  expect((await store.list()).runs).toHaveLength(5)
  expect(told).toEqual([])
}, 60_000)

test('three that write at once, and one that reads meanwhile, all get their way', async () => {
  const writers = ['a', 'b', 'c'].map((id) => begin(id, 50))
  await Promise.all(writers.map(async ({ said }) => await said(1)))
  let isOver = false
  const reading = (async () => {
    while (!isOver) {
      const { runs, damaged } = await store.list()
      expect(damaged).toEqual([])
      // What one look sees of a run has no gap.
      for (const { hosts } of runs) expect(hosts.map(({ host }) => host)).toEqual(firstHosts(hosts.length))
      await new Promise(setImmediate)
    }
  })()
  for (const { ended } of writers) expect(await ended).toHaveLength(50)
  isOver = true
  await reading
  const { runs } = await store.list()
  expect(
    runs
      .map(({ id, hosts, endedAt }) => [id, hosts.length, endedAt !== null])
      .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1)),
  ).toEqual([
    ['a', 50, true],
    ['b', 50, true],
    ['c', 50, true],
  ])
  expect(told).toEqual([])
}, 60_000)

function firstHosts(hosts: number): readonly string[] {
  return Array.from({ length: hosts }, (_, at) => `host-${at}`)
}

/** A controller of its own process that records so many hosts of a run. */
function begin(run: string, hosts: number) {
  const script = ['--import', 'tsx', 'test/support/store-in-child.ts', state, run, String(hosts)]
  const child: ChildProcessByStdio<null, Readable, null> = spawn(process.execPath, script, {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  let text = ''
  let heard = () => {}
  child.stdout.setEncoding('utf8').on('data', (more: string) => {
    text += more
    heard()
  })
  // What it was cut off in the middle of is no word.
  const lines = () => text.split('\n').slice(0, -1)
  const ended = new Promise<readonly string[]>((resolve) => child.on('close', () => resolve(lines())))
  return {
    child,
    ended,
    said: async (least: number) => {
      while (lines().length < least)
        await new Promise<void>((resolve) => {
          heard = resolve
        })
    },
  }
}
