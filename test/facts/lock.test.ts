import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { lock } from '../../src/facts/lock.ts'
import { LIFE as PRINT_LIFE } from '../../src/journal/ground.ts'
import { SHELLS } from '../support/shells.ts'
import { answers } from './answers.ts'

const read = (output: string) => {
  const { holder } = lock.parse(answers({ lock: output }))
  return holder.known ? holder.value : holder.why
}
const LIFE = ['11111111-2222-4333-8444-555555555555', '12']
const BEFORE = ['99999999-2222-4333-8444-555555555555', '12']
const HOLDER = ['7f3a', ...LIFE, '1000', 'run 20261126-0942-7f3a by ann@desk']
const UNFINISHED = {
  transaction: '7f3a',
  since: 1000,
  asker: { run: '20261126-0942-7f3a', by: 'ann@desk' },
  until: null,
  beforeRestart: false,
  seenAt: 5000,
}

/** @param last what the journal of the holder ends with; null: its directory is gone */
function held(holder: readonly string[], last: string | null): string {
  const lines = [`boot ${LIFE[0]}`, `started ${LIFE[1]}`, ...holder.map((line) => `holder ${line}`)]
  return `now 5000\n${[...lines, ...(last === null ? [] : ['kept', `last ${last}`])].join('\n')}\n`
}

test.each(['', 'armed', 'intend 1 abc', 'applied', 'confirmed', 'aborted', 'undoing', 'expired no confirmation came'])(
  'a transaction whose journal ends in "%s" is not over',
  (last) => expect(read(held(HOLDER, last))).toEqual(UNFINISHED),
)

test.each(['committed', 'rolled-back', 'needs-hands', 'refused drifted', null])(
  'one that ended in %s has left its lock behind, which stands for nothing',
  (last) => expect(read(held(HOLDER, last))).toBeNull(),
)

test('first aid has the host until its time is over', () => {
  expect(read(held(HOLDER, 'committed until 5600'))).toEqual({ ...UNFINISHED, until: 5600 })
  expect(read(held(HOLDER, 'undoing'))).toMatchObject({ until: null })
})

test('a restart takes first aid away, and leaves what was not over to be brought to an end', () => {
  const cutOff = ['7f3a', ...BEFORE, ...HOLDER.slice(3)]
  expect(read(held(cutOff, 'applied'))).toEqual({ ...UNFINISHED, beforeRestart: true })
  expect(read(held(cutOff, 'committed until 5600'))).toBeNull()
  expect(read(held(['7f3a', LIFE[0] ?? '', '77', ...HOLDER.slice(3)], 'applied'))).toMatchObject({
    beforeRestart: true,
  })
})

test('a lock that is half written tells its transaction, one without a name that it names nobody', () => {
  expect(read(held(['7f3a'], ''))).toEqual({ ...UNFINISHED, since: null, asker: null })
  expect(read(held([], null))).toMatch(/names nobody/)
  expect(read(held(['../etc', ...HOLDER.slice(1)], 'applied'))).toMatch(/holder of the lock is not understood/)
})

test('no lock is an answer, one that only root may read is none', () => {
  expect(read('none\n')).toBeNull()
  expect(read('unreadable\n')).toBe('only root may read /var/lib/ctfleet')
  expect(read('now \n')).toBe('date +%s printed no number')
})

test.for(SHELLS)(
  'what a transaction writes is what $name reads',
  ({ name, argv: [shell = '', ...words], missing }, ctx) => {
    ctx.skip(missing, `${name} is not installed`)
    const root = mkdtempSync(join(tmpdir(), 'ctfleet-lock-'))
    const ask = (script: string, uid = '0') =>
      spawnSync(shell, [...words, '-c', script.replaceAll('/var/lib/ctfleet', root)], { env: { ...process.env, uid } })
        .stdout
    const asked = (uid?: string) => read(String(ask(lock.probes[0]?.probe.text ?? '', uid)))
    try {
      expect(asked()).toBeNull()
      mkdirSync(join(root, 'lock'))
      expect(asked()).toMatch(/names nobody/)
      mkdirSync(join(root, '7f3a'))
      const life = String(ask(PRINT_LIFE.text))
      writeFileSync(join(root, 'lock/holder'), `7f3a\n${life}1000\nrun 20261126-0942-7f3a by ann@desk\n`)
      expect(asked()).toEqual({ ...UNFINISHED, seenAt: expect.any(Number) })
      // Below the last record stands what a full disk left of another.
      writeFileSync(join(root, '7f3a/journal'), '1001 armed\n1002 committed until 5600\n10')
      expect(asked()).toMatchObject({ until: 5600 })
      writeFileSync(
        join(root, 'lock/holder'),
        readFileSync(join(root, 'lock/holder'), 'utf8').replace(life, 'other\n1\n'),
      )
      expect(asked()).toBeNull()
      writeFileSync(join(root, '7f3a/journal'), '1001 armed\n')
      expect(asked()).toMatchObject({ beforeRestart: true })
      expect(asked('1000')).toBe('only root may read /var/lib/ctfleet')
    } finally {
      rmSync(root, { recursive: true })
    }
  },
)
