import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Effect } from '../../src/model/explanation.ts'
import type { EntrySample, Facts } from '../../src/model/facts.ts'
import { known, type Reading, unknown } from '../../src/model/reading.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { parsePlaybook } from '../../src/playbook/parse.ts'
import type { Playbook } from '../../src/playbook/playbook.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { analyse } from '../../src/strategies/analysis.ts'
import type { Service } from '../../src/strategies/busy-ports.ts'
import { effectsOf } from '../../src/strategies/effects.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

const { playbooks } = loadPlaybooks('auto', STEP_KINDS)

function sampleOf(port443: number, { read, total }: { read: number; total: number }, local = 1): EntrySample {
  return {
    read,
    total,
    unreadable: 0,
    bySource: [],
    byDestinationPort: [{ key: 'tcp 443', protocol: 'tcp', port: 443, entries: port443, share: port443 / read, local }],
    byProtocol: [],
    byState: [],
    remaining: null,
  }
}

const PORT_443: readonly Service[] = [{ protocol: 'tcp', port: 443 }]
/** What was worked out from rules is the same for all of them. */
const FOR_443 = analyse(factsWith({}), PORT_443)

describe('notrack: the entries of its ports go, the others stay', () => {
  const counts = fc
    .record({ total: fc.integer({ min: 1, max: 500_000 }), part: fc.double({ min: 0, max: 1, noNaN: true }) })
    .chain(({ total, part }) =>
      fc.record({
        total: fc.constant(total),
        read: fc.integer({ min: 1, max: total }),
        part: fc.constant(part),
        local: fc.double({ min: 0, max: 1, noNaN: true }),
      }),
    )

  lawTest.prop([counts])(
    'what goes and what is left are the table, within its bounds',
    ({ total, read, part, local }) => {
      const facts = factsWith({
        conntrack: { count: known(total), max: known(500_000) },
        entries: { sample: known(sampleOf(Math.floor(part * read), { read, total }, local)) },
      })
      const effect = leftOut(effectsOf(facts, FOR_443, playbookOf('notrack')))
      const [freed, left] = [told(effect.entriesFreed), told(effect.entriesLeft)]
      expect(freed.value + left.value).toBe(total)
      expect(freed.low).toBeGreaterThanOrEqual(0)
      expect(freed.low).toBeLessThanOrEqual(freed.value)
      expect(freed.value).toBeLessThanOrEqual(freed.high)
      expect(freed.high).toBeLessThanOrEqual(total)
      expect(told(effect.bytesFreed).value).toBe(freed.value * 256)
      if (read === total) expect([freed.low, freed.high]).toEqual([freed.value, freed.value])
    },
  )

  test('from a sample the numbers have bounds, and say so', () => {
    const facts = factsWith({
      conntrack: { count: known(250_000), max: known(262_144) },
      entries: { sample: known(sampleOf(405, { read: 500, total: 250_000 })) },
    })
    const effect = leftOut(effectFor('notrack', facts, PORT_443))
    expect(effect.basis).toEqual(known({ basis: 'sample', read: 500, total: 250_000 }))
    const { value, low, high } = told(effect.entriesFreed)
    expect(value).toBe(202_500)
    // Wilson's interval of 405 in 500: 77.3 % to 84.2 %.
    expect([Math.round(low / 2500), Math.round(high / 2500)]).toEqual([77, 84])
  })

  test('without the conntrack program they run out, and are not said to go at once', () => {
    const facts = factsWith({ conntrack: { tool: known(false) } })
    const effect = leftOut(effectFor('notrack', facts, PORT_443))
    expect(effect.atOnce).toEqual(known(false))
    expect(effect.pace).toMatch(/run out.*up to 5 d/)
  })

  test('a port that the sample cannot name is not said to hold nothing', () => {
    const others = Array.from({ length: 10 }, (_, at) => ({
      key: `tcp ${at + 1}`,
      protocol: 'tcp',
      port: at + 1,
      entries: 50,
      share: 0.1,
      local: 1,
    }))
    const sample = { ...sampleOf(0, { read: 500, total: 250_000 }), byDestinationPort: others }
    const effect = leftOut(effectFor('notrack', factsWith({ entries: { sample: known(sample) } }), PORT_443))
    expect(effect.entriesFreed).toEqual(unknown('443/tcp is not among the 10 busiest ports of the sample'))
  })

  test('a sample that could not be taken leaves every number unknown, with its cause', () => {
    const facts = factsWith({ entries: { sample: unknown('only root may read /proc/net/nf_conntrack') } })
    const effect = leftOut(effectFor('notrack', facts, PORT_443))
    for (const reading of [effect.share, effect.entriesFreed, effect.entriesLeft, effect.usageAfter, effect.basis]) {
      expect(reading).toEqual(unknown('only root may read /proc/net/nf_conntrack'))
    }
  })
})

