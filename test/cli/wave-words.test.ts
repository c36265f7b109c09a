import { expect, test } from 'vitest'
import { newsLine, standingLines } from '../../src/cli/progress-lines.ts'
import { newTally } from '../../src/cli/tally.ts'
import { tellNews } from '../../src/cli/wave-words.ts'
import type { WaveNews } from '../../src/run/fleet-waves.ts'
import { plain } from '../report/paper.ts'

const said = (...news: readonly WaveNews[]) => {
  const tally = newTally(20, () => 0)
  for (const each of news) tellNews(tally, each)
  return { tally, lines: tally.takeNews().map((each) => newsLine(plain(100), each)) }
}

test('a wave is said as it begins, and stands beside the progress until the next one', () => {
  const { tally, lines } = said({ type: 'wave', number: 2, of: 4, hosts: 12 })
  expect(lines).toEqual(['  wave 2 of 4: 12 hosts'])
  expect(standingLines(plain(100), 'Applying', tally, 3000)[0]).toBe('Applying  wave 2 of 4: 12 hosts · 0 of 20, 3 s')
})

test('where all go at once there are no waves to speak of', () => {
  expect(said({ type: 'wave', number: 1, of: 1, hosts: 12 }).lines).toEqual([])
})

test('whatever else a person should know of the waves is a line', () => {
  expect(
    said(
      { type: 'instead', hosts: ['web-2'] },
      { type: 'pause', ms: 5000, hosts: ['web-2'] },
      { type: 'pause', ms: 60_000, hosts: [] },
      { type: 'straggler', host: 'db-1' },
      { type: 'stopped', why: '2 hosts failed (a, b), and no more than 1 may' },
    ).lines,
  ).toEqual([
    '  not reachable, so web-2 is first instead',
    '  5 s pause, then web-2 is asked again',
    '  1 min pause',
    '  going on without db-1, which is still at work; it counts as failed until it ends',
    '  stopped, no further host begins: 2 hosts failed (a, b), and no more than 1 may',
  ])
})
