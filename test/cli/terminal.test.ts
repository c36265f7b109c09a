import { EventEmitter } from 'node:events'
import { Socket } from 'node:net'
import { Writable } from 'node:stream'
import type { ReadStream, WriteStream } from 'node:tty'
import { expect, test } from 'vitest'
import { columnsOfTerminal, openTerminal } from '../../src/cli/terminal.ts'

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

test('lines that a narrower window has broken in two since are taken back whole, colour or not', () => {
  const { terminal, stderr } = open({ isTTY: true, columns: 80 })
  terminal.stand(['x'.repeat(79), `\x1b[2m${'y'.repeat(30)}\x1b[22m`])
  stderr.columns = 40
  stderr.text = ''
  terminal.stand([])
  expect(stderr.text).toBe(`\x1b[3F${'\x1b[2K\x1b[1E'.repeat(3)}\x1b[3F`)
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
  expect(open({ isTTY: true, columns: 30 }).terminal.paper.columns).toBe(40)
  expect(open({ isTTY: false }).terminal.paper.columns).toBe(100)
})

test.each([0, 1, 19])('a terminal of %i columns is one that nobody gave a size', (columns) => {
  const { terminal, stderr } = open({ isTTY: true, columns })
  expect([terminal.paper.columns, terminal.notices.columns]).toEqual([80, 80])
  expect(open({ isTTY: true, columns }, { COLUMNS: '132' }).terminal.paper.columns).toBe(132)
  expect(columnsOfTerminal(stderr, {})).toBe(80)
  // Lines that stand are taken back by what they are, one each.
  terminal.stand(['x'.repeat(79), 'y'])
  stderr.text = ''
  terminal.stand([])
  expect(stderr.text).toBe(`\x1b[2F${'\x1b[2K\x1b[1E'.repeat(2)}\x1b[2F`)
})

test.each([
  ['132', 1],
  ['60', 2],
  ['7', 2],
])('lines that stand there are taken back by what COLUMNS=%s says, where that can be', (COLUMNS, rows) => {
  const { terminal, stderr } = open({ isTTY: true, columns: 0 }, { COLUMNS })
  terminal.stand(['x'.repeat(100)])
  stderr.text = ''
  terminal.stand([])
  expect(stderr.text).toBe(`\x1b[${rows}F${'\x1b[2K\x1b[1E'.repeat(rows)}\x1b[${rows}F`)
})

test('what a terminal says itself counts more than COLUMNS, for all that is drawn on it', () => {
  const { terminal, stderr } = open({ isTTY: true, columns: 80 }, { COLUMNS: '132' })
  expect([terminal.paper.columns, terminal.notices.columns]).toEqual([80, 80])
  expect(columnsOfTerminal(stderr, { COLUMNS: '132' })).toBe(80)
})

test('nothing that is typed is shown while lines stand', () => {
  const { terminal, echo } = open({ isTTY: true })
  terminal.say(['one'])
  terminal.stand(['1 of 6'])
  terminal.stand(['2 of 6'])
  expect(echo.at(-1)).toBe('off')
  terminal.stand([])
  expect(echo).toEqual(['off', 'off', 'as before'])
})

test('where a pager may have the keys, or nothing stands, the terminal is left as it is', () => {
  for (const { terminal, echo } of [open({ isTTY: true }, {}, new Socket()), open({ isTTY: false })]) {
    terminal.stand(['1 of 6'])
    terminal.stand([])
    expect(echo).toEqual([])
  }
})

test('a terminal that is gone ends no work', () => {
  const { stdin } = open({ isTTY: true })
  expect(() => stdin.emit('error', Object.assign(new Error('setRawMode EIO'), { code: 'EIO' }))).not.toThrow()
})

test('what goes through a pipe to a pager is as wide as the terminal beside it, and as COLUMNS says before that', () => {
  const into = (stdout: Writable, environment: { readonly [name: string]: string } = {}) =>
    open({ isTTY: true, columns: 80 }, environment, stdout).terminal.paper.columns
  expect(into(new Socket())).toBe(80)
  expect(into(new Socket(), { COLUMNS: '72' })).toBe(72)
  expect(into(new Socket(), { COLUMNS: '5' })).toBe(40)
  for (const odd of ['', 'wide', '0', '-3', '99999']) expect(into(new Socket(), { COLUMNS: odd }), odd).toBe(80)
  // A file is read anywhere.
  expect(into(new Screen())).toBe(100)
  expect(into(new Screen(), { COLUMNS: '72' })).toBe(72)
})

