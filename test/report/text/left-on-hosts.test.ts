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
