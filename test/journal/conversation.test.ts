import { spawn, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { CLEAN, FOLLOW_ON, launch } from '../../src/journal/conversation.ts'
import { ROOT } from '../../src/journal/transaction.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ctfleet-conversation-'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Follows this journal for a second: 0 where it holds a word on which nothing follows by itself, else 5. */
async function follow(...journal: readonly string[]): Promise<number | null> {
  const directory = mkdtempSync(join(root, 'followed-'))
  writeFileSync(join(directory, 'journal'), journal.map((line) => `${line}\n`).join(''))
  const text = FOLLOW_ON.text.replaceAll(ROOT, root)
  const child = spawn('sh', ['-c', text, 'sh', basename(directory), '0', '1'], { stdio: 'ignore' })
  return await new Promise((ended) => child.on('close', ended))
}

test.each([
  '5 applied',
  '5 refused locked bbb since 1 run 2 by us',
  '5 committed',
  '5 committed until 900',
  '5 rolled-back',
  '5 needs-hands',
])('what is followed ends with "%s"', async (line) => {
  expect(await follow('1 armed', line)).toBe(0)
})

test('but not with such a word in what a tool said', async () => {
  const followed = [
    follow('1 armed', '2 failed 1 exit 1: connection refused by peer', '3 undoing'),
    follow('1 armed', '2 stuck 1 exit 4: it is applied', '3 stuck 2 it was rolled-back'),
  ]
  expect(await Promise.all(followed)).toEqual([5, 5])
})

/** The undo as a launch puts it there, beside a transaction whose undo ends in these words. */
function undoByHand(last: string) {
  const directory = join(root, 'bbb')
  mkdirSync(directory, { recursive: true })
  const text = launch('').text
  const undo = /printf '%s' ('#!\/bin\/sh\n(?:[^']|'\\'')*') > "\$dir\/undo"/.exec(text)?.[1]
  spawnSync('sh', ['-c', `printf '%s' ${undo} > "$1"`, 'sh', join(directory, 'undo')])
  writeFileSync(join(directory, 'transaction'), `echo '5 ${last}' > journal\n`)
  const { status, stdout } = spawnSync('sh', [join(directory, 'undo')], { encoding: 'utf8' })
  return { status, stdout: stdout.replaceAll(root, '') }
}

test('the undo on the host says in words what came of it, and what to do where it is not whole', () => {
  expect(undoByHand('rolled-back')).toEqual({
    status: 0,
    stdout: 'All that transaction bbb changed is taken back.\n',
  })
  expect(undoByHand('needs-hands')).toEqual({
    status: 1,
    stdout:
      'Transaction bbb is not taken back whole, its journal ends with: 5 needs-hands\n' +
      'Next: cat /bbb/journal, mend what it names, then the same again: sh /bbb/undo\n',
  })
})

test('those that never began are waited for once, all together; one that begins meanwhile is left alone', () => {
  const [root, bin] = [mkdtempSync(join(tmpdir(), 'ctfleet-clean-')), mkdtempSync(join(tmpdir(), 'ctfleet-clean-bin-'))]
  const ids = Array.from({ length: 20 }, (_, at) => `never${at}`)
  for (const id of [...ids, 'late']) mkdirSync(join(root, id, 'undecided'), { recursive: true })
  const late = `printf 'exit 0\\n' > ${root}/late/transaction`
  writeFileSync(join(bin, 'sleep'), `#!/bin/sh\necho "$1" >> ${bin}/slept\n${late}\n`, { mode: 0o755 })
  const { stdout } = spawnSync('sh', ['-c', CLEAN.text.replaceAll(ROOT, root), 'sh', ...ids, 'late', 'gone'], {
    encoding: 'utf8',
    env: { PATH: `${bin}:${process.env.PATH}` },
  })
  expect(stdout.trimEnd().split('\n')).toEqual([...ids.map((id) => `# removed ${id}`), '# carried late', '# left late'])
  expect(readFileSync(join(bin, 'slept'), 'utf8')).toBe('1\n')
  for (const each of [root, bin]) rmSync(each, { recursive: true })
})
