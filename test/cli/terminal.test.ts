import { Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { expect, test } from 'vitest'
import { openTerminal } from '../../src/cli/terminal.ts'

test('what is said while lines stand goes above them', () => {
  const { terminal, stderr } = open({ isTTY: true })
  terminal.stand(['Planning  1 of 6', '  web-1 reading'])
  terminal.say(['Stopping'])
  terminal.stand([])
  expect(screenOf(stderr.text)).toEqual(['Stopping', ''])
})

test('lines that stand are replaced, not repeated', () => {
  const { terminal, stderr } = open({ isTTY: true })
  terminal.stand(['1 of 6', 'web-1'])
  terminal.stand(['2 of 6'])
  terminal.say(['db-4 unreachable'])
  expect(screenOf(stderr.text)).toEqual(['db-4 unreachable', '2 of 6', ''])
})

test('nothing stands where nothing can be taken back', () => {
  const { terminal, stderr } = open({ isTTY: false })
  terminal.stand(['1 of 6'])
  terminal.say(['web-1 planned'])
  expect(stderr.text).toBe('web-1 planned\n')
})

test('colour is for terminals that want it', () => {
  const inked = (isTTY: boolean, environment: { [name: string]: string }) =>
    open({ isTTY }, environment).terminal.paper.ink('bad', 'x')
  expect(inked(true, {})).toBe('\x1b[31mx\x1b[39m')
  expect(inked(true, { NO_COLOR: '1' })).toBe('x')
  expect(inked(true, { TERM: 'dumb' })).toBe('x')
  expect(inked(false, {})).toBe('x')
  expect(inked(false, { FORCE_COLOR: '1' })).toBe('\x1b[31mx\x1b[39m')
  expect(inked(false, { CI: 'true' })).toBe('x')
})

test('a report is as wide as its terminal, and 100 columns elsewhere', () => {
  expect(open({ isTTY: true, columns: 80 }).terminal.paper.columns).toBe(80)
  expect(open({ isTTY: true, columns: 10 }).terminal.paper.columns).toBe(40)
  expect(open({ isTTY: false }).terminal.paper.columns).toBe(100)
})

test('a reader that left is written to no more', async () => {
  const { terminal, stdout } = open({ isTTY: false })
  terminal.print(['one'])
  stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  terminal.print(['two'])
  expect(stdout.text).toBe('one\n')
})

test('somebody can be asked only where both ends are a terminal', () => {
  expect(open({ isTTY: true }).terminal.canAsk).toBe(true)
  expect(open({ isTTY: false }).terminal.canAsk).toBe(false)
})

type Kind = { readonly isTTY: boolean; readonly columns?: number }

class Screen extends Writable {
  text = ''
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    this.text += chunk.toString()
    done()
  }
}

function open({ isTTY, columns = 80 }: Kind, environment: { readonly [name: string]: string } = {}) {
  const stdout = Object.assign(new Screen(), { isTTY, columns })
  const stderr = Object.assign(new Screen(), { isTTY, columns })
  const streams = {
    stdin: { isTTY } as ReadStream,
    stdout: stdout as unknown as WriteStream,
    stderr: stderr as unknown as WriteStream,
  }
  const interruption = { signal: new AbortController().signal, adviseOnLeaving: () => {} }
  return { terminal: openTerminal(streams, environment, () => interruption), stdout, stderr }
}

/** What a person sees in the end: knows "up N lines" and "clear below", which is all that is sent. */
function screenOf(text: string): readonly string[] {
  const lines = ['']
  for (const part of text.split(/(\x1b\[\d+F\x1b\[J|\n)/)) {
    const up = /^\x1b\[(\d+)F/.exec(part)
    if (up !== null) lines.splice(-1 - Number(up[1]), Number(up[1]) + 1, '')
    else if (part === '\n') lines.push('')
    else lines[lines.length - 1] += part
  }
  return lines
}