describe('unload: the whole table goes', () => {
  test('entries and buckets, where the modules go', () => {
    const effect = emptied(effectFor('unload', factsWith({})))
    expect(effect.form).toBe('modules')
    expect(effect.entriesFreed).toEqual(known({ value: 20_000, low: 20_000, high: 20_000 }))
    expect(told(effect.bytesFreed).value).toBe(20_000 * 256 + 65_536 * 8)
    expect(effect.basis).toEqual(known({ basis: 'counted' }))
  })

  test('a count that is not known says why, and is no zero', () => {
    const effect = emptied(effectFor('unload', factsWith({ conntrack: { count: unknown('it hides') } })))
    expect(effect.entriesFreed).toEqual(unknown('it hides'))
    expect(effect.bytesFreed).toEqual(unknown('it hides'))
  })
})

describe('tune: another size, and the same entries', () => {
  test('from what is there to what its steps set', () => {
    const facts = factsWith({ conntrack: { count: known(250_000), max: known(262_144), usage: known(0.954) } })
    const effect = resized(effectFor('tune', facts))
    const [max, buckets] = [told(effect.max.to), told(effect.buckets.to)]
    expect(effect.max.from).toEqual(known(262_144))
    expect(max).toBeGreaterThanOrEqual(500_000)
    expect(told(effect.usageAfter).value).toBe(250_000 / max)
    expect(told(effect.bytesWhenFull)).toBe(max * 256 + buckets * 8)
    expect(told(effect.bytesMoreThanNow)).toBe((max - 250_000) * 256 + (buckets - 65_536) * 8)
    expect(effect.pace).toContain('old timeout until its next packet')
  })

  test('a timeout that is not known leaves the sizes known', () => {
    const facts = factsWith({ conntrack: { timeouts: unknown('they hide') } })
    expect(resized(effectFor('tune', facts)).max.to.known).toBe(true)
  })
})

test('where nothing is tracked no playbook changes a table', () => {
  const facts = factsWith({ conntrack: { generation: known('none'), count: unknown('absent') } })
  for (const playbook of playbooks) expect(effectFor(playbook.name, facts).remedy).toBe('other')
})

test('a playbook of the user is told by what its steps are about, not by its name', () => {
  const own = (steps: string) =>
    parsePlaybook(`name: mine\ntitle: mine\nabout: mine\nsteps:\n${steps}`, 'mine.yaml', STEP_KINDS)
  const facts = factsWith({})
  const effectOf = (steps: string) => effectsOf(facts, analyse(facts, null), own(steps))
  const max = '  - sysctl: { key: net.netfilter.nf_conntrack_max, value: 300000 }\n'
  expect(resized(effectOf(max)).max).toEqual({ from: known(262_144), to: known(300_000) })
  const flush = '  - flush-entries: { protocol: tcp, ports: [443], addresses: [192.0.2.1] }\n'
  expect(leftOut(effectOf(flush)).services).toEqual(PORT_443)
  expect(effectOf('  - sysctl: { key: net.core.somaxconn, value: 4096 }\n').remedy).toBe('other')
})

function effectFor(name: string, facts: Facts, ports: readonly Service[] | null = null): Effect {
  return effectsOf(facts, analyse(facts, ports), playbookOf(name))
}

function playbookOf(name: string): Playbook {
  const playbook = playbooks.find((each) => each.name === name)
  if (playbook === undefined) throw new Error(`no playbook ${name}`)
  return playbook
}

function told<T>(reading: Reading<T>): T {
  if (!reading.known) throw new Error(`not known: ${reading.why}`)
  return reading.value
}

function leftOut(effect: Effect) {
  if (effect.remedy !== 'notrack') throw new Error(effect.remedy)
  return effect
}

function emptied(effect: Effect) {
  if (effect.remedy !== 'unload') throw new Error(effect.remedy)
  return effect
}

function resized(effect: Effect) {
  if (effect.remedy !== 'tune') throw new Error(effect.remedy)
  return effect
}
