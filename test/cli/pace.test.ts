import { describe, expect, test } from 'vitest'
import { shareFrom, wavesFrom } from '../../src/cli/arguments.ts'
import {
  courseLines,
  failedBefore,
  openCourseLines,
  type PaceWords,
  paceFrom,
  rollbackPaceFrom,
} from '../../src/cli/pace.ts'
import type { HostResult } from '../../src/model/result.ts'
import { courseOf, type Pace } from '../../src/run/course.ts'
import type { Placed } from '../../src/run/order.ts'
import { aFault, aPlan } from '../report/fleet.ts'

const NO_WORDS: PaceWords = { waves: undefined, maxFail: undefined, pause: undefined }
const fleet = (count: number) => Array.from({ length: count }, (_, at) => ({ name: `web-${at + 1}`, groups: ['web'] }))

describe('waves', () => {
  test('sizes are numbers of hosts and percentages, the last one all', () => {
    expect(wavesFrom('1, 10%,50 %,100%')).toEqual([{ hosts: 1 }, { percent: 10 }, { percent: 50 }, { percent: 100 }])
    expect(wavesFrom('100%')).toEqual([{ percent: 100 }])
  })
  test.each([
    ['', /--waves: "" is no number of hosts and no percentage/],
    ['1,half,100%', /"half" is no number/],
    ['0,100%', /"0" is no number/],
    ['1,120%', /"120%" is no number/],
    ['1,10%', /the last wave is no 100%/],
    ['1,5', /the last wave is no 100%/],
    ['5,2,100%', /"2" is no more than "5" before it/],
    ['10%,1,10%,100%', /"10%" is no more than "10%" before it/],
    ['100%,100%', /"100%" is no more than "100%" before it/],
  ])('%j is refused', (text, said) => {
    expect(() => wavesFrom(text)).toThrow(said)
  })
})

test('as many as may fail are hosts or a percentage; none is a number too', () => {
  expect(shareFrom('--max-fail', '0', 0)).toEqual({ hosts: 0 })
  expect(shareFrom('--max-fail', '10%', 0)).toEqual({ percent: 10 })
  for (const text of ['-1', '101%', 'some', '1.5%', ''])
    expect(() => shareFrom('--max-fail', text, 0)).toThrow(/--max-fail: /)
})

test('every mistake of a pace is told at once', async () => {
  await expect(paceFrom({ waves: '5', maxFail: 'few', pause: 'a bit' })).rejects.toThrow(
    /--waves.*--max-fail.*--pause/s,
  )
  expect(await paceFrom(NO_WORDS)).toEqual({ waves: null, maxFail: null, pauseSeconds: 5, sparesPairs: true })
  expect(await paceFrom({ ...NO_WORDS, pause: '0' })).toMatchObject({ pauseSeconds: 0 })
})

