import { expect, test } from 'vitest'
import { endLine, isWorthALine, newsLines, standingLines } from '../../src/cli/progress-lines.ts'
import { newTally } from '../../src/cli/tally.ts'
import { plain } from '../report/paper.ts'

test('two lines tell how far a phase is and who is at work, and never wrap', () => {
  const tally = tallyOf(200)
  tally.begin('web-1', 'connecting')
  tally.begin('web-2', 'reading')
  tally.begin('web-1', 'reading')
  tally.end('db-4', 'unreachable', true)
  expect(standingLines(plain(80), 'Planning', tally, 12_000)).toEqual([
    'Planning  1 of 200, 12 s, 1 unreachable',
    '  web-1 reading, web-2 reading',
  ])
  for (let host = 0; host < 100; host++) tally.begin(`a-host-with-a-long-name-${host}`, 'connecting')
  for (const line of standingLines(plain(60), 'Planning', tally, 12_000)) expect(plain(60).width(line)).toBeLessThan(60)
})

test('a name that would move the cursor does not', () => {
  const tally = tallyOf(1)
  tally.begin('web\x1b[9A', 'reading')
  expect(standingLines(plain(80), 'Reading', tally, 0)[1]).toBe('  web\\x1b[9A reading')
  expect(newsLines(plain(80), { host: 'web\r', status: 'failed', isBad: true })).toEqual(['  web\\r  failed'])
})

test('a remark that is wider than the terminal goes on below, broken between words', () => {
  const remark = 'stopped, no further host begins: 2 hosts failed (dead-1 and silent-1), and no more than 1 may'
  expect(newsLines(plain(80), { remark, isBad: true })).toEqual([
    '  stopped, no further host begins: 2 hosts failed (dead-1 and silent-1), and no',
    '    more than 1 may',
  ])
})

test('what ended is told once', () => {
  const tally = tallyOf(2)
  tally.end('a', 'planned', false)
  expect(tally.takeNews()).toEqual([{ host: 'a', status: 'planned', isBad: false }])
  expect(tally.takeNews()).toEqual([])
  expect(endLine('Planning', tally, 3000)).toBe('Planning: 3 s, 1 planned')
})

test('in a log a small fleet is told host by host, a large one only where it is in trouble', () => {
  const good = { host: 'a', status: 'planned', isBad: false }
  const bad = { host: 'b', status: 'failed', isBad: true }
  expect([good, bad].map((news) => isWorthALine(news, tallyOf(6), false))).toEqual([true, true])
  expect([good, bad].map((news) => isWorthALine(news, tallyOf(5000), false))).toEqual([false, true])
  expect([good, bad].map((news) => isWorthALine(news, tallyOf(6), true))).toEqual([false, true])
})

function tallyOf(total: number) {
  return newTally(total, () => 0)
}
