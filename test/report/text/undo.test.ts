import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Change } from '../../../src/model/change.ts'
import { undoText } from '../../../src/report/text/undo.ts'
import { STEP_KINDS } from '../../../src/steps/catalog.ts'
import { SHELLS } from '../../support/shells.ts'
import { aChange } from '../fleet.ts'
import { plain } from '../paper.ts'

/** The undo that `show RUN HOST` prints, run as it is printed. */

let dir: string
let path: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-undo-'))
  path = join(dir, 'a.conf')
})
afterEach(() => rmSync(dir, { recursive: true }))

const printed = (changes: readonly Change[]) => `${undoText(plain(60), changes, '3fe12545e6').join('\n')}\n`

describe.each(SHELLS)('$name', ({ argv: [program = '', ...argv], missing }) => {
  const run = (script: string) => spawnSync(program, argv, { input: script, encoding: 'utf8' })

  test.skipIf(missing)('a file that was not there goes, though a change made after it ends its undo at once', () => {
    const change = writes('ours\n')
    const { status, stderr } = run(printed([change, aChange({ title: 'set a', undo: 'exit 3' })]))
    expect(existsSync(path)).toBe(false)
    expect(stderr).toBe('2. set a was not taken back: see above\n')
    expect(status).toBe(1)
  })

  test.skipIf(missing)('a change that was taken back before, and says so by ending, hides no other', () => {
    const before = 'one\ttwo \\t three\u001b[2J\n\n  ü\u200b%s\n'
    writeFileSync(path, before)
    chmodSync(path, 0o644)
    const change = writes('ours\n')
    const text = printed([change, aChange({ undo: 'if :; then exit 0; fi' })])
    expect(text.replaceAll('\n', '')).not.toMatch(/[\p{Cc}\p{Cf}]/u)
    expect(readFileSync(path, 'utf8')).toBe('ours\n')
    expect(run(text)).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(path, 'utf8')).toBe(before)
    expect(existsSync(`${path}.ctfleet-staged`)).toBe(false)
    // Again: nothing is left to do.
    expect(run(text)).toMatchObject({ status: 0, stderr: '' })
  })

  test.skipIf(missing)('pasted into a shell it leaves that one as it was', () => {
    const text = `${printed([aChange({ undo: 'cat; cd /etc; exit 1' })])}echo "$?" "$PWD" "$PATH"\n`
    const { stdout } = spawnSync(program, argv, {
      cwd: dir,
      input: text,
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin' },
    })
    expect(stdout).toBe(`1 ${dir} /usr/bin:/bin\n`)
  })

  test.skipIf(missing)('accepts stay where what leaves packets untracked stays', () => {
    const rules = (undo: string) => aChange({ kind: 'firewall', title: 'add 1 rule', undo })
    const { stdout, stderr } = run(printed([rules('echo accepts'), rules('exit 4'), rules('echo last')]))
    expect(stdout).toBe('last\n')
    expect(stderr).toContain('1. add 1 rule was not taken back: rules made after it still stand')
  })
})

test('titles are comments, however narrow the paper, and the last change comes first', () => {
  const titles = ['set a\nrm -rf /', 'set b '.repeat(20)]
  const text = printed(titles.map((title, at) => aChange({ title, undo: `echo ${at}` })))
  expect(spawnSync('/bin/sh', { input: text, encoding: 'utf8' }).stdout).toBe('1\n0\n')
  expect(text).toContain('# 1. set a\\nrm -rf /')
})

test('the one on the host goes before it', () => {
  expect(printed([]).replaceAll(/\n# +/g, ' ')).toMatch(/ use that one, .*: sh \/var\/lib\/ctfleet\/3fe12545e6\/undo\n/)
})

/** A change of the file that was planned, and made as the host makes it. */
function writes(content: string): Change {
  const [step] = STEP_KINDS.find(({ kind }) => kind === 'file')?.bind({ path, content }) ?? []
  if (step === undefined) throw new Error('there is no such step')
  const sh = (text: string) => spawnSync('/bin/sh', ['-c', text], { encoding: 'utf8' })
  const probed = sh(step.probe.text).stdout
  const planned = step.plan(probed.replace(/^present \d+ \d+:\d+/, 'present 644 0:0'))
  if (!planned.known || !planned.value.needed) throw new Error(JSON.stringify(planned))
  const { apply, undo, unstage } = planned.value
  if ('impossible' in apply || 'impossible' in undo) throw new Error(JSON.stringify(planned.value))
  expect(sh(apply.text)).toMatchObject({ status: 0 })
  const title = step.title
  return aChange({ kind: 'file', phase: 'persist', title, undo: undo.text, unstage: unstage.text })
}
