import { PassThrough } from 'node:stream'
import type { ReadStream } from 'node:tty'
import { expect, test, vi } from 'vitest'
import { keyboardOf, keysIn, UNTOUCHED } from '../../src/cli/keyboard.ts'

type Typed = readonly [chunk: string, atMs: number]

function heard(...typed: readonly Typed[]): readonly string[] {
  let state = UNTOUCHED
  return typed.map(([chunk, at]) => {
    const { state: after, ...what } = keysIn(chunk, state, at)
    state = after
    return what.type === 'keys' ? what.keys : what.type
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

test.each(['\x03', 'y\r\x03', '\x1b[200~\x03', '\x04\x03'])('%j breaks the question off', (chunk) => {
  expect(heard([chunk, 1000])).toEqual(['break'])
  expect(heard(['y\r', 1000], [chunk, 1001])).toEqual(['y\r', 'break'])
})

test('Ctrl-D is the end of answers, and no answer to what is asked right behind it', () => {
  expect(heard(['\x04', 1000], ['y\r', 1001])).toEqual(['end', ''])
  expect(heard(['\x04', 1000], ['\x04', 1001], ['\x04', 1100])).toEqual(['end', '', 'end'])
})

test.each(['\x1b[200~a\x04', '\x1b[200~\x04\x1b[201~', 'a\nb\n\x04', 'y\r\x04', '\x04y', '\x04\x04'])(
  'within %j it was pasted, and is no answer',
  (chunk) => expect(heard([chunk, 1000])).toEqual(['']),
)

test('nor is it one however the paste is cut, or right behind an Enter', () => {
  expect(heard(['\x1b[200~a\r', 1000], ['\x04', 1500], ['\x1b[201~', 1501])).toEqual(['', '', ''])
  expect(heard(['a\nb\n', 1000], ['\x04', 1001])).toEqual(['', ''])
  expect(heard(['y\r', 1000], ['\x04', 1001])).toEqual(['y\r', ''])
})

test('Ctrl-D is the keys that it stands for; where it stands for none, it is Ctrl-C', () => {
  const quits = open('q\r')
  quits.terminal.write('\x04')
  expect(quits).toMatchObject({ typed: ['q\r'], breaks: 0 })
  const breaks = open(null)
  breaks.terminal.write('\x04')
  expect(breaks).toMatchObject({ typed: [], breaks: 1 })
})

test('within what may be pasted it breaks the question off: it would end the keys, and never the question', () => {
  const secret = open(null, true)
  secret.terminal.write('pass\x04word\r')
  expect(secret).toMatchObject({ typed: [], breaks: 1 })
})

test('only a question that says so takes what is pasted', () => {
  const [strict, free] = [open('q\r'), open(null, true)]
  for (const { terminal } of [strict, free]) terminal.write('one\rtwo\r')
  expect([strict.typed, free.typed]).toEqual([[], ['one\rtwo\r']])
})

test.each(['end', 'error'])(
  'a terminal that is gone (%s) breaks the question off, once its signal had time to come',
  (how) => {
    vi.useFakeTimers()
    try {
      const kept = open('q\r')
      kept.terminal.emit(how, new Error('read EIO'))
      expect(kept.breaks).toBe(0)
      vi.runAllTimers()
      expect(kept.breaks).toBe(1)

      const closed = open('q\r')
      closed.terminal.emit(how, new Error('read EIO'))
      closed.keyboard.close()
      vi.runAllTimers()
      expect(closed.breaks).toBe(0)
    } finally {
      vi.useRealTimers()
    }
  },
)

test.each([false, true])('Ctrl-Z is no key of a question, may it be pasted at (%s) or not', async (mayPaste) => {
  const { terminal, typed } = open('q\r', mayPaste)
  terminal.write('\x1a')
  terminal.write('y')
  await vi.waitFor(() => expect(typed.join('')).toBe('y'))
})

function open(ctrlD: string | null, mayPaste = false) {
  // Whatever else hears it too, as the terminal of the program does.
  const terminal = new PassThrough().on('error', () => undefined)
  const opened = { terminal, breaks: 0, typed: [] as string[] }
  const onBreak = () => {
    opened.breaks++
  }
  const keyboard = keyboardOf(terminal as unknown as ReadStream, { ctrlD, mayPaste, onBreak })
  keyboard.input.on('data', (keys: Buffer) => opened.typed.push(keys.toString()))
  return Object.assign(opened, { keyboard })
}
