import { describe, expect, test } from 'vitest'
import { shareFrom, wavesFrom } from '../../src/cli/arguments.ts'
import { courseLines, courseOf, type PaceWords, paceFrom, rollbackPaceFrom } from '../../src/cli/pace.ts'
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
  expect(await paceFrom(NO_WORDS)).toEqual({ waves: null, maxFail: null, pauseSeconds: 5 })
  expect(await paceFrom({ ...NO_WORDS, pause: '0' })).toMatchObject({ pauseSeconds: 0 })
})

describe('the course of a run', () => {
  const before = [
    { host: 'dead-1', status: 'unreachable', fault: aFault() },
    { host: 'odd-1', status: 'no-strategy', findings: [], considered: [], why: 'none fits' },
    { host: 'web-1', status: 'planned', plan: aPlan('web-1') },
  ] as const

  test('is about the hosts that change, unless the operator says how many may fail: then those in trouble before count', () => {
    const usual = courseOf(fleet(3), before, { waves: null, maxFail: null, pauseSeconds: 5 })
    expect(usual).toMatchObject({ failedBefore: [], allowance: { canary: 0, all: 1 } })
    const said = courseOf(fleet(3), before, { waves: null, maxFail: { percent: 50 }, pauseSeconds: 5 })
    expect(said).toMatchObject({ failedBefore: ['dead-1'], allowance: { canary: 2, all: 2 } })
  })

  test('a rollback goes to all at once and as far as it gets', async () => {
    const course = courseOf(fleet(30), [], await rollbackPaceFrom(NO_WORDS))
    expect(course.waves.map(({ hosts }) => hosts.length)).toEqual([30])
    expect(course.allowance).toEqual({ canary: 30, all: 30 })
  })

  test('is said in a line, where there is more than one wave', () => {
    const pace = { waves: null, maxFail: null, pauseSeconds: 5 }
    expect(courseLines(courseOf(fleet(1), [], pace), pace)).toEqual([])
    expect(courseLines(courseOf(fleet(40), [], pace), pace)).toEqual([
      'In 4 waves of 1, 3, 16, 20 hosts, 5 s between them. It stops when one of the first wave fails, or more than 4 hosts.',
    ])
    const said = { waves: null, maxFail: { hosts: 2 }, pauseSeconds: 0 }
    expect(courseLines(courseOf(fleet(4), [], said), said)).toEqual([
      'In 2 waves of 1, 3 hosts. It stops when more than 2 hosts failed.',
    ])
  })
})
