import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { beforeEach, expect, test } from 'vitest'
import { endProgram, endWithUs } from '../../src/inventory/end-program.ts'

beforeEach((context) => {
  if (!existsSync('/proc/self/stat')) context.skip('needs /proc')
})

test('a program that is ended takes with it all that it has begun, and nothing else', async () => {
  const [program, bystander] = [started('sh -c "sleep 300 & sleep 300; true" & sleep 300; true'), started('sleep 300')]
  await expect.poll(() => sleepersBelow(program.pid), { timeout: 8000 }).toHaveLength(3)
  const pids = sleepersBelow(program.pid)
  endProgram(program)
  expect(await once(program, 'close')).toEqual([null, 'SIGKILL'])
  await expect.poll(() => pids.filter(isAlive), { timeout: 8000 }).toEqual([])
  expect(bystander.exitCode).toBeNull()
  endProgram(bystander)
  await once(bystander, 'close')
  // A number that is somebody else's by now is left alone.
  endProgram(bystander)
})

test('nobody listens to our exit once the programs have ended', async () => {
  const before = process.listenerCount('exit')
  const both = [started('sleep 300'), started('sleep 300')]
  for (const each of both) endWithUs(each)
  expect(process.listenerCount('exit')).toBe(before + 1)
  for (const each of both) endProgram(each)
  await Promise.all(both.map(async (each) => await once(each, 'close')))
  expect(process.listenerCount('exit')).toBe(before)
})

function started(script: string) {
  return spawn('sh', ['-c', script], { stdio: ['ignore', 'pipe', 'ignore'] })
}

function sleepersBelow(pid: number | undefined): readonly number[] {
  const found: number[] = []
  let level = [Number(pid)]
  while (level.length > 0) {
    level = level.flatMap((each) => childrenOf(each))
    found.push(...level)
  }
  return found.filter((each) => readFileSync(`/proc/${each}/comm`, 'utf8') === 'sleep\n')
}

function childrenOf(pid: number): readonly number[] {
  const text = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text
    .split(' ')
    .filter((each) => each !== '')
    .map(Number)
}

/** Whether it still runs: nobody may have asked yet how it ended. */
function isAlive(pid: number): boolean {
  try {
    return !/\) [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}
