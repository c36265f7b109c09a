import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { cksum } from '../../src/transport/checksum.ts'

test('cksum is what cksum prints', () => {
  const directory = mkdtempSync(join(tmpdir(), 'ctfleet-cksum-'))
  const samples = [new Uint8Array(), ...fc.sample(fc.uint8Array({ maxLength: 3000 }), 100)]
  const names = samples.map((bytes, at) => {
    writeFileSync(join(directory, `${at}`), bytes)
    return `${at}`
  })
  const printed = execFileSync('cksum', names, { cwd: directory, encoding: 'utf8' })
  rmSync(directory, { recursive: true })
  for (const [at, line] of printed.trimEnd().split('\n').entries()) {
    const bytes = samples[at] ?? new Uint8Array()
    expect(`${cksum(bytes)} ${bytes.length} ${at}`, Buffer.from(bytes).toString('hex')).toBe(line)
  }
  expect(printed.split('\n')).toHaveLength(samples.length + 1)
})
