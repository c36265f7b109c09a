import { describe, expect, test } from 'vitest'
import { endLine, isWorthALine, newsLines, standingLines } from '../../src/cli/progress-lines.ts'
import { newTally } from '../../src/cli/tally.ts'
import { aFault } from '../report/fleet.ts'
import { plain } from '../report/paper.ts'

test('two lines tell how far a phase is and who is at work, and never wrap', () => {
  const tally = tallyOf(200)
  tally.begin('web-1', 'connecting')
  tally.begin('web-2', 'reading')
  tally.begin('web-1', 'reading')
  tally.end('db-4', 'unreachable', aFault())
  expect(standingLines(plain(80), 'Planning', tally, 12_000)).toEqual([
    'Planning  1 of 200, 12 s, 1 unreachable',
    '  web-1 reading, web-2 reading',
  ])
  for (let host = 0; host < 100; host++) tally.begin(`a-host-with-a-long-name-${host}`, 'connecting')
  for (const line of standingLines(plain(60), 'Planning', tally, 12_000)) expect(plain(60).width(line)).toBeLessThan(60)
})

describe('how long it will take', () => {
  const firstLine = (tally: ReturnType<typeof tallyOf>, now: number) =>
    standingLines(plain(120), 'Applying', tally, now)[0]

  test('is told once some hosts have ended, by the pace of those, and no more exactly than it is', () => {
    const tally = tallyOf(100)
    for (const host of ['a', 'b']) tally.end(host, 'planned', null)
    expect(firstLine(tally, 10_000)).not.toContain('left')
    tally.end('c', 'planned', null)
    expect(firstLine(tally, 10_000)).toContain('3 of 100, 10 s, about 5 min 30 s left, 3 planned')
  })

  test('is that of the wave, whose hosts are counted from its beginning; in a pause nothing is told', () => {
    let now = 0
    const tally = newTally(100, () => now)
    for (let host = 0; host < 10; host++) tally.end(`first-${host}`, 'applied', null)
    now = 60_000
    tally.remark('wave 2 of 3: 20 hosts', { part: { words: 'wave 2 of 3', hosts: 20 } })
    for (let host = 0; host < 5; host++) tally.end(`second-${host}`, 'applied', null)
    expect(firstLine(tally, 70_000)).toBe(
      'Applying  wave 2 of 3, 5 of 20 · 15 of 100, 1 min 10 s, about 30 s left in this wave, 15 applied',
    )
    tally.remark('pause', { part: { words: '5 s pause', hosts: null } })
    expect(firstLine(tally, 75_000)).toBe('Applying  5 s pause · 15 of 100, 1 min 15 s, 15 applied')
  })

  test('is nothing once all have ended', () => {
    const tally = tallyOf(3)
    for (const host of ['a', 'b', 'c']) tally.end(host, 'planned', null)
    expect(firstLine(tally, 10_000)).not.toContain('left')
  })
})

test('a name that would move the cursor does not, nor does a cause', () => {
  const tally = tallyOf(1)
  tally.begin('web\x1b[9A', 'reading')
  expect(standingLines(plain(80), 'Reading', tally, 0)[1]).toBe('  web\\x1b[9A reading')
  const fault = aFault({ message: 'no\r\x1b[2Jthing' })
  expect(newsLines(plain(80), { host: 'web\r', status: 'failed', fault })).toEqual([
    '  web\\r  failed: no\\r\\x1b[2Jthing (host-key-changed)',
  ])
})

test('a failure is one line with the beginning of why, however long that is', () => {
  const news = { host: 'db-4', status: 'unreachable', fault: aFault({ message: 'x'.repeat(10_000) }) }
  const [line = '', ...more] = newsLines(plain(60), news)
  expect(more).toEqual([])
  expect(line).toMatch(/^ {2}db-4 {2}unreachable: x+…$/)
  expect(plain(60).width(line)).toBeLessThan(60)
})

test('a failure has the code of its fault, where there is room', () => {
  const news = { host: 'db-4', status: 'refused', fault: aFault({ code: 'drifted', message: 'it changed since' }) }
  expect(newsLines(plain(60), news)).toEqual(['  db-4  refused: it changed since (drifted)'])
  expect(newsLines(plain(40), news)).toEqual(['  db-4  refused: it changed since'])
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
  tally.end('a', 'planned', null)
  expect(tally.takeNews()).toEqual([{ host: 'a', status: 'planned', fault: null }])
  expect(tally.takeNews()).toEqual([])
  expect(endLine('Planning', tally, 3000)).toBe('Planning: 3 s, 1 planned')
})

test('in a log a small fleet is told host by host, a large one only where it is in trouble', () => {
  const good = { host: 'a', status: 'planned', fault: null }
  const bad = { host: 'b', status: 'failed', fault: aFault() }
  expect([good, bad].map((news) => isWorthALine(news, tallyOf(6), false))).toEqual([true, true])
  expect([good, bad].map((news) => isWorthALine(news, tallyOf(5000), false))).toEqual([false, true])
  expect([good, bad].map((news) => isWorthALine(news, tallyOf(6), true))).toEqual([false, true])
})

function tallyOf(total: number) {
  return newTally(total, () => 0)
}
