import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EntrySample, Facts } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { type Analysis, hostView } from '../../src/playbook/names.ts'
import { becauseOf, firstAidOf } from '../../src/playbook/sentence.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { choose } from '../../src/strategies/choose.ts'
import { analyseTune } from '../../src/strategies/tune-analysis.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'

const MAX = 10_000
const playbooks = loadPlaybooks('tune', STEP_KINDS).playbooks.filter(({ name }) => name === 'tune')

type Table = {
  readonly count: number
  readonly max?: number
  readonly buckets?: number
  /** Between the two readings, three seconds apart. */
  readonly drop?: number
  readonly evicted?: number
  readonly half?: number
  readonly total?: number
  readonly available?: number
}

/** A host of 4 GiB unless told otherwise, whose classic advice is 131072 entries. */
function host(table: Table): Facts {
  const { count, max = MAX, buckets = 16_384, total = 4 * 2 ** 30, available = total / 2 } = table
  return factsWith({
    memory: { total: known(total), available: known(available) },
    conntrack: {
      count: known(count),
      max: known(max),
      usage: known(count / max),
      buckets: known(buckets),
      hashSize: known(buckets),
    },
    counters: { drop: known(table.drop ?? 0), earlyDrop: known(table.evicted ?? 0) },
    entries: { sample: known(sampleOf(count, table.half ?? 60)) },
  })
}

function sampleOf(total: number, half: number): EntrySample {
  const read = Math.min(total, 500)
  const remaining = read === 0 ? null : { told: read, half, ninety: 7200, longest: 431_999 }
  return { read, total, unreadable: 0, bySource: [], byDestinationPort: [], byProtocol: [], byState: [], remaining }
}

function planned(facts: Facts) {
  // The other remedies' analyses are no concern of this playbook.
  const analysis = { tune: analyseTune(facts) } as Analysis
  const choice = choose(playbooks, hostView(facts, analysis), 'unwell', 'tune')
  const [verdict] = choice.considered
  const notes = choice.type === 'chosen' ? choice.notes : []
  return { fits: choice.type === 'chosen', vars: verdict?.vars ?? {}, reasons: verdict?.reasons ?? [], notes }
}

describe('how many entries are needed at once', () => {
  const cases: readonly [what: string, facts: Facts, demand: number, because: string][] = [
    ['a table with room', host({ count: 2000 }), 2000, 'the 2\u202f000 entries there, 20 % of the table; nothing was'],
    ['one that is three quarters full', host({ count: 7500 }), 15_000, 'twice the 7\u202f500 entries that fill 75 %'],
    [
      // 900 drops in 3 s are 300 a second, each for twice the 20 s within which half run out.
      'one that turns packets away',
      host({ count: MAX, drop: 900, half: 20 }),
      MAX + 300 * 40,
      'the 10\u202f000 that fill the table, and 12\u202f000 more: no room for 300 packets a second, and an entry is taken to live 40 s',
    ],
    [
      'one that evicts',
      host({ count: MAX, drop: 3, evicted: 6, half: 20 }),
      MAX + 3 * 40,
      'no room for 1 packet a second and 2 entries a second evicted, and an entry',
    ],
    ['one that was full a moment ago', host({ count: 6000, drop: 3, half: 20 }), MAX + 40, 'the 10\u202f000 that fill'],
    ['long-lived entries, an hour at most', host({ count: MAX, drop: 3, half: 431_000 }), MAX + 3600, 'to live 1 h'],
    [
      'drops, and entries that nobody may list',
      factsWith({
        conntrack: { count: known(MAX), max: known(MAX), usage: known(1) },
        counters: { drop: known(900) },
        entries: { sample: unknown('only root may read it') },
      }),
      2 * MAX,
      'how long entries live is not known: only root may read it',
    ],
    [
      'a full table and no counters',
      factsWith({
        conntrack: { count: known(MAX), max: known(MAX), usage: known(1) },
        counters: { drop: unknown('no file') },
      }),
      2 * MAX,
      'what is turned away is not known: no file',
    ],
  ]
  test.each(cases)('%s', (_, facts, demand, because) => {
    const tune = analyseTune(facts)
    expect(tune.demand).toEqual(known(demand))
    expect(tune.demandBecause).toContain(because)
  })

  test('two entries of one flow that met are no loss, and ask for nothing', () => {
    const met = factsWith({ counters: { drop: known(5), insertFailed: known(5) } })
    expect(analyseTune(met).demand).toEqual(known(20_000))
  })

  test.each(['count', 'max', 'usage'] as const)('%s that is not known makes no number up', (subject) => {
    const { demand, demandBecause } = analyseTune(factsWith({ conntrack: { [subject]: unknown('EACCES') } }))
    expect(demand).toEqual(unknown(expect.stringContaining('EACCES')))
    expect(demandBecause).toContain('EACCES')
  })
})