test('a reader that left is written to no more', async () => {
  const { terminal, stdout } = open({ isTTY: false })
  terminal.print(['one'])
  stdout.emit('error', Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }))
  terminal.print(['two'])
  expect(stdout.text).toBe('one\n')
})

test('what cannot be written to stdout is told once, by its first reason, and ends nothing', async () => {
  const { terminal, stdout, stderr } = open({ isTTY: false })
  expect(await terminal.reportLost?.()).toBeNull()
  terminal.print(['one'])
  stdout.emit('error', Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' }))
  stdout.emit('error', Object.assign(new Error('EDQUOT: quota, write'), { code: 'EDQUOT' }))
  terminal.print(['two'])
  terminal.say(['three'])
  expect(await terminal.reportLost?.()).toBe('no space is left on the device')
  expect([stdout.text, stderr.text]).toEqual(['one\n', 'three\n'])
})

test('what a slow reader has not taken yet is waited for before it is said that nothing was lost', async () => {
  const { terminal, stdout } = open({ isTTY: false })
  stdout.isSlow = true
  terminal.print(['one'])
  terminal.print(['two'])
  expect(await terminal.reportLost?.()).toBeNull()
  expect(stdout.text).toBe('one\ntwo\n')
})

test.each(['ENOSPC', 'EDQUOT', 'EBADF', 'ECONNRESET'])(
  'where stderr gives %s, it is silent and all else goes on',
  async (code) => {
    const { terminal, stdout, stderr } = open({ isTTY: false })
    stderr.emit('error', Object.assign(new Error(`${code}: write`), { code }))
    terminal.say(['one'])
    terminal.print(['two'])
    expect([stdout.text, stderr.text, await terminal.reportLost?.()]).toEqual(['two\n', '', null])
  },
)

test('somebody can be asked only where both ends are a terminal', () => {
  expect(open({ isTTY: true }).terminal.canAsk).toBe(true)
  expect(open({ isTTY: false }).terminal.canAsk).toBe(false)
})

test('a terminal and a pipe have a reader who takes their time, a file has none', () => {
  expect(open({ isTTY: true }).terminal.hasReader).toBe(true)
  expect(open({ isTTY: false }, {}, new Socket()).terminal.hasReader).toBe(true)
  expect(open({ isTTY: false }).terminal.hasReader).toBe(false)
})

type Kind = { readonly isTTY: boolean; readonly columns?: number }

class Screen extends Writable {
  text = ''
  isSlow = false
  override _write(chunk: Buffer, _encoding: string, done: () => void): void {
    const take = () => {
      this.text += chunk.toString()
      done()
    }
    if (this.isSlow) setImmediate(take)
    else take()
  }
}

function open(
  { isTTY, columns = 80 }: Kind,
  environment: { readonly [name: string]: string } = {},
  elsewhere: Writable | null = null,
) {
  const stdout = Object.assign(new Screen(), { isTTY, columns })
  const stderr = Object.assign(new Screen(), { isTTY, columns })
  const stdin = Object.assign(new EventEmitter(), { isTTY })
  const echo: string[] = []
  const streams = {
    stdin: stdin as unknown as ReadStream,
    stdout: (elsewhere ?? stdout) as unknown as WriteStream,
    stderr: stderr as unknown as WriteStream,
  }
  const interruption = { signal: new AbortController().signal, stop: () => {}, adviseOnLeaving: () => {} }
  const heard = { off: () => void echo.push('off'), asBefore: () => void echo.push('as before') }
  return { terminal: openTerminal(streams, environment, () => interruption, heard), stdin, stdout, stderr, echo }
}

/** What a person sees in the end: knows "up N lines", "wipe this line" and "one line down", which is all that is sent. */
function screenOf(text: string): readonly string[] {
  const lines = ['']
  let at = 0
  for (const part of text.split(/(\x1b\[\d*[FEK]|\n)/)) {
    const [, count, order] = /^\x1b\[(\d*)([FEK])$/.exec(part) ?? []
    if (order === 'F') at -= Number(count)
    else if (order === 'E') at += Number(count)
    else if (order === 'K') lines[at] = ''
    else if (part === '\n') at++
    else lines[at] += part
    lines[at] ??= ''
  }
  return lines.slice(0, at + 1)
}
