import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { FOLLOW_ON } from '../../src/journal/conversation.ts'
import { ROOT } from '../../src/journal/transaction.ts'

let root: string
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'ctfleet-conversation-'))
  mkdirSync(join(root, 'aaa'))
})
afterAll(() => rmSync(root, { recursive: true }))

/** Follows this journal for a second: 0 where it holds a word on which nothing follows by itself, else 5. */
function follow(...journal: readonly string[]): number | null {
  writeFileSync(join(root, 'aaa', 'journal'), journal.map((line) => `${line}\n`).join(''))
  const text = FOLLOW_ON.text.replaceAll(ROOT, root)
  return spawnSync('sh', ['-c', text, 'sh', 'aaa', '0', '1'], { encoding: 'utf8' }).status
}

test.each([
  '5 applied',
  '5 refused locked bbb since 1 run 2 by us',
  '5 committed',
  '5 committed until 900',
  '5 rolled-back',
  '5 needs-hands',
])('what is followed ends with "%s"', (line) => {
  expect(follow('1 armed', line)).toBe(0)
})

test('but not with such a word in what a tool said', () => {
  expect(follow('1 armed', '2 failed 1 exit 1: connection refused by peer', '3 undoing')).toBe(5)
  expect(follow('1 armed', '2 stuck 1 exit 4: it is applied', '3 stuck 2 it was rolled-back')).toBe(5)
})
