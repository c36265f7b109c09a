import { execFileSync, spawnSync } from 'node:child_process'
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-events-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

/** What is run in a process of its own, and how that process ended. */
function inProcess(script: string, target: string) {
  const file = join(dir, 'script.mts')
  writeFileSync(file, script)
  return spawnSync(process.execPath, ['--import', import.meta.resolve('tsx'), file, target], {
    encoding: 'utf8',
    timeout: 30_000,
  })
}

const TELLS = `
import { newEvents } from ${JSON.stringify(resolve('src/cli/events.ts'))}
const events = newEvents((sentence) => console.log(sentence))
await events.open(process.argv[2])
const text = 'x'.repeat(1000)
for (let turn = 0; turn < 500; turn++) {
  events.tell({ event: 'remark', phase: 'applying', text, bad: false })
  await new Promise((next) => setImmediate(next))
}
console.log('all told')
await events.close()
console.log('closed')
process.exit(0)
`

test('a reader that takes nothing keeps nobody: neither the work, nor the end of the process', () => {
  const pipe = join(dir, 'pipe')
  execFileSync('mkfifo', [pipe])
  // Open at both ends, and never read.
  const reader = openSync(pipe, 'r+')
  const { stdout, status, signal } = inProcess(TELLS, pipe)
  expect({ stdout, status, signal }).toEqual({ stdout: 'all told\nclosed\n', status: 0, signal: null })
  closeSync(reader)
})

test('a reader that dies is told of once, and the work goes on', () => {
  const script = join(dir, 'script.mts')
  writeFileSync(script, TELLS)
  const tsx = import.meta.resolve('tsx')
  const line = `exec 4>&1; ${process.execPath} --import ${tsx} ${script} 3 3>&1 >&4 | head -c 3000 > /dev/null`
  const { stdout, status } = spawnSync('sh', ['-c', line], { encoding: 'utf8', timeout: 30_000 })
  // When it is noticed depends on who is faster; that it is said once, and that all goes on, does not.
  expect({ lines: stdout.trim().split('\n').toSorted(), status }).toEqual({
    lines: ['--events: no more are written: write EPIPE', 'all told', 'closed'],
    status: 0,
  })
})
