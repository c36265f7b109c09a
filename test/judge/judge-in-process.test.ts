import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { STATEFUL } from '../support/stateful-dump.ts'

const at = mkdtempSync(join(tmpdir(), 'ctfleet-judge-'))
afterAll(() => rmSync(at, { recursive: true, force: true }))

test('a folder is judged from the command line, and its words go through a pipe', () => {
  const run = (rest: string) =>
    spawnSync('sh', ['-c', `node_modules/.bin/tsx test/judge/judge.ts ${rest}`], { encoding: 'utf8' })
  writeFileSync(join(at, 'a set'), STATEFUL)
  writeFileSync(join(at, 'labels.tsv'), 'file\tport\tverdict\na set\t22\tbreaks without UNTRACKED accept in INPUT\n')
  expect(run(`'${at}' | head -n 1`).stdout).toMatch(/^packets said/)
  expect(run(`'${at}'`)).toMatchObject({ status: 0, stderr: '' })
  writeFileSync(join(at, 'labels.tsv'), 'file\tport\tverdict\na set\t22\topens\n')
  expect(run(`'${at}'`).status).toBe(1)
  expect(run(`'${join(at, 'a set')}'`)).toMatchObject({
    status: 2,
    stderr: `${join(at, 'a set')}: not a folder\n`,
    stdout: '',
  })
})
