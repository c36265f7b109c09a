import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { makeDirectory } from '../../src/store/make-directory.ts'

test('a directory with its parents is there afterwards, for its owner alone, or it is said why not', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ctfleet-directory-'))
  try {
    const path = join(folder, 'a/b/c')
    for (let time = 0; time < 2; time++) makeDirectory(path, 0o700)
    expect(statSync(path).mode & 0o777).toBe(0o700)
    writeFileSync(join(folder, 'file'), '')
    expect(() => makeDirectory(join(folder, 'file/below'), 0o700)).toThrow(/ENOTDIR/)
    // No file system takes a new directory there.
    expect(() => makeDirectory('/proc/ctfleet-none/below', 0o700)).toThrow(/ENOENT/)
  } finally {
    rmSync(folder, { recursive: true })
  }
})
