import { describe, expect, test } from 'vitest'
import { leftOutJson } from '../../src/report/json/left-out.ts'
import { withLeftOut } from '../../src/report/text/left-out.ts'
import { sifted, whereFrom } from '../../src/run/where.ts'
import { plain } from '../report/paper.ts'

describe('a mistake in --where is shown before any host is contacted', () => {
  const cases: readonly [condition: string, told: string][] = [
    [
      'conntrack.usgae > 0.8',
      '--where:1:11: there is no usgae in conntrack\n  conntrack.usgae > 0.8\n            ^\n  did you mean "usage"?',
    ],
    [
      'conntrak.usage > 0.8',
      '--where:1:1: there is no conntrak\n  conntrak.usage > 0.8\n  ^\n  did you mean "conntrack"?',
    ],
    ['conntrack.usage > "a lot"', '--where:1:1: no such overload: double > string\n  conntrack.usage > "a lot"\n  ^'],
    ['conntrack.usage', '--where:1:1: must be true or false, but gives a number\n  conntrack.usage\n  ^'],
    ['conntrack.usage >', '--where:1:18: the expression ends too early\n  conntrack.usage >\n                   ^'],
    ['has(conntrack.usage)', '--where:1:1: has() is not offered: an unknown fact must stay unknown'],
    ['true &&\n  facts.x', '--where:2:9: there is no x in facts'],
  ]
  test.each(cases)('%j', (condition, told) => {
    expect(() => whereFrom(condition)).toThrow(told)
  })
})

describe('hosts that were left out are counted, and those that cannot be told of are named', () => {
  const read = (host: string) => ({ host, status: 'read' }) as const
  const others = sifted<ReturnType<typeof read>>([
    read('web-1'),
    { host: 'web-2', status: 'left-out' },
    { host: 'db-1', status: 'unsure', why: 'conntrack.usage is not known: permission denied' },
    { host: 'web-3', status: 'left-out' },
    { host: 'db-2', status: 'unsure', why: 'conntrack.usage is not known: permission denied' },
  ])
  const printed = (about: typeof others) => withLeftOut(plain(80), about, () => ['1 host'])

  test('in text, below the report', () => {
    expect(printed(others)).toEqual([
      '1 host',
      '',
      '2 hosts left out by --where.',
      '--where cannot be told of 2 hosts (db-1, db-2): conntrack.usage is not known:',
      '  permission denied',
    ])
    expect(printed({ ...others, results: [] })[0]).toBe('No host is left.')
    expect(printed({ results: others.results, leftOut: [], unsure: [] })).toEqual(['1 host'])
  })
  test('in JSON, by name', () => {
    expect(others.results).toEqual([read('web-1')])
    expect(leftOutJson(others)).toEqual({
      where: {
        leftOut: ['web-2', 'web-3'],
        unsure: [
          { host: 'db-1', why: 'conntrack.usage is not known: permission denied' },
          { host: 'db-2', why: 'conntrack.usage is not known: permission denied' },
        ],
      },
    })
  })
})
