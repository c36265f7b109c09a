import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { completionScript, SHELLS, type Shell } from '../../../src/cli/completion/scripts.ts'
import { programWords } from '../../support/program.ts'

/** In the shells themselves, each where it is installed. */

let directory: string
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "ctfleet it's "))
  writeFileSync(join(directory, 'inventory.yaml'), 'all: {children: {web: {hosts: {web-1: , web-2: }}}}\n')
  for (const shell of SHELLS) writeFileSync(join(directory, `script.${shell}`), completionScript(shell, programWords()))
})
afterAll(() => rmSync(directory, { recursive: true }))

/** Prints what would be offered for these words, a line each. */
const DRIVERS: Readonly<Record<Shell, (words: readonly string[]) => string>> = {
  bash: (words) => `. ./script.bash
COMP_WORDS=(ctfleet ${words.map(quoted).join(' ')}); COMP_CWORD=${words.length}
_ctfleet; printf '%s\\n' "\${COMPREPLY[@]}"`,
  // Completion's own commands are there only while somebody types.
  zsh: (words) => `compdef() { : }; compadd() { print -l -- $values }; _files() { print -l -- *(N) }
. ./script.zsh
words=(ctfleet ${words.map(quoted).join(' ')}); CURRENT=${words.length + 1}
_ctfleet`,
  fish: (words) =>
    `. ./script.fish; complete -C ${quoted(['ctfleet', ...words].join(' '))} | string replace -r '\\t.*' ''`,
}

const cases: readonly [words: readonly string[], offered: string][] = [
  [['expl'], 'explain'],
  [['plan', '--lim'], '--limit'],
  [['plan', '--limit', 'web-'], 'web-1 web-2'],
  [['plan', 'inv'], 'inventory.yaml'],
]

describe.each(SHELLS)('%s', (shell) => {
  const isThere = spawnSync(shell, ['-c', 'exit 0']).status === 0
  test.skipIf(!isThere).each(cases)(
    `completes %j (skipped where there is no ${shell})`,
    (words, offered) => {
      const options = { cwd: directory, encoding: 'utf8', timeout: 20_000 } as const
      const { stdout, stderr } = spawnSync(shell, ['-c', DRIVERS[shell](words)], options)
      const lines = stdout.split('\n').filter((line) => line !== '' && !line.startsWith('script.'))
      expect({ offered: lines.join(' '), stderr }).toEqual({ offered, stderr: '' })
    },
    30_000,
  )
})

test('bash gets back the part of a word that is behind = or a colon', () => {
  const given = DRIVERS.bash(['plan', '--format', '=', 'js'])
  const { stdout } = spawnSync('bash', ['-c', given], { cwd: directory, encoding: 'utf8' })
  expect(stdout).toBe('json\n')
}, 30_000)

function quoted(word: string): string {
  return `'${word}'`
}
