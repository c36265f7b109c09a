import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc } from '@fast-check/vitest'
import { afterAll, describe, expect, test } from 'vitest'
import type { Script } from '../../src/shell/script.ts'
import { file } from '../../src/steps/file.ts'
import { SHELLS } from '../support/shells.ts'
import { content, present } from './file-texts.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-file-'))
afterAll(() => rmSync(directory, { recursive: true }))

describe.each(SHELLS)('in $name', ({ name, argv, missing }) => {
  const run = (text: string) =>
    spawnSync(argv[0] ?? name, [...argv.slice(1), '-c', `act() {\n${text}\n}\n( act ) < /dev/null`], {
      encoding: 'utf8',
    })

  test('what was written is read back, whatever it holds', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    if (process.getuid?.() !== 0) ctx.skip('ctfleet writes files of root only')
    fc.assert(
      fc.property(content, content, (first, second) => {
        const path = join(directory, 'a.conf')
        const want = { path, content: second }
        writeFileSync(path, first)
        const before = file.read(run(file.probe(want).text).stdout, want)
        expect(before).toEqual({ known: true, value: present(first) })
        for (const [from, to] of [
          [first, second],
          [second, first],
        ] as const) {
          const script = file.transition(present(from), present(to), want)
          if ('impossible' in script) throw new Error(script.impossible)
          expect(run(script.text)).toMatchObject({ status: 0, stderr: '' })
          expect(readFileSync(path, 'utf8')).toBe(to)
        }
      }),
      { numRuns: 20 },
    )
  })

  test('under SELinux a file keeps its label, and a new one gets the label of its place', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const tools = mkdtempSync(join(directory, 'tools-'))
    const told = join(tools, 'told')
    for (const tool of ['chcon', 'restorecon'])
      writeFileSync(join(tools, tool), `#!/bin/sh\necho ${tool} "$@" >> '${told}'\n`, { mode: 0o755 })
    const path = join(tools, 'a.conf')
    const absent = { file: 'absent', directory: 'present' } as const
    const states = [absent, present('one\n'), present('two\n'), absent] as const
    for (const [at, from] of states.slice(0, -1).entries()) {
      const script = file.transition(from, states[at + 1] as typeof from, { path, content: '' })
      if ('impossible' in script) throw new Error(script.impossible)
      expect(run(`PATH='${tools}':$PATH\n${script.text}`)).toMatchObject({ status: 0, stderr: '' })
    }
    expect(readFileSync(told, 'utf8')).toBe(
      `restorecon -- ${path}\nchcon --reference=${path} -- ${path}.ctfleet-staged\n`,
    )
  })

  test('a directory that is not there is made with its file, so that all can read it, and goes with it', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    if (process.getuid?.() !== 0) ctx.skip('ctfleet writes files of root only')
    const path = join(directory, `new-${name}`, 'a.conf')
    const want = { path, content: 'x' }
    const absent = file.read(run(file.probe(want).text).stdout, want)
    expect(absent).toEqual({ known: true, value: { file: 'absent', directory: 'absent' } })
    const before = { file: 'absent', directory: 'absent' } as const
    const act = (script: Script | { readonly impossible: string } | undefined) => {
      if (script === undefined || 'impossible' in script) throw new Error('there is no such script')
      expect(run(`umask 077\n${script.text}`)).toMatchObject({ status: 0, stderr: '' })
    }
    act(file.stage?.(before, present('x'), want).stage)
    expect(run(file.probe(want).text).stdout, 'staging changes nothing').toBe('absent with its directory\n')
    act(file.transition(before, present('x'), want))
    expect(statSync(join(directory, `new-${name}`)).mode & 0o777).toBe(0o755)
    act(file.transition(present('x'), before, want))
    expect(run(file.probe(want).text).stdout).toBe('absent with its directory\n')
  })
})