describe('how many entries the memory holds', () => {
  test('a full table and its buckets take no more than half of what is there for it, and one entry more would', () => {
    const bytes = fc.integer({ min: 2 ** 22, max: 2 ** 36 })
    const counts = fc.integer({ min: 0, max: 2 ** 20 })
    fc.assert(
      fc.property(bytes, counts, counts, fc.constantFrom(256, 320), (available, count, buckets, entryBytes) => {
        const facts = factsWith({
          memory: { available: known(available) },
          conntrack: {
            count: known(count),
            buckets: known(buckets),
            hashSize: unknown('not root'),
            entryBytes: known(entryBytes),
          },
        })
        const { fits } = analyseTune(facts)
        if (!fits.known) throw new Error(fits.why)
        const half = (available + count * entryBytes + buckets * 8) / 2
        const full = (entries: number) => entries * entryBytes + Math.max(buckets, entries) * 8
        expect(full(fits.value) <= half || fits.value === 0).toBe(true)
        expect(full(fits.value + 1)).toBeGreaterThan(half)
      }),
    )
  })

  test('an entry whose size the kernel does not tell is a large one, and the plan says so', () => {
    const told = planned(HEALTHY).notes.join()
    expect(told).toContain(
      'A full table of 1\u202f572\u202f864 entries takes 384 MiB (256 bytes an entry) and its 1\u202f572\u202f864 buckets 12 MiB; 40 GiB are available',
    )
    const facts = factsWith({ conntrack: { entryBytes: unknown('no slabinfo') } })
    expect(analyseTune(facts)).toMatchObject({ entryBytes: 320, entryBytesMeasured: false })
    expect(planned(facts).notes.join()).toContain(
      '480 MiB (320 bytes an entry, a large one, as the kernel does not tell)',
    )
  })

  test('memory that is not known leaves the strategy unsure', () => {
    const facts = factsWith({ memory: { available: unknown('no meminfo') } })
    expect(analyseTune(facts).fits).toEqual(unknown('no meminfo'))
    expect(planned(facts)).toMatchObject({ fits: false, reasons: [expect.stringContaining('no meminfo')] })
  })
})

