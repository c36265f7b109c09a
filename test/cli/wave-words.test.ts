import { expect, test } from 'vitest'
import { newsLines, standingLines } from '../../src/cli/progress-lines.ts'
import { newTally } from '../../src/cli/tally.ts'
import { tellNews } from '../../src/cli/wave-words.ts'
import type { WaveNews } from '../../src/run/discipline.ts'
import { plain } from '../report/paper.ts'

const said = (...news: readonly WaveNews[]) => {
  const tally = newTally(20, () => 0)
  for (const each of news) tellNews(tally, each, new Date(2026, 10, 26, 9, 59, 30))
  return { tally, lines: tally.takeNews().flatMap((each) => newsLines(plain(100), each)) }
}

test('a wave is said as it begins, and stands beside the progress until the next one', () => {
  const { tally, lines } = said({ type: 'wave', number: 2, of: 4, hosts: 12 })
  expect(lines).toEqual(['  wave 2 of 4: 12 hosts'])
  expect(standingLines(plain(100), 'Applying', tally, 3000)[0]).toBe('Applying  wave 2 of 4, 0 of 12 · 0 of 20, 3 s')
})

test('the pause stands there while it lasts', () => {
  const { tally } = said({ type: 'wave', number: 1, of: 2, hosts: 1 }, { type: 'pause', ms: 5000, hosts: ['web-2'] })
  expect(tally.part).toMatchObject({ words: '5 s pause', hosts: null })
})

test('where all go at once there are no waves to speak of', () => {
  expect(said({ type: 'wave', number: 1, of: 1, hosts: 12 }).lines).toEqual([])
})

test('whatever else a person should know of the waves is a line', () => {
  expect(
    said(
      { type: 'instead', missing: ['web-1'], hosts: ['web-2'] },
      { type: 'pause', ms: 5000, hosts: ['web-2'] },
      { type: 'pause', ms: 60_000, hosts: [] },
      { type: 'pause', ms: 0, hosts: ['web-2'] },
      { type: 'straggler', host: 'db-1' },
      { type: 'waiting', hosts: ['gw-1'], for: ['db-1'] },
      { type: 'held', why: '2 hosts failed (a and b), and no more than 1 may' },
      { type: 'stopped', why: '2 hosts failed (a and b), and no more than 1 may' },
    ).lines,
  ).toEqual([
    '  web-1 could not be reached; first instead: web-2',
    '  5 s pause, then web-2 is asked again',
    '  1 min pause until 10:00',
    '  web-2 is asked again',
    '  going on without db-1, which is still at work; it counts as failed until it ends',
    '  gw-1 goes alone, so db-1 is waited for',
    '  no further host begins until more have a yes: 2 hosts failed (a and b), and no more than 1 may',
    '  stopped, no further host begins: 2 hosts failed (a and b), and no more than 1 may',
  ])
})
