import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { healthOf } from '../../src/diagnosis/health.ts'
import { tableDrops } from '../../src/diagnosis/loss.ts'
import { DEFAULT_THRESHOLDS } from '../../src/diagnosis/thresholds.ts'
import type { Facts } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { factsWith, HEALTHY } from './sample-facts.ts'

test('nothing is found on a healthy host', () => {
  expect(diagnose(HEALTHY)).toEqual([])
  expect(healthOf(diagnose(HEALTHY))).toBe('healthy')
})

describe('each finding says what was seen, with its numbers', () => {
  const port = { key: 'tcp/80', protocol: 'tcp', port: 80, entries: 600, share: 0.6, local: 1 }
  const sample = HEALTHY.entries.sample.known ? HEALTHY.entries.sample.value : undefined
  if (sample === undefined) throw new Error('the sample is known')
  const cases: readonly [title: string, facts: Facts, health: string][] = [
    ['dropping: 1\u202f500 packets within 3 s', factsWith({ counters: { drop: known(1500) } }), 'unwell'],
    [
      'table 96 % full (251\u202f658 of 262\u202f144 entries)',
      factsWith({ conntrack: { count: known(251_658), usage: known(251_658 / 262_144) } }),
      'unwell',
    ],
    [
      'table 75 % full (20\u202f000 of 262\u202f144 entries)',
      factsWith({ conntrack: { usage: known(0.75) } }),
      'unwell',
    ],
    [
      'table was full 2 h 5 min ago',
      factsWith({ kernelLog: { tableFull: known({ lines: 3, newestAgeSeconds: 7500 }) } }),
      'unwell',
    ],
    ['evicting live entries to make room: 7 within 3 s', factsWith({ counters: { earlyDrop: known(7) } }), 'healthy'],
    [
      'hash table small for its max: when full, every packet searches long chains',
      factsWith({ conntrack: { hashSize: known(16_384) } }),
      'healthy',
    ],
    ['hash chains too long: new entries are refused', factsWith({ counters: { chainTooLong: known(2) } }), 'healthy'],
    [
      'tcp port 80 holds 60 % of the entries',
      factsWith({ entries: { sample: known({ ...sample, byDestinationPort: [port] }) } }),
      'healthy',
    ],
    [
      '70 % of the entries belong to connections that are over',
      factsWith({
        entries: { sample: known({ ...sample, byState: [{ key: 'TIME_WAIT', entries: 700, share: 0.7 }] }) },
      }),
      'healthy',
    ],
    [
      'connection tracking is loaded and nothing uses it',
      factsWith({
        conntrack: { count: known(0), usage: known(0) },
        modules: { loaded: known([{ name: 'nf_conntrack', references: 0, holders: [] }]) },
      }),
      'healthy',
    ],
    [
      'connection tracking is not loaded, so no table can fill',
      factsWith({ conntrack: { generation: known('none'), usage: unknown('-') } }),
      'healthy',
    ],
    [
      'in a container (lxc): max and buckets belong to its node',
      factsWith({ system: { container: known('lxc') } }),
      'healthy',
    ],
    [
      'not in the first network namespace: max and buckets belong to the node',
      factsWith({ conntrack: { maxWritable: known(false) } }),
      'healthy',
    ],
    [
      'cannot tell how full the table is: EACCES',
      factsWith({ conntrack: { usage: unknown('EACCES') } }),
      'cannot-tell',
    ],
    [
      'cannot tell whether packets are dropped now: no file',
      factsWith({ counters: { drop: unknown('no file') } }),
      'cannot-tell',
    ],
    [
      'cannot tell whether the table was full lately: no dmesg',
      factsWith({ kernelLog: { tableFull: unknown('no dmesg') } }),
      'cannot-tell',
    ],
    [
      'cannot tell when the table was full: the kernel log says that it was, without a readable time',
      factsWith({ kernelLog: { tableFull: known({ lines: 1, newestAgeSeconds: null }) } }),
      'cannot-tell',
    ],
    [
      'cannot tell whether this host tracks connections: x',
      factsWith({ conntrack: { generation: unknown('x') } }),
      'cannot-tell',
    ],
  ]
  test.each(cases)('%s', (title, facts, health) => {
    const findings = diagnose(facts)
    expect(findings.map((finding) => finding.title)).toEqual([title])
    expect(findings[0]?.evidence.length).toBeGreaterThan(0)
    expect(healthOf(findings)).toBe(health)
  })
})

test('an old "table full" is history, and thresholds can be set', () => {
  const facts = factsWith({ kernelLog: { tableFull: known({ lines: 3, newestAgeSeconds: 90_000 }) } })
  expect(diagnose(facts)).toEqual([])
  expect(diagnose(facts, { ...DEFAULT_THRESHOLDS, logAgeSeconds: 100_000 })).toHaveLength(1)
  expect(diagnose(HEALTHY, { ...DEFAULT_THRESHOLDS, usage: 0.05 })).toHaveLength(1)
})

