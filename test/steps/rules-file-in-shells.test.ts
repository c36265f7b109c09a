import { spawnSync } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fc } from '@fast-check/vitest'
import { afterAll, beforeEach, describe, expect, test } from 'vitest'
import { BLOCK_BEGIN, BLOCK_END, type FileChange, fileChange, linesOf } from '../../src/firewall/file-text.ts'
import type { Script } from '../../src/shell/script.ts'
import { rulesFile } from '../../src/steps/rules-file.ts'
import { SHELLS } from '../support/shells.ts'

const directory = mkdtempSync(join(tmpdir(), 'ctfleet-rules-'))
const path = join(directory, 'rules.v4')
// The texts here are no whole rule sets: what would check them is satisfied with anything.
const tools = mkdtempSync(join(tmpdir(), 'ctfleet-tools-'))
writeFileSync(join(tools, 'iptables-nft-restore'), '#!/bin/sh\ncat > /dev/null\n', { mode: 0o755 })
afterAll(() => {
  for (const each of [directory, tools]) rmSync(each, { recursive: true })
})

const KEYS = ['ctfleet:notrack:0123456789', 'ctfleet:notrack:0123456789-2', 'ctfleet:notrack:abcdef0123']
const OLD = `*filter
:INPUT DROP [0:0]
-A INPUT -i lo -j ACCEPT
-A INPUT -m state --state NEW -j ACCEPT
-A INPUT -m state --state ESTABLISHED -j ACCEPT
  [1:2] -A INPUT -s 192.0.2.1 -m comment --comment "$(exit 9) it's \\ %s \`id\` é" -j DROP
COMMIT
`

/** Two rules of ours in a chain, one in a block of its own, and two others that go. */
function aChange(text: string, { removes }: { readonly removes: boolean }): FileChange & { readonly text: string } {
  const rule = (at: number) => `-A INPUT -p tcp -m comment --comment "${KEYS[at]}" -j ACCEPT`
  const lines = linesOf(text)
  const removed = removes ? [3, 4] : []
  return fileChange(
    {
      path,
      reads: 'nft',
      family: 'ip',
      rules: [
        ...KEYS.map((key, at) => ({ action: 'add', key, line: rule(at) }) as const),
        ...removed.map((at) => ({ action: 'remove', key: `line-${at}`, line: lines[at] ?? '' }) as const),
      ],
    },
    text,
    {
      insertions: [
        { at: 3, lines: [rule(0), rule(1)] },
        { at: lines.length, lines: [BLOCK_BEGIN, '*raw', rule(2), 'COMMIT', BLOCK_END] },
      ],
      removed,
    },
  )
}