describe('how large the table gets', () => {
  test('half as much again as was measured, where that is more than the advice', () => {
    const facts = host({ count: MAX, drop: 9000, half: 30 })
    expect(planned(facts)).toMatchObject({ fits: true, vars: { needed_max: 285_000, max: 285_000 } })
    expect(planned(facts).notes.join()).toContain(
      'Room for 190\u202f000 entries is needed now: the 10\u202f000 that fill',
    )
  })

  test('at least twice what it holds, where it is full and loses little', () => {
    const facts = host({ count: 200_000, max: 200_000, drop: 3, half: 5 })
    expect(planned(facts).vars).toMatchObject({ needed_max: 400_000, max: 400_000 })
  })

  test('what the formula advises is taken as far as memory goes, and never refused for it', () => {
    const facts = host({ count: 100, available: 16 * 2 ** 20 })
    const { fits } = analyseTune(facts)
    const { vars, notes } = planned(facts)
    expect(vars).toMatchObject({ advised_max: 131_072, max: fits.known && fits.value })
    expect(vars.max).toBeGreaterThan(MAX)
    expect(notes.join()).toContain('not the 131\u202f072 that would be better')
    expect(planned(host({ count: 100, available: 2 ** 20 }))).toMatchObject({ fits: true, vars: { max: MAX } })
  })

  test('refused with its numbers where what is needed would not fit', () => {
    const { fits, reasons } = planned(host({ count: MAX, drop: 9000, half: 30, available: 64 * 2 ** 20 }))
    expect(fits).toBe(false)
    expect(reasons).toEqual([
      expect.stringMatching(
        /^room for 190\u202f000 entries is needed \(the 10\u202f000 that fill .*\), which with their buckets is 47\.9 MiB; 64 MiB are available, and .*: room for [\d\u202f]+ entries\. Track less instead \(unload, or notrack with --ports\), or give this host more memory$/,
      ),
    ])
  })

  test('a max that memory could not hold was set by somebody else: it stays, gets no buckets, and is told', () => {
    const { fits, vars, notes } = planned(host({ count: 100, max: 50_000_000 }))
    expect(fits).toBe(true)
    expect(vars).toMatchObject({ max: 50_000_000, buckets: 16_384 })
    expect(notes.join()).toContain('A max of 50\u202f000\u202f000 was set here before')
  })

  test('a table that was enlarged for what it needs is not enlarged again', () => {
    const table = fc.record({
      count: fc.integer({ min: 0, max: MAX }),
      drop: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 3000 })),
      evicted: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 100 })),
      half: fc.oneof(fc.integer({ min: 0, max: 100 }), fc.integer({ min: 0, max: 432_000 })),
      total: fc.integer({ min: 2 ** 26, max: 2 ** 34 }),
    })
    // Doubles would be near 0 or 1 almost always.
    const part = fc.integer({ min: 0, max: 1000 }).map((thousandths) => thousandths / 1000)
    fc.assert(
      fc.property(table, part, part, (seen, free, later) => {
        // Mostly little, since the advice is about a hundredth of a machine's memory.
        const available = Math.floor(seen.total * free ** 8)
        const { fits, vars } = planned(host({ ...seen, available }))
        if (!fits) return
        const max = Number(vars.max)
        const buckets = Number(vars.buckets)
        expect(max).toBeGreaterThanOrEqual(MAX)
        expect(buckets).toBeGreaterThanOrEqual(16_384)
        // Any filling that is no trouble; the table has its memory from what was available, and some of that came back.
        const count = Math.ceil(max * 0.75 * later) - 1
        const taken = (count - seen.count) * 256 + (buckets - 16_384) * 8
        const after = host({
          ...seen,
          max,
          buckets,
          count: Math.max(0, count),
          drop: 0,
          evicted: 0,
          available: Math.max(0, Math.floor((available - taken) * (0.95 + later / 10))),
        })
        if (max > MAX) expect(planned(after).vars).toMatchObject({ max, buckets })
      }),
      { numRuns: 500 },
    )
  })
})

describe('how slowly it drains', () => {
  test('the plan tells it where timeouts are lowered, and from what', () => {
    expect(analyseTune(host({ count: 9000, half: 40 }))).toMatchObject({
      drain: { half: known(40), ninety: known(7200), longest: known(431_999) },
      drainText:
        'half of the entries run out within 40 s, nine of ten within 2 h, the last one read within 4 d 23 h, if no packet of theirs comes (from a sample of 500 of 9\u202f000 entries)',
    })
    expect(analyseTune(host({ count: 400 })).drainText).toMatch(/^half of the 400 entries run out .*comes$/)
    expect(planned(host({ count: 400, half: 40 })).notes.join()).toContain(
      'keep their old timeout until their next packet: half of the 400 entries run out within 40 s',
    )
  })

  test('and says no number where none was listed', () => {
    const facts = factsWith({ entries: { sample: unknown('only root may read it') } })
    expect(analyseTune(facts)).toMatchObject({ drain: { half: unknown('only root may read it') }, drainText: '' })
    expect(planned(facts).notes).toContain(
      'Entries that are there keep their old timeout until their next packet, so a full table drains slowly',
    )
  })
})

