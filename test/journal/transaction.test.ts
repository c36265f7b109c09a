import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DECIDE, FOLLOW_ON, FORGET, launch } from '../../src/journal/conversation.ts'
import { GROUND } from '../../src/journal/ground.ts'
import { DIGEST, transactionScript } from '../../src/journal/transaction.ts'
import type { Change } from '../../src/model/change.ts'
import { RARE_SHELLS, SHELLS } from '../support/shells.ts'

const change: Change = {
  id: '1-sysctl',
  kind: 'sysctl',
  title: "it's a title",
  phase: 'runtime',
  want: null,
  before: null,
  after: null,
  shown: { before: [], after: [] },
  probe: "printf '%s' '}' # a comment",
  apply: "printf '%s' 'a\n}\nb' \\\n  c",
  undo: '  \n',
  stage: '',
  unstage: '',
  volatile: false,
  notes: [],
}
const script = transactionScript([change, { ...change, phase: 'persist' }, { ...change, volatile: true }], {
  probe: 'echo bound',
  digest: 'abcde-1',
})

describe.each([...SHELLS, ...RARE_SHELLS])('in $name', ({ name, argv, missing }) => {
  test.for([
    ['the transaction', script],
    ['launch', launch(script).text],
    ['follow on', FOLLOW_ON.text],
    ['decide', DECIDE.text],
    ['forget', FORGET.text],
  ] as const)('%s is without a syntax error', ([_what, text], ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const { status, stderr } = spawnSync(argv[0] ?? name, [...argv.slice(1), '-n'], { input: text, encoding: 'utf8' })
    // ksh93 has advice besides.
    const mistakes = stderr.split('\n').filter((line) => line !== '' && !line.includes(': warning: '))
    expect({ status, mistakes }).toEqual({ status: 0, mistakes: [] })
  })

  // Two watchers ask each second for as long as a change waits, on a host that is in trouble already.
  test('who is alive and how late it is are told without any program', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const text = `PATH=/nowhere
${GROUND.text}
echo "$$ $(started_at $$)" > "$1"
echo "$$ 1" > "$1.other"
alive "$1" && echo alive
alive "$1.other" || echo 'another one of that number'
is_dead $$ || echo 'not dead'
is_dead nobody && echo dead
start_clock
[ "$begun" -gt 0 ] && elapsed
[ "$(life)" = "$(life)" ] && life`
    const dir = mkdtempSync(join(tmpdir(), 'ctfleet-ground-'))
    try {
      const ended = spawnSync(argv[0] ?? name, [...argv.slice(1), '-c', text, name, join(dir, 'who')], {
        encoding: 'utf8',
      })
      const said = ['alive', 'another one of that number', 'not dead', 'dead', '[01]']
      const life = [readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim(), String.raw`\d+`, '$']
      expect(ended).toMatchObject({ stderr: '', stdout: expect.stringMatching(`^${[...said, ...life].join('\n')}`) })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  // Anybody may give a process of his a name that looks like a line about another one.
  test('to end a process ends nobody who is only said to be its child', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const alone = ['-p', '-f', '--mount-proc', '--kill-child']
    if (spawnSync('unshare', [...alone, 'true']).status !== 0) ctx.skip('processes of its own need root')
    const text = `ground=$1
shift
sleep 30 & bystander=$!
sh -c 'sleep 30 & wait' & target=$!
sh -c 'printf "\\n%s () S %s " "$1" "$2" > /proc/$$/comm; while sleep 1; do :; done' liar "$bystander" "$target" & liar=$!
until grep -q "^$bystander () S $target" "/proc/$liar/comm"; do :; done
until [ -n "$(sed -n "s/.*) S $target .*/child/p" /proc/[0-9]*/stat)" ]; do :; done
"$@" -c '. "$0"; spared=; end_tree "$1"; is_dead "$1" && echo ended; see_process "$2" && echo "$state"' "$ground" "$target" "$liar"
[ -n "$(sed -n '/^State:.*sleeping/p' "/proc/$bystander/status")" ] && echo 'a bystander lives'`
    const dir = mkdtempSync(join(tmpdir(), 'ctfleet-ground-'))
    try {
      writeFileSync(join(dir, 'ground'), GROUND.text)
      const words = [...alone, 'bash', '-c', text, 'bash', join(dir, 'ground'), ...argv]
      const { stdout } = spawnSync('unshare', words, { encoding: 'utf8', timeout: 60_000 })
      expect(stdout).toBe('ended\nS\na bystander lives\n')
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  test('the last record is the last whole one', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const journal = '1 armed\n2 applied \\n\n3 committed until 9\n17\nab'
    const text = `dir=$1\n${GROUND.text}\nlast_record`
    const dir = mkdtempSync(join(tmpdir(), 'ctfleet-ground-'))
    try {
      writeFileSync(join(dir, 'journal'), journal)
      const ended = spawnSync(argv[0] ?? name, [...argv.slice(1), '-c', text, name, dir], { encoding: 'utf8' })
      expect(ended).toMatchObject({ stdout: 'committed until 9\n', stderr: '' })
    } finally {
      rmSync(dir, { recursive: true })
    }
  })

  test('a digest is one word, with sha256sum and without', (ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const words = (path: string) =>
      spawnSync(argv[0] ?? name, [...argv.slice(1), '-c', `${path}\n${DIGEST.text}\nprintf abc | digest`], {
        encoding: 'utf8',
      }).stdout
    expect(words('')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad\n')
    expect(words('command() { return 1; }')).toBe('1219131554-3\n')
  })
})

test('nothing of a plan is in the script but its changes: transaction and time limits come as arguments', () => {
  expect(transactionScript([], { probe: ':', digest: 'abcde-1' })).not.toMatch(/confirm-within|[0-9a-f]{10}/)
  expect(script).toContain('bound_digest=abcde-1\nruntime_changes="1 3"'.replaceAll('"', "'"))
})
