import { expect, test } from 'vitest'
import { keysIn, UNTOUCHED } from '../../src/cli/keyboard.ts'

type Typed = readonly [chunk: string, atMs: number]

function heard(...typed: readonly Typed[]): readonly string[] {
  let state = UNTOUCHED
  return typed.map(([chunk, at]) => {
    const { keys, state: after } = keysIn(chunk, state, at)
    state = after
    return keys
  })
}

test('keys go through one by one, and so does a letter with its Enter', () => {
  expect(heard(['y', 1000], ['\r', 1300], ['\x1b[A', 2000], ['n\r', 3000])).toEqual(['y', '\r', '\x1b[A', 'n\r'])
})

test('several lines at once are no answer, however they are cut', () => {
  expect(heard(['yes please\ny\n', 1000])).toEqual([''])
  expect(heard(['yes please\r', 1000], ['y\r', 1001], ['y\r', 1030])).toEqual(['yes please\r', '', ''])
  expect(heard(['yes\ry', 1000], ['\r', 1001])).toEqual(['', ''])
})

test('a bracketed paste is no answer, of one line either', () => {
  expect(heard(['\x1b[200~y\r\x1b[201~', 1000])).toEqual([''])
  expect(heard(['\x1b[200~y', 1000], ['\r', 1500], ['\x1b[201~', 1501], ['n', 2000])).toEqual(['', '', '', 'n'])
})

test('after a pause the next answer is heard', () => {
  expect(heard(['x\r', 1000], ['y\r', 1100])).toEqual(['x\r', 'y\r'])
})

test.each(['\x03', 'y\r\x03', '\x1b[200~\x03', '\x04'])('%j ends the question', (chunk) => {
  expect(heard([chunk, 1000])).toEqual(['\x03'])
  expect(heard(['y\r', 1000], [chunk, 1001])).toEqual(['y\r', '\x03'])
})
