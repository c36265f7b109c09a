import { expect, test } from 'vitest'
import { reportOf } from '../judge/report.ts'
import { couldPass, judgeFolder, MOST_NEEDLESS } from '../judge/verdicts.ts'
import { corpus, NO_CORPUS } from './corpus.ts'

test('no patch is called safe where real packets say otherwise', { timeout: 120_000 }, (context) => {
  if (corpus === null) return context.skip(NO_CORPUS)
  const judged = judgeFolder(corpus)
  console.log(reportOf(corpus, judged))

  expect(judged.filter(({ unsafe }) => unsafe !== null)).toEqual([])
  expect(judged.filter(({ says }) => says === 'unreadable')).toEqual([])
  const needless = judged.filter(({ needless }) => needless)
  expect(needless.length / couldPass(judged).length).toBeLessThanOrEqual(MOST_NEEDLESS)
})
