import { afterEach, expect, test } from 'vitest'
import { echoes, echoOf, hasForeground } from '../../src/cli/echo.ts'

const SIGNALS = ['SIGTSTP', 'SIGCONT', 'SIGQUIT'] as const
const before = SIGNALS.map((name) => process.listenerCount(name))
afterEach(() => expect(SIGNALS.map((name) => process.listenerCount(name))).toEqual(before))

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
  return { echo: echoOf({ stty, isInForeground: () => place.isInForeground }), told }
}
