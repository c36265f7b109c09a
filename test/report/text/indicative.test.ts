import { describe, expect, test } from 'vitest'
import { recordedHead } from '../../../src/report/text/indicative.ts'
import { planText } from '../../../src/report/text/plan.ts'
import { FORETOLD_FLEET } from '../explained.ts'
import { plain } from '../paper.ts'

describe('a fleet foretold from recorded facts', () => {
  test.each([80, 200])('on %i columns', async (columns) => {
    const paper = plain(columns)
    const head = recordedHead(paper, '2026-11-26T09:42:00.000Z', ', cannot be applied')
    const text = [...head, ...planText(paper, FORETOLD_FLEET)].join('\n')
    await expect(`${text}\n`).toMatchFileSnapshot(`../screens/indicative-${columns}.txt`)
  })
})

test('what was there before is said to be unknown, not shown as nothing', () => {
  const text = planText(plain(200), FORETOLD_FLEET).join('\n')
  expect(text).toMatch(/before: not known: what is in the file now is not among the facts\n {7}\+ net\.netfilter/)
})

test('facts without a time say that they have none', () => {
  expect(recordedHead(plain(200), null).join()).toContain('at a time that the file does not say')
})