describe.each(SHELLS)('in $name', ({ name, argv, missing }) => {
  beforeEach((context) => {
    if (missing) context.skip(`${name} is not installed`)
    for (const each of readdirSync(directory)) rmSync(join(directory, each))
  })

  const run = (script: Script | { readonly impossible: string }) => {
    if ('impossible' in script) throw new Error(script.impossible)
    const text = `act() {\n${script.text}\n}\n( act ) < /dev/null`
    const env = { ...process.env, LC_ALL: 'C', PATH: `${tools}:${process.env.PATH}` }
    return spawnSync(argv[0] ?? name, [...argv.slice(1), '-c', text], { encoding: 'utf8', env })
  }

  function on({ text: _, ...change }: FileChange & { readonly text: string }) {
    const want = { files: [change] }
    const now = () => {
      const read = rulesFile.read(run(rulesFile.probe(want)).stdout, want)
      if (!read.known) throw new Error(read.why)
      return read.value
    }
    const before = now()
    const goal = rulesFile.goal(before, want)
    if ('impossible' in goal) throw new Error(goal.impossible)
    const { stage, unstage } = rulesFile.stage?.(before, goal, want) ?? { stage: undefined, unstage: undefined }
    if (stage === undefined) throw new Error('nothing is staged')
    return {
      now,
      before,
      goal,
      stage: () => run(stage),
      unstage: () => run(unstage),
      apply: () => run(rulesFile.transition(before, goal, want)),
      undo: () => run(rulesFile.transition(goal, before, want)),
    }
  }

  test('there and back, byte for byte, mode and all; twice is once', () => {
    writeFileSync(path, OLD)
    chmodSync(path, 0o640)
    const change = aChange(OLD, { removes: true })
    const step = on(change)
    expect(step.stage()).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(path, 'utf8'), 'staging changes nothing').toBe(OLD)
    for (let time = 1; time <= 2; time += 1) {
      expect(step.apply()).toMatchObject({ status: 0, stderr: '' })
      expect(readFileSync(path, 'utf8')).toBe(change.text)
      expect(step.now()).toEqual(step.goal)
    }
    expect(statSync(path).mode & 0o777).toBe(0o640)
    for (let time = 1; time <= 2; time += 1) {
      expect(step.undo()).toMatchObject({ status: 0, stderr: '' })
      expect(readFileSync(path, 'utf8')).toBe(OLD)
      expect(step.now()).toEqual(step.before)
    }
    expect(statSync(path).mode & 0o777).toBe(0o640)
    step.unstage()
    expect(readdirSync(directory)).toEqual(['rules.v4'])
  })

  test('whatever the other lines hold', () => {
    const row = fc.string({ unit: 'grapheme' }).filter((each) => !/[\n\0\uFFFD]|\p{Surrogate}/u.test(each))
    fc.assert(
      fc.property(fc.array(row, { minLength: 5, maxLength: 12 }), (rows) => {
        const text = rows.map((each) => `${each}\n`).join('')
        writeFileSync(path, text)
        const change = aChange(text, { removes: false })
        const step = on(change)
        expect(step.apply()).toMatchObject({ status: 0 })
        expect(readFileSync(path, 'utf8')).toBe(change.text)
        expect(step.undo()).toMatchObject({ status: 0 })
        expect(readFileSync(path, 'utf8')).toBe(text)
      }),
      { numRuns: 8 },
    )
  }, 60_000)

  test('a file that was not there goes again', () => {
    const change = fileChange(
      { path, reads: 'nft', family: 'ip', rules: [{ action: 'add', key: KEYS[0] ?? '', line: `-A x "${KEYS[0]}"` }] },
      null,
      { insertions: [{ at: 0, lines: [`-A x "${KEYS[0]}"`] }], removed: [] },
    )
    const step = on(change)
    expect(step.stage()).toMatchObject({ status: 0 })
    expect(step.apply()).toMatchObject({ status: 0, stderr: '' })
    expect([readFileSync(path, 'utf8'), statSync(path).mode & 0o777]).toEqual([change.text, 0o640])
    expect(step.undo()).toMatchObject({ status: 0 })
    expect(existsSync(path)).toBe(false)
  })

  test('a text that is no longer the one it was judged by is left as it is, staged or not', () => {
    writeFileSync(path, OLD)
    const step = on(aChange(OLD, { removes: true }))
    const other = `# a person was here\n${OLD}`
    expect(step.stage()).toMatchObject({ status: 0 })
    writeFileSync(path, other)
    expect(step.stage().status).not.toBe(0)
    expect(step.apply().status).not.toBe(0)
    expect(readFileSync(path, 'utf8')).toBe(other)
  })

  test('what others changed since stays, and only ours is taken back', () => {
    writeFileSync(path, OLD)
    const change = aChange(OLD, { removes: true })
    const step = on(change)
    expect(step.apply()).toMatchObject({ status: 0 })
    const theirs = (text: string) =>
      text.replace('*filter\n', '# a person was here\n*filter\n').replace('\nCOMMIT', '\n-A INPUT -j LOG\nCOMMIT')
    // A save tool writes comments without quotes.
    writeFileSync(path, theirs(change.text).replace(`"${KEYS[1]}"`, `${KEYS[1]}`))
    expect(step.undo()).toMatchObject({ status: 0, stderr: '' })
    expect(readFileSync(path, 'utf8')).toBe(theirs(OLD))
    expect(step.now()).toEqual(step.before)
  })

  test("somebody's rule in our block stays where it is", () => {
    writeFileSync(path, OLD)
    const change = aChange(OLD, { removes: false })
    const step = on(change)
    step.apply()
    writeFileSync(path, change.text.replace('*raw\n', '*raw\n-A PREROUTING -j TRACE\n'))
    expect(step.undo()).toMatchObject({ status: 0 })
    expect(readFileSync(path, 'utf8')).toBe(`${OLD}*raw\n-A PREROUTING -j TRACE\nCOMMIT\n`)
  })

  test('what was removed has no place any more: said, and nothing written', () => {
    writeFileSync(path, OLD)
    const change = aChange(OLD, { removes: true })
    const step = on(change)
    step.apply()
    const cut = change.text.replace('-A INPUT -i lo -j ACCEPT\n', '')
    writeFileSync(path, cut)
    expect(step.undo()).toMatchObject({ status: 3, stderr: expect.stringContaining('not there any more') })
    expect(readFileSync(path, 'utf8')).toBe(cut)
  })
})