test('a "table full" from before the last change is what that change was made for', () => {
  const logged = { tableFull: known({ lines: 3, newestAgeSeconds: 100 }) }
  const after = (age: number) =>
    diagnose(factsWith({ kernelLog: logged, history: { lastChangeAgeSeconds: known(age) } })).map(({ rule }) => rule)
  expect(after(40)).toEqual([])
  expect(after(100)).toEqual([])
  expect(after(101)).toEqual(['dropped-lately'])
  const unreadable = factsWith({ kernelLog: logged, history: { lastChangeAgeSeconds: unknown('not root') } })
  expect(diagnose(unreadable).map(({ rule }) => rule)).toEqual(['dropped-lately'])
})

test('two entries of one flow that met are no loss of the table', () => {
  const counted = (drop: number, insertFailed: number) =>
    diagnose(factsWith({ counters: { drop: known(drop), insertFailed: known(insertFailed) } }))
  expect(counted(7, 7)).toEqual([])
  expect(counted(2, 7)).toEqual([])
  expect(counted(9, 7)).toMatchObject([
    {
      title: 'dropping: 2 packets within 3 s',
      evidence: ['drop grew by 9 within 3 s', 'insert_failed, which drop counts too, grew by 7', 'drop since boot: 5'],
    },
  ])
  const uncounted = { drop: known(3), insertFailed: unknown('this kernel does not count insert_failed') }
  expect(tableDrops({ ...HEALTHY.counters, ...uncounted })).toEqual(known(3))
  expect(diagnose(factsWith({ counters: uncounted }))[0]?.title).toBe('dropping: 3 packets within 3 s')
})

test('a small sample makes no port busy', () => {
  const share = { key: 'tcp/80', protocol: 'tcp', port: 80, entries: 4, share: 0.4, local: null }
  const sample = {
    read: 10,
    total: 20_000,
    unreadable: 0,
    bySource: [],
    byProtocol: [],
    byState: [],
    remaining: null,
    byDestinationPort: [share],
  }
  expect(diagnose(factsWith({ entries: { sample: known(sample) } }))).toEqual([])
  const whole = { ...sample, read: 100, total: 100, byDestinationPort: [{ ...share, entries: 40 }] }
  expect(diagnose(factsWith({ entries: { sample: known(whole) } }))).toHaveLength(1)
})

test('a port whose entries are in one state is told with it, unless the sample is too small for that', () => {
  const port = { key: 'tcp/443', protocol: 'tcp', port: 443, entries: 450, share: 0.9, local: 1 }
  const none = { unreadable: 0, bySource: [], byProtocol: [], byState: [], remaining: null }
  const told = (timeWait: number) => {
    const states = [
      { key: 'TIME_WAIT', entries: timeWait, share: timeWait / 500 },
      { key: 'ESTABLISHED', entries: 450 - timeWait, share: (450 - timeWait) / 500 },
    ]
    const sample = { ...none, read: 500, total: 20_000, byDestinationPort: [{ ...port, states }] }
    return diagnose(factsWith({ entries: { sample: known(sample) } }))[0]
  }
  expect(told(405)).toMatchObject({
    rule: 'busy-port',
    title: '81 % of the entries are TIME_WAIT to tcp port 443',
    evidence: [
      'tcp port 443 holds 90 % of the entries',
      '450 entries: between 87 % and 92 % of the table, from a sample of 500 of 20\u202f000 entries',
      '100 % of them go to this host itself',
    ],
  })
  // 32 % of the sample may be less than 30 % of the table.
  expect(told(160)?.title).toBe('tcp port 443 holds 90 % of the entries')
})

test('a small sample tells nothing of the connections that are over; a large one says what it was', () => {
  const sampled = (entries: number, read: number) => {
    const byState = [{ key: 'TIME_WAIT', entries, share: entries / read }]
    const none = { unreadable: 0, bySource: [], byProtocol: [], byDestinationPort: [], remaining: null }
    return diagnose(factsWith({ entries: { sample: known({ ...none, read, total: 20_000, byState }) } }))
  }
  expect(sampled(6, 10)).toEqual([])
  expect(sampled(300, 500)[0]?.evidence).toEqual([
    'TIME_WAIT: 300 entries, 60 %',
    'between 56 % and 64 % of the table, from a sample of 500 of 20\u202f000 entries',
  ])
})

