import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Planned } from '../../src/cli/approve.ts'
import { approveListed, readApproveFile } from '../../src/cli/approve-file.ts'
import { aPlan } from '../report/fleet.ts'

let dir: string
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'ctfleet-approve-'))
})
afterEach(() => rmSync(dir, { recursive: true, force: true }))

const ID = { a: 'a'.repeat(64), b: 'b'.repeat(64), c: 'c'.repeat(64) }
const SAVED = 'd'.repeat(64)
/** Of a host that the limit left out. */
const OTHER = 'e'.repeat(64)
const LOSS = 'tcp_loose is 0: sessions will not survive it'
const FLEET: readonly Planned[] = (['a', 'b', 'c'] as const).map((host) => ({
  host,
  status: 'planned',
  plan: aPlan(host, { id: ID[host], ...(host === 'c' ? { sessionLoss: [LOSS] } : {}) }),
}))

describe('a file with the ids of plans', () => {
  test('has one a line, whole or its beginning, with a comment behind it or above it', () => {
    const text = `# CHG-1234\n\n  ${ID.a}\naaaaaaaaaaaa # bob, 09:42\r\nBBBBBBBBBBBBB carol\n`
    expect(read(text).entries).toEqual([
      { id: ID.a, line: 3, comment: '' },
      { id: 'aaaaaaaaaaaa', line: 4, comment: 'bob, 09:42' },
      { id: 'bbbbbbbbbbbbb', line: 5, comment: 'carol' },
    ])
  })

  test.each([
    ['too short to mean one plan', 'aaaaaaaaaaa'],
    ['longer than any', `${ID.a}a`],
    ['a name', 'web-1'],
    ['a name before it', `web-1 ${ID.a}`],
    ['a word that goes on', 'aaaaaaaaaaaag'],
  ])('every line that is no id is refused, with its place: %s', (_, line) => {
    expect(() => read(`${ID.b}\n  ${line}\n`)).toThrow(/approved\.txt:2:3: expected the id of a plan/)
  })

  test('the way out names the plan that was typed', () => {
    expect(() => read('web-1\n', 'my plan.json')).toThrow("ctfleet show 'my plan.json' prints the ids")
    expect(() => read('web-1\n')).toThrow('ctfleet show plan.json prints the ids')
  })
})

describe('exactly those plans are approved', () => {
  test('and the record says by which line; all others are declined, with why', () => {
    const { approved, others, approvals, unknown } = listed(`aaaaaaaaaaaa CHG-1234, bob\n`)
    expect(approved.map(({ host }) => host)).toEqual(['a'])
    expect(approvals).toEqual([
      {
        host: 'a',
        plan: ID.a,
        by: 'alice@bastion',
        at: '2026-11-26T09:42:00.000Z',
        how: 'file',
        note: `${join(dir, 'approved.txt')}:1: CHG-1234, bob`,
      },
    ])
    expect(others).toMatchObject([
      {
        host: 'b',
        status: 'declined',
        why: expect.stringMatching(/^its plan bbbbbbbbbbbb is not in .*approved\.txt$/),
      },
      { host: 'c', status: 'declined' },
    ])
    expect(unknown).toEqual([])
  })

  test('the id of the saved plan is a yes to all in it, but for what asks for a yes of its own', () => {
    const { approved, others } = listed(SAVED)
    expect(approved.map(({ host }) => host)).toEqual(['a', 'b'])
    expect(others).toMatchObject([
      { host: 'c', status: 'skipped', why: expect.stringContaining('--accept-session-loss') },
    ])
    expect(listed(SAVED, true).approved).toHaveLength(3)
  })

  test('a plan of a host that is not meant now is no slip of the pen', () => {
    expect(listed(OTHER)).toMatchObject({ approved: [], unknown: [] })
  })

  test('an empty file approves nothing', () => {
    expect(listed('# nobody yet\n')).toMatchObject({ approved: [], approvals: [] })
  })

  test('an id that is not here approves nothing, and is told with its line', () => {
    const { approved, unknown } = listed(`# x\nffffffffffff\n`)
    expect(approved).toEqual([])
    expect(unknown).toEqual([expect.stringMatching(/approved\.txt:2: ffffffffffff is not in this saved plan/)])
  })
})

function read(text: string, plan?: string) {
  const path = join(dir, 'approved.txt')
  writeFileSync(path, text)
  return readApproveFile(path, plan)
}

function listed(text: string, acceptsSessionLoss = false) {
  const approver = { by: 'alice@bastion', now: () => new Date('2026-11-26T09:42:00.000Z') }
  const saved = { id: SAVED, plans: [...Object.values(ID), OTHER] }
  return approveListed(FLEET, { file: read(text), saved, acceptsSessionLoss }, approver)
}
