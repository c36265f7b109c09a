import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { echoes, echoOf, hasForeground, sttyWithin } from '../../src/cli/echo.ts'

const SIGNALS = ['SIGTSTP', 'SIGCONT', 'SIGQUIT', 'SIGINT', 'SIGTERM', 'SIGHUP'] as const
const listening = () => SIGNALS.map((name) => process.listenerCount(name))
const before = listening()
afterEach(() => {
  vi.restoreAllMocks()
  expect(listening()).toEqual(before)
})

test('it is taken away once and put back once', () => {
  const { echo, told } = terminal()
  echo.off()
  echo.off()
  expect(told).toEqual(['-a', '-echo'])
  echo.asBefore()
  echo.asBefore()
  expect(told).toEqual(['-a', '-echo', 'echo'])
  echo.off()
  expect(told.slice(3)).toEqual(['-echo'])
  echo.asBefore()
})

test('a terminal that echoed nothing before is left so', () => {
  const { echo, told } = terminal({ before: 'isig icanon -echo echoe' })
  echo.off()
  echo.asBefore()
  expect(told).toEqual(['-a'])
})

test('in the background the terminal is not touched, and what goes on there leaves it alone', () => {
  const place = { isInForeground: false }
  const { echo, told } = terminal({ place })
  echo.off()
  expect(told).toEqual([])
  place.isInForeground = true
  echo.off()
  place.isInForeground = false
  process.emit('SIGCONT', 'SIGCONT')
  echo.asBefore()
  expect(told).toEqual(['-a', '-echo'])
})

test('back from a stop it is taken away again: the shell has put it back', () => {
  const { echo, told } = terminal()
  echo.off()
  process.emit('SIGCONT', 'SIGCONT')
  expect(told).toEqual(['-a', '-echo', '-echo'])
  echo.asBefore()
})

test('Ctrl-Z stops us as it does anybody, with the terminal as it was', async () => {
  const { echo, told, sent } = terminal()
  echo.off()
  process.emit('SIGTSTP', 'SIGTSTP')
  // Not SIGSTOP, which stops also where nobody could let us go on.
  expect(sent).toEqual([{ name: 'SIGTSTP', told: ['-a', '-echo', 'echo'], heardBy: before[0] }])
  // Where nothing has stopped, as the kernel has it there, no SIGCONT comes.
  await soon()
  expect(told.slice(3)).toEqual(['-echo'])
  process.emit('SIGTSTP', 'SIGTSTP')
  expect(sent).toHaveLength(2)
  echo.asBefore()
  await soon()
  expect(told.slice(4)).toEqual(['echo'])
})

test.each(['SIGQUIT', 'SIGHUP', 'SIGTERM'] as const)('%s finds the terminal as it was, and ends us', (name) => {
  const { echo, sent } = terminal()
  echo.off()
  process.emit(name, name)
  expect(sent).toEqual([{ name, told: ['-a', '-echo', 'echo'], heardBy: 0 }])
})

test('a signal that somebody else hears is left to them', () => {
  const { echo, told, sent } = terminal()
  let heard = 0
  const hear = () => void heard++
  process.on('SIGTERM', hear)
  try {
    echo.off()
    process.emit('SIGTERM', 'SIGTERM')
    expect({ told, sent, heard }).toEqual({ told: ['-a', '-echo'], sent: [], heard: 1 })
    echo.asBefore()
  } finally {
    process.off('SIGTERM', hear)
  }
})

test('a stty that hangs and hears no SIGTERM is not waited for', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctfleet-stty-'))
  const [path, late] = [process.env.PATH, join(directory, 'late')]
  try {
    writeFileSync(join(directory, 'stty'), `#!/bin/sh\ntrap '' TERM\nsleep 2\necho >${late}\n`, { mode: 0o755 })
    process.env.PATH = `${directory}:${path}`
    expect(sttyWithin(100)('-a')).toBeNull()
    expect(existsSync(late)).toBe(false)
  } finally {
    process.env.PATH = path
    rmSync(directory, { recursive: true })
  }
})

test('without stty all stays as it is', () => {
  const told: string[] = []
  const stty = (word = '') => {
    told.push(word)
    return null
  }
  const echo = echoOf({ stty, isInForeground: () => true })
  echo.off()
  echo.asBefore()
  expect(told).toEqual(['-a'])
})

test.each([
  ['speed 38400 baud; line = 0;\nisig icanon iexten echo echoe echok -echonl', true],
  ['isig icanon -echo echoe echok', false],
  ['', false],
])('whether %j echoes: %s', (all, is) => expect(echoes(all)).toBe(is))

test.each([
  ['753 (node) R 749 749 1043 34816 749 4194304', true],
  ['753 (no) 1 2 (de) R 749 749 1043 34816 1043 4194304', false],
  ['753 (node) R 749 749 1043 0 -1 4194304', false],
  ['', false],
])('whether %j is in the foreground: %s', (stat, is) => expect(hasForeground(stat)).toBe(is))

function terminal({ before: all = 'isig icanon echo echoe', place = { isInForeground: true } } = {}) {
  const told: string[] = []
  const stty = (word = '') => {
    told.push(word)
    return word === '-a' ? all : ''
  }
  const sent: { readonly name: unknown; readonly told: readonly string[]; readonly heardBy: number }[] = []
  vi.spyOn(process, 'kill').mockImplementation((_, name) => {
    sent.push({ name, told: [...told], heardBy: process.listenerCount(String(name)) })
    return true
  })
  return { echo: echoOf({ stty, isInForeground: () => place.isInForeground }), told, sent }
}

async function soon(): Promise<void> {
  await new Promise((done) => setImmediate(done))
}