describe('the course of a run', () => {
  const before = [
    { host: 'dead-1', status: 'unreachable', fault: aFault() },
    { host: 'odd-1', status: 'no-strategy', findings: [], considered: [], why: 'none fits' },
    { host: 'web-1', status: 'planned', plan: aPlan('web-1') },
  ] as const

  test('is about the hosts that change, unless the operator says how many may fail: then those in trouble before count', () => {
    const usual = courseOf(fleet(3), before, { waves: null, maxFail: null, pauseSeconds: 5, sparesPairs: true })
    expect(usual).toMatchObject({ failedBefore: [], allowance: { canary: 0, all: 1 } })
    const said = courseOf(fleet(3), before, {
      waves: null,
      maxFail: { percent: 50 },
      pauseSeconds: 5,
      sparesPairs: true,
    })
    expect(said).toMatchObject({ failedBefore: ['dead-1'], allowance: { canary: 2, all: 2 } })
  })

  test('a rollback goes to all at once and as far as it gets, to both hosts of a pair, and waits for nothing', async () => {
    const pace = await rollbackPaceFrom(NO_WORDS)
    const course = courseOf(fleet(30), [], pace)
    expect(course.waves.map(({ hosts }) => hosts.length)).toEqual([30])
    expect(course).toMatchObject({ allowance: { canary: 30, all: 30 }, sparesPairs: false })
    expect(pace.pauseSeconds).toBe(0)
    expect(await rollbackPaceFrom({ waves: '1,100%', maxFail: '0', pause: '2m' })).toMatchObject({
      waves: [{ hosts: 1 }, { percent: 100 }],
      maxFail: { hosts: 0 },
      pauseSeconds: 120,
    })
  })

  const lines = (hosts: readonly Placed[], pace: Partial<Pace> = {}, results: readonly HostResult[] = []) => {
    const whole = { waves: null, maxFail: null, pauseSeconds: 0, sparesPairs: true, ...pace }
    return courseLines(courseOf(hosts, results, whole), whole).join()
  }

  test('is said in a line, where there is more than one wave', () => {
    expect(lines(fleet(1))).toBe('')
    expect(lines(fleet(2))).toBe('In 2 waves of 1 and 1 hosts. It stops when one of the first wave fails.')
    expect(lines(fleet(40), { pauseSeconds: 5 })).toBe(
      'In 4 waves of 1, 3, 16 and 20 hosts, 5 s between them. It stops when one of the first wave fails, or more than 4 hosts in all.',
    )
    const many = Array.from({ length: 12 }, (_, at) => ({ hosts: at + 1 }))
    expect(lines(fleet(12), { waves: many })).toMatch(/^In 12 waves of 1, 1, 1, 1, 1, 1, 1 and 5 more hosts\./)
  })

  test('is said to whoever is asked as the most that it can be: fewer with a yes go in smaller waves, and fewer may fail', () => {
    const open = (count: number, maxFail: Pace['maxFail']) => {
      const pace = { waves: null, maxFail, pauseSeconds: 0, sparesPairs: true }
      return openCourseLines(courseOf(fleet(count), [], pace), pace).join()
    }
    expect(open(40, null)).toMatch(
      / in waves of at most 1, 3, 16 and 20 hosts\. .* more than 4 hosts in all\. Where fewer have a yes, fewer may fail\.$/,
    )
    expect(open(4, null)).toMatch(/ more than 1 host in all\.$/)
    expect(open(2, null)).toBe(
      'A host with a yes begins while you answer for the others, one host at a time. It stops when one of the first wave fails.',
    )
    expect(open(40, { percent: 5 })).toMatch(/ Where fewer have a yes, fewer may fail\.$/)
    expect(open(40, { hosts: 2 })).toMatch(/ It stops when more than 2 hosts failed\.$/)
    expect(open(40, { percent: 100 })).not.toMatch(/fewer/)
  })

  test('is over before anybody is asked, where more hosts failed already than may', () => {
    const most = (hosts: number): Pace => ({ waves: null, maxFail: { hosts }, pauseSeconds: 0, sparesPairs: true })
    expect(failedBefore(['web-1'], before, most(0))).toEqual({
      spent: '1 host failed (dead-1), and none may',
      lines: [
        'Nothing was changed: 1 host failed (dead-1), and none may.',
        'To go on all the same: the same command with --max-fail 1; or without them: --limit web-1',
      ],
    })
    expect(failedBefore(['web-1'], before, most(1))).toEqual({
      spent: null,
      lines: ['1 host failed already (dead-1); with more than 1 no further host begins (--max-fail).'],
    })
    expect(failedBefore([], before, most(0))).toEqual({ spent: null, lines: [] })
    expect(failedBefore(['web-1'], before, { ...most(0), maxFail: null })).toEqual({ spent: null, lines: [] })
  })

  test('says who goes last, alone', () => {
    const gateway = { name: 'gw-1', groups: [], gateway: true }
    expect(lines([gateway, ...fleet(2)])).toMatch(/^In 3 waves of 1, 1 and 1 hosts \(gw-1 last, alone\)\./)
    expect(lines([gateway, { ...gateway, name: 'gw-2' }])).toMatch(/\(gw-1 and gw-2 last, each alone\)/)
  })

  test('says how many may fail and did already; nothing where that stops nobody', () => {
    expect(lines(fleet(4), { maxFail: { hosts: 2 } })).toMatch(/ It stops when more than 2 hosts failed\.$/)
    expect(lines(fleet(4), { maxFail: { hosts: 2 } }, before)).toMatch(/ more than 2 hosts failed \(1 did already\)\.$/)
    expect(lines(fleet(4), { maxFail: { hosts: 0 } })).toMatch(/ It stops when one fails\.$/)
    expect(lines(fleet(4), { maxFail: { percent: 100 } })).toBe('In 2 waves of 1 and 3 hosts.')
  })
})