describe('where the figures come from', () => {
  const because = (facts: Facts, name = 'max') => becauseOf(planned(facts).vars, name)

  test('the formula, what is needed, what is there already, or what memory can spare', () => {
    const formula = 'the classic formula, memory / 16384 / (bits / 32), from 4 GiB and 64 bits'
    expect(because(host({ count: 100 }))).toBe(formula)
    expect(because(host({ count: 200_000, max: 200_000, drop: 3, half: 5 }))).toMatch(
      /^half as much again as what is needed/,
    )
    expect(because(host({ count: 100, max: 500_000 }))).toBe(`never lowered; 131\u202f072 is advised by ${formula}`)
    const spared = 'it would be 131\u202f072 by this'
    expect(because(host({ count: 100, available: 16 * 2 ** 20 }))).toBe(`what memory can spare; ${spared}: ${formula}`)
    expect(because(host({ count: 100, available: 2 ** 20 }))).toContain(`no step that would be worth it; ${spared}`)
  })

  test('buckets say what they follow, and nothing where they stay', () => {
    expect(because(host({ count: 100 }), 'buckets')).toBe(
      'one for each entry of max, as Linux has it from 5.15 on, in whole pages',
    )
    expect(because(host({ count: 100, buckets: 2 ** 20 }), 'buckets')).toBeNull()
  })
})

describe('first aid where it does not fit', () => {
  const full = { count: MAX, drop: 900, half: 20 }
  const aid = (facts: Facts) => firstAidOf(planned(facts).vars)
  const fixed = (facts: Facts, conntrack: Partial<Facts['conntrack']> = {}): Facts => ({
    ...facts,
    conntrack: { ...facts.conntrack, bucketsWritable: known(false), ...conntrack },
  })
  const onLinux = (major: number, minor: number, facts: Facts): Facts => ({
    ...facts,
    system: { ...facts.system, kernel: known({ release: `${major}.${minor}`, major, minor }) },
  })

  test('a larger max, as a command, as large as the buckets that are there bear', () => {
    expect(aid(fixed(host(full)))).toBe(
      'as root: sysctl -w net.netfilter.nf_conntrack_max=16384 (makes room until the next reboot, and takes up to 4 MiB)',
    )
    expect(aid(onLinux(3, 10, fixed(host(full))))).toContain('nf_conntrack_max=131072 ')
    expect(planned(fixed(host(full))).fits).toBe(false)
  })

  test('never more than memory can spare, and no max where that is unknown', () => {
    const scarce = host({ ...full, drop: 90_000, available: 9 * 2 ** 20 })
    const { fits } = analyseTune(scarce)
    if (!fits.known) throw new Error(fits.why)
    expect(planned(scarce).fits).toBe(false)
    expect(aid(scarce)).toContain(`nf_conntrack_max=${Math.min(fits.value, 16_384)} `)
    expect(aid(host({ ...full, drop: 90_000, available: 2 ** 20 }))).not.toContain('_max=')
    expect(
      aid({ ...fixed(host(full)), memory: { total: known(2 ** 32), available: unknown('no meminfo') } }),
    ).toBeNull()
  })

  test('what belongs to the node is for its owner to type, buckets too', () => {
    expect(aid(fixed(host(full), { maxWritable: known(false) }))).toMatch(
      /^on the node, by its owner: sysctl -w net\.netfilter\.nf_conntrack_buckets=131072 net\.netfilter\.nf_conntrack_max=131072 \(/,
    )
  })

  test('shorter waits where max cannot go up, none where the table has room', () => {
    const tight = fixed(host({ ...full, buckets: 8192 }))
    expect(aid(tight)).toMatch(/^as root: sysctl -w net\.netfilter\.nf_conntrack_tcp_timeout_time_wait=30 \(/)
    expect(aid(fixed(host({ count: 100 })))).toBeNull()
  })
})
