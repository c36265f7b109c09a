import { describe, expect, test } from 'vitest'
import { cleaningText } from '../../../src/report/text/cleaning.ts'
import { holdingsText } from '../../../src/report/text/holdings.ts'
import { journalText, runHeadText } from '../../../src/report/text/run.ts'
import { undoText } from '../../../src/report/text/undo.ts'
import { verificationText } from '../../../src/report/text/verification.ts'
import { aPlan, aRun } from '../fleet.ts'
import { CLEANED, COMMITTED, HOLDINGS, VERIFIED } from '../left-on-hosts.ts'
import { plain } from '../paper.ts'
import { summaryOf } from '../run-summary.ts'

const plan = aPlan('web-1')
const [HELD, , SILENT] = HOLDINGS
const transaction = COMMITTED.id

describe.each([80, 200])('on %i columns', (columns) => {
  const paper = plain(columns)
  test.each([
    ['holdings', holdingsText(paper, HOLDINGS)],
    ['cleaning', cleaningText(paper, CLEANED)],
    ['verification', verificationText(paper, VERIFIED)],
    [
      'run',
      [
        ...runHeadText(paper, aRun({ endedAt: null }), [summaryOf(aRun({ command: 'resume', of: aRun().id }))]),
        '',
        ...[HELD, SILENT].flatMap((holdings) =>
          holdings === undefined ? [] : journalText(paper, { holdings, transaction, plan }),
        ),
        '',
        ...undoText(paper, plan.changes, transaction),
      ],
    ],
  ])('%s', async (name, lines) => {
    await expect(`${lines.join('\n')}\n`).toMatchFileSnapshot(`../screens/${name}-${columns}.txt`)
  })
})

test('first aid that waits says until when, and times of a journal have their zone', () => {
  const [first] = HOLDINGS
  if (first?.status !== 'listed') throw new Error('no listing')
  const text = journalText(plain(120), { holdings: first, transaction: '77ffee0011', plan })
  expect(text).toEqual([
    'Journal of 77ffee0011, as the host has it now, by its clock in UTC',
    '  2026-11-26 10:46:40  armed',
    '  2026-11-26 10:46:41  committed until 2026-11-26 12:46:41 UTC',
    '  A process on the host waits to take it back at 2026-11-26 12:46:41 UTC.',
  ])
})

test('of a change with many lines that is not in force a few are shown, and what to type', () => {
  const [, gone] = VERIFIED
  if (gone?.status !== 'not-in-force') throw new Error('none is gone')
  const [, change = gone.changes[0]] = gone.changes
  if (change === undefined) throw new Error('no change')
  const applied = Array.from({ length: 10 }, (_, at) => `-A INPUT ${at}`)
  const many = { ...change, shown: { now: [], applied } }
  const text = verificationText(plain(80), [{ ...gone, remark: null, changes: [many] }]).join('\n')
  expect(text).toMatch(/-A INPUT 3\n {6}… 6 more lines\n.*"until the next reboot".*Next: ctfleet plan --limit web-2 /s)
  const told = verificationText(plain(80), [{ ...gone, changes: [many] }]).join('\n')
  expect(told).not.toContain('INPUT')
  expect(told).toMatch(/it was taken back on the host itself\n {4}Next: /)
})
