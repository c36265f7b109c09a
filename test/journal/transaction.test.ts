import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import { DECIDE, FOLLOW_ON, FORGET, launch } from '../../src/journal/conversation.ts'
import { DIGEST, transactionScript } from '../../src/journal/transaction.ts'
import type { Change } from '../../src/model/change.ts'
import { SHELLS } from '../support/shells.ts'

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

describe.each(SHELLS)('in $name', ({ name, argv, missing }) => {
  test.for([
    ['the transaction', script],
    ['launch', launch(script).text],
    ['follow on', FOLLOW_ON.text],
    ['decide', DECIDE.text],
    ['forget', FORGET.text],
  ] as const)('%s is without a syntax error', ([_what, text], ctx) => {
    if (missing) ctx.skip(`${name} is not installed`)
    const { status, stderr } = spawnSync(argv[0] ?? name, [...argv.slice(1), '-n'], { input: text, encoding: 'utf8' })
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
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
