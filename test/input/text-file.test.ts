import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { InputError } from '../../src/input/complaint.ts'
import { readTextFile } from '../../src/input/text-file.ts'

const folder = mkdtempSync(join(tmpdir(), 'ctfleet-text-'))
afterAll(() => rmSync(folder, { recursive: true }))

test('a text is read, without its byte order mark', () => {
  expect(readTextFile(file('good', '\ufeffä: 1\n'))).toBe('ä: 1\n')
})

test('a pipe is read to its end', () => {
  const pipe = join(folder, 'pipe')
  execFileSync('sh', ['-c', `mkfifo "$1" && (seq 1 100000 > "$1" &)`, 'sh', pipe], { stdio: 'ignore' })
  expect(readTextFile(pipe)).toHaveLength(588895)
})

const refused: readonly [what: string, path: () => string, told: RegExp][] = [
  ['a missing file', () => join(folder, 'none'), /none: no such file\n {2}name another/],
  [
    'an option in the place of a file',
    () => '--dry-run',
    /--dry-run: no such file\n {2}the option before it wants a file/,
  ],
  ['a directory', () => folder, /: is a directory\n {2}name the file in it/],
  ['a path through a file', () => join(file('plain', ''), 'x'), /no such file\n {2}a part of this path is a file/],
  ['a path with NUL', () => 'a\0b', /is not a file name/],
  [
    'bytes that are no UTF-8',
    () => file('latin', Buffer.from([0x61, 0x0a, 0x62, 0xe4, 0x0a])),
    /latin:2:2: is not UTF-8: byte 0xe4 here/,
  ],
  ['a character cut at the end', () => file('cut', Buffer.from([0x61, 0xe2, 0x82])), /cut:1:2: is not UTF-8/],
  [
    'UTF-16',
    () => file('wide', Buffer.from('\ufeffa: 1', 'utf16le')),
    /wide:1:1: is UTF-16, not UTF-8\n {2}save it as UTF-8/,
  ],
  ['more than 16 MiB', () => sparse('large', 17 * 1024 * 1024), /is larger than 16 MiB/],
]
test.each(refused)('%s is refused in one sentence', (_what, path, told) => {
  expect(() => readTextFile(path())).toThrow(InputError)
  expect(() => readTextFile(path())).toThrow(told)
})

function file(name: string, content: string | Buffer): string {
  const path = join(folder, name)
  mkdirSync(folder, { recursive: true })
  writeFileSync(path, content)
  return path
}

function sparse(name: string, size: number): string {
  const path = file(name, '')
  truncateSync(path, size)
  return path
}