test('a table just short of critical is not said to be there', () => {
  const told = (entries: number) => {
    const conntrack = { count: known(entries), max: known(262_144), usage: known(entries / 262_144) }
    const found = diagnose(factsWith({ conntrack })).find(({ rule }) => rule === 'near-full')
    return [found?.severity, found?.title, found?.evidence[0]?.slice(0, 13)]
  }
  expect(told(249_036)).toEqual([
    'warning',
    'table 94.9 % full (249\u202f036 of 262\u202f144 entries)',
    'usage: 94.9 %',
  ])
  expect(told(249_037)).toEqual(['critical', 'table 95 % full (249\u202f037 of 262\u202f144 entries)', 'usage: 95 %, '])
})

describe('a table of a few entries', () => {
  const share = { key: 'tcp/22', protocol: 'tcp', port: 22, entries: 2, share: 1, local: 1 }
  const few = (changes: Parameters<typeof factsWith>[0] = {}) =>
    factsWith({
      conntrack: { count: known(2), max: known(2), usage: known(1), buckets: known(512), hashSize: known(512) },
      entries: {
        sample: known({
          read: 2,
          total: 2,
          unreadable: 0,
          bySource: [],
          byDestinationPort: [share],
          byProtocol: [],
          byState: [{ key: 'TIME_WAIT', entries: 2, share: 1 }],
          remaining: { told: 2, half: 40, ninety: 40, longest: 40 },
        }),
      },
      ...changes,
    })

  test('is told of, and alarms nobody by its share', () => {
    const findings = diagnose(few())
    expect(findings.map(({ rule, severity }) => [rule, severity])).toEqual([['near-full', 'info']])
    expect(findings[0]?.title).toBe('table 100 % full (2 of 2 entries)')
    expect(healthOf(findings)).toBe('healthy')
  })

  test('drops are drops', () => {
    const findings = diagnose(few({ counters: { drop: known(1) } }))
    expect(findings[0]).toMatchObject({ rule: 'dropping-now', severity: 'critical' })
    expect(healthOf(findings)).toBe('unwell')
  })

  test('thirty entries are enough', () => {
    const conntrack = { ...few().conntrack, count: known(30), max: known(32), usage: known(30 / 32) }
    expect(diagnose(few({ conntrack })).find(({ rule }) => rule === 'near-full')?.severity).toBe('warning')
  })
})

describe('the forecast of a table that is too full', () => {
  const sample = HEALTHY.entries.sample.known ? HEALTHY.entries.sample.value : undefined
  if (sample === undefined) throw new Error('the sample is known')
  const remaining = { told: 1000, half: 40, ninety: 7200, longest: 431_000 }
  const full = (changes: Partial<typeof sample>, usage = 0.8) =>
    diagnose(
      factsWith({
        conntrack: { usage: known(usage) },
        entries: { sample: known({ ...sample, remaining, ...changes }) },
      }),
    ).filter(({ rule }) => rule === 'forecast')

  test('says how slowly it would empty, and from what that is known', () => {
    expect(full({})).toEqual([
      {
        rule: 'forecast',
        severity: 'info',
        title: 'half of the entries run out within 40 s if they see no more packets',
        evidence: [
          'nine of ten within 2 h, the last one read within 4 d 23 h',
          'from a sample of 1\u202f000 of 20\u202f000 entries',
        ],
      },
    ])
    expect(full({ total: 1000, remaining: { ...remaining, told: 996 } })[0]).toMatchObject({
      title: 'half of the 1\u202f000 entries run out within 40 s if they see no more packets',
      evidence: ['nine of ten within 2 h, the last within 4 d 23 h', '4 that told no time left out'],
    })
    expect(full({ remaining: { ...remaining, ninety: 430_999 } })[0]?.evidence[0]).toBe('the others within 4 d 23 h')
    const alike = { ...remaining, half: 3990, ninety: 3995, longest: 4000 }
    expect(full({ remaining: alike })[0]?.evidence[0]).toBe('the others at much the same time')
  })

  test('of one entry alone is of that, and of no part of it', () => {
    const alone = { told: 1, half: 40, ninety: 40, longest: 40 }
    expect(full({ read: 1, total: 1, remaining: alone })).toMatchObject([
      { title: 'the only entry runs out within 40 s if it sees no more packets', evidence: [] },
    ])
  })

  test('is not made for a table with room, nor without times', () => {
    expect(full({}, 0.7)).toEqual([])
    expect(full({ remaining: null })).toEqual([])
  })
})

test('a known loss outweighs what cannot be told, and the worst comes first', () => {
  const findings = diagnose(
    factsWith({
      counters: { drop: known(3) },
      conntrack: { usage: unknown('EACCES') },
      system: { container: known('lxc') },
    }),
  )
  expect(findings.map(({ severity }) => severity)).toEqual(['critical', 'warning', 'info'])
  expect(healthOf(findings)).toBe('unwell')
})
