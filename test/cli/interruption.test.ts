import { afterEach, expect, test } from 'vitest'
import { stoppingSignals, watchSignals } from '../../src/cli/interruption.ts'

const before = process.listeners('SIGINT')
afterEach(() => {
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    for (const listener of process.listeners(name)) if (!before.includes(listener)) process.off(name, listener)
  }
})

test('the first asks to stop, the second leaves with the newest advice', () => {
  const said: string[] = []
  const left = new Error('left')
  const leave = () => {
    throw left
  }
  const interruption = watchSignals((lines) => said.push(...lines), leave)
  // Until hosts are at work a signal ends us as it ends anybody, also where we wait for a pipe and hear nothing.
  expect(process.listeners('SIGINT')).toEqual(before)
  interruption.adviseOnLeaving(() => ['old advice'])
  interruption.adviseOnLeaving(() => ['At work: web-1.'])

  process.emit('SIGINT')
  expect(interruption.signal.aborted).toBe(true)
  expect(said.at(-2)).toMatch(/^Stopping: no further host begins/)

  expect(() => process.emit('SIGTERM')).toThrow(left)
  expect(said.slice(-2)).toEqual(['Left at once.', 'At work: web-1.'])
})

test('a window that is closed is told of twice, by the terminal and by the shell: that asks to stop once', () => {
  const said: string[] = []
  const leave = () => {
    throw new Error('left')
  }
  const interruption = watchSignals((lines) => said.push(...lines), leave, ['SIGINT', 'SIGTERM', 'SIGHUP'])
  interruption.adviseOnLeaving(() => [])
  process.emit('SIGHUP', 'SIGHUP')
  process.emit('SIGHUP', 'SIGHUP')
  expect(interruption.signal.aborted).toBe(true)
  expect(said.filter((line) => line.startsWith('Stopping'))).toHaveLength(1)
  expect(() => process.emit('SIGTERM', 'SIGTERM')).toThrow('left')
})

test('a hangup stops whoever has a terminal, and nobody else', () => {
  const [none, tty] = [{ isTTY: false }, { isTTY: true }]
  expect(stoppingSignals({ stdin: none, stdout: none, stderr: none })).not.toContain('SIGHUP')
  for (const name of ['stdin', 'stdout', 'stderr']) {
    expect(stoppingSignals({ stdin: none, stdout: none, stderr: none, [name]: tty })).toContain('SIGHUP')
  }
  const interruption = watchSignals(
    () => undefined,
    () => process.exit(),
    ['SIGINT', 'SIGTERM'],
  )
  // Also before any host is at work.
  expect(process.emit('SIGHUP', 'SIGHUP')).toBe(true)
  expect(interruption.signal.aborted).toBe(false)
})

test('a question that stands open is closed before anything is said below it', () => {
  const order: string[] = []
  const interruption = watchSignals(
    (lines) => order.push(...lines),
    () => process.exit(),
  )
  interruption.signal.addEventListener('abort', () => order.push('closed'))
  interruption.stop()
  expect(order.slice(0, 3)).toEqual(['closed', '', expect.stringMatching(/^Stopping/)])
})
