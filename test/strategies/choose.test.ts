import { describe, expect, test } from 'vitest'
import { diagnose } from '../../src/diagnosis/diagnose.ts'
import { healthOf } from '../../src/diagnosis/health.ts'
import type { Facts } from '../../src/model/facts.ts'
import { known, unknown } from '../../src/model/reading.ts'
import { loadPlaybooks } from '../../src/playbook/load.ts'
import { type Analysis, hostView } from '../../src/playbook/names.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { type Choice, choose } from '../../src/strategies/choose.ts'
import { analyseTune } from '../../src/strategies/tune-analysis.ts'
import { factsWith, HEALTHY } from '../diagnosis/sample-facts.ts'

const { playbooks } = loadPlaybooks('auto', STEP_KINDS)
const EDIT = {
  backend: 'nft',
  family: 'ip',
  table: 'raw',
  chain: 'PREROUTING',
  action: 'add',
  spec: '-j CT --notrack',
  key: 'ctfleet:1',
  after: null,
  before: null,
}
/** Of the two cures; what tune rests on is worked out from the facts. */
type Cures = Omit<Analysis, 'tune'>
const FITS: Cures = {
  unload: {
    possible: known(true),
    form: 'modules',
    why: '',
    blockers: [],
    edits: [],
    modules: ['xt_conntrack', 'nf_conntrack'],
    modulesStay: '',
    canFlush: known(true),
  },
  notrack: {
    safe: known(true),
    why: '',
    edits: [EDIT],
    flows: [{ protocol: 'tcp', ports: [80], addresses: ['192.0.2.1'] }],
    ports: { tcp: [80], udp: [] },
    addresses: ['192.0.2.1'],
  },
  persist: {
    savesOnStop: '',
    notrack: { files: [], reloaded: false, script: '', unit: '', note: 'until the next reboot' },
    unload: { files: [], note: '' },
  },
}
const NEEDED: Cures = {
  ...FITS,
  unload: { ...FITS.unload, possible: known(false), why: 'INPUT rule 3 lets answers in by their state', modules: [] },
}
const ONLY_TUNE: Cures = {
  ...NEEDED,
  notrack: { ...FITS.notrack, safe: known(false), why: 'port 80 is redirected' },
}
const FULL = { usage: known(0.97) }

describe('preference: the cures before the relief, each other one with its reason', () => {
  const cases: readonly [cures: Cures, chosen: string, others: Record<string, readonly string[]>][] = [
    [FITS, 'unload', { notrack: ['unload comes first'], tune: ['unload comes first'] }],
    [NEEDED, 'notrack', { unload: ['INPUT rule 3 lets answers in by their state'], tune: ['notrack comes first'] }],
    [
      ONLY_TUNE,
      'tune',
      { unload: ['INPUT rule 3 lets answers in by their state'], notrack: ['port 80 is redirected'] },
    ],
  ]
  test.each(cases)('%#', (cures, chosen, others) => {
    const choice = chooseFor(factsWith({ conntrack: FULL }), cures)
    expect(choice.type === 'chosen' && choice.playbook.name).toBe(chosen)
    for (const verdict of choice.considered) {
      if (verdict.strategy === chosen) expect(verdict.reasons.join()).toContain('the first that fits')
      else expect(verdict.reasons).toEqual(others[verdict.strategy])
    }
  })
})

test('a healthy host gets nothing, and every strategy says why', () => {
  const choice = chooseFor(HEALTHY, FITS)
  expect(choice.type).toBe('healthy')
  expect(choice.considered.map(({ reasons }) => reasons)).toEqual([
    ['the host is healthy'],
    ['the host is healthy'],
    ['the host is healthy'],
  ])
})

test('a wish overrides health, and never what a playbook requires', () => {
  expect(chooseFor(HEALTHY, ONLY_TUNE, 'tune').type).toBe('chosen')
  expect(chooseFor(factsWith({ conntrack: FULL }), ONLY_TUNE, 'notrack')).toMatchObject({
    type: 'none',
    why: 'notrack does not fit: port 80 is redirected',
  })
})

test('a host whose health cannot be told gets nothing unasked', () => {
  const facts = factsWith({ kernelLog: { tableFull: unknown('no dmesg') } })
  expect(chooseFor(facts, FITS).type).toBe('none')
  expect(chooseFor(facts, FITS, 'unload').type).toBe('chosen')
})

test('a reading that is not known makes a strategy unsure, with the cause', () => {
  const facts = factsWith({ conntrack: { ...FULL, maxWritable: unknown('permission denied') } })
  const choice = chooseFor(facts, ONLY_TUNE)
  expect(choice.type).toBe('none')
  expect(choice.considered.find(({ strategy }) => strategy === 'tune')).toMatchObject({
    verdict: 'unsure',
    reasons: ['facts.conntrack.maxWritable is not known: permission denied'],
  })
})

describe('tune', () => {
  test('48 GiB and 64 bits give 1572864 entries and 196608 buckets', () => {
    const before515 = factsWith({ system: { kernel: known({ release: '5.10.0-28-amd64', major: 5, minor: 10 }) } })
    expect(tuned(before515)).toMatchObject({ max: 1572864, buckets: 196608 })
    expect(stepsOf(before515).slice(0, 2)).toEqual([
      { kind: 'hash-size', want: { buckets: 196608 } },
      { kind: 'sysctl', want: { key: 'net.netfilter.nf_conntrack_max', value: 1572864 } },
    ])
  })

  test('from 5.15 on there are as many buckets as entries', () => {
    expect(tuned(HEALTHY)).toMatchObject({ advised_max: 1572864, advised_buckets: 196608, buckets: 1572864 })
    const first = factsWith({ system: { kernel: known({ release: '5.15.0', major: 5, minor: 15 }) } })
    expect(tuned(first)).toMatchObject({ max: 1572864, buckets: 1572864 })
  })

  test('never lowers max or buckets, whichever of the two places shows more buckets', () => {
    const facts = factsWith({ conntrack: { max: known(4_000_000), buckets: known(1024), hashSize: known(8_000_512) } })
    expect(tuned(facts)).toMatchObject({ max: 4_000_000, buckets: 8_000_512 })
    expect(
      tuned(factsWith({ conntrack: { buckets: known(2_097_152), hashSize: unknown('for root only') } })),
    ).toMatchObject({ buckets: 2_097_152 })
  })

  test('lowers timeouts only, and only those that are longer', () => {
    const keys = (facts: Facts) =>
      stepsOf(facts).flatMap(({ want }) =>
        typeof want === 'object' && want !== null && 'key' in want ? [want.key] : [],
      )
    expect(keys(HEALTHY)).toEqual([
      'net.netfilter.nf_conntrack_max',
      'net.netfilter.nf_conntrack_tcp_timeout_established',
      'net.netfilter.nf_conntrack_tcp_timeout_time_wait',
      'net.netfilter.nf_conntrack_tcp_timeout_fin_wait',
    ])
    const short = { tcp_timeout_established: 600, tcp_timeout_time_wait: 10, tcp_timeout_fin_wait: 30 }
    const facts = factsWith({ conntrack: { timeouts: known(short) } })
    expect(keys(facts)).toEqual(['net.netfilter.nf_conntrack_max'])
    expect(fileText(facts, '/etc/sysctl.d/90-ctfleet-conntrack.conf')).toBe(
      'net.netfilter.nf_conntrack_max = 1572864\nnet.netfilter.nf_conntrack_tcp_timeout_fin_wait = 30\n',
    )
  })

  test('what it writes to disk is the same once it is applied', () => {
    const after = factsWith({
      conntrack: {
        max: known(1572864),
        buckets: known(1572864),
        hashSize: known(1572864),
        timeouts: known({ tcp_timeout_established: 86400, tcp_timeout_time_wait: 30, tcp_timeout_fin_wait: 30 }),
      },
    })
    const files = (facts: Facts) => stepsOf(facts).filter(({ kind }) => kind === 'file')
    expect(files(after)).toEqual(files(HEALTHY))
    expect(files(after)).toHaveLength(3)
  })

  test('an old kernel gets its settings under their old names', () => {
    const text = fileText(
      factsWith({ conntrack: { generation: known('ip') } }),
      '/etc/sysctl.d/90-ctfleet-conntrack.conf',
    )
    expect(text).toMatch(/^net\.ipv4\.netfilter\.ip_conntrack_max = 1572864\n/)
  })

  test('a container is told whom to ask', () => {
    expect(reasonsOf(factsWith({ conntrack: { maxWritable: known(false) } }))).toEqual([
      'max belongs to the node that this container or namespace runs on: ask its owner',
    ])
  })

  function tuned(facts: Facts) {
    return verdictOf(facts)?.vars
  }
  function reasonsOf(facts: Facts) {
    return verdictOf(facts)?.reasons ?? []
  }
  function verdictOf(facts: Facts) {
    return chooseFor(facts, ONLY_TUNE, 'tune').considered.find(({ strategy }) => strategy === 'tune')
  }
  function stepsOf(facts: Facts) {
    const choice = chooseFor(facts, ONLY_TUNE, 'tune')
    return choice.type === 'chosen' ? choice.steps.map(({ kind, want }) => ({ kind, want })) : []
  }
  function fileText(facts: Facts, path: string) {
    const file = stepsOf(facts).find(
      ({ want }) => typeof want === 'object' && want !== null && 'path' in want && want.path === path,
    )
    return (file?.want as { content?: string } | undefined)?.content
  }
})

test('unload has nothing to do on a host that tracks nothing, and that is no refusal', () => {
  const facts = factsWith({ conntrack: { generation: known('none') } })
  expect(chooseFor(facts, { ...NEEDED, unload: { ...NEEDED.unload, why: 'not loaded' } }, 'unload')).toMatchObject({
    type: 'chosen',
    steps: [],
  })
})

test('notrack deletes the entries only where the host can', () => {
  const kinds = (facts: Facts) => {
    const choice = chooseFor(facts, NEEDED, 'notrack')
    return choice.type === 'chosen' ? choice.steps.map(({ kind }) => kind) : choice
  }
  expect(kinds(HEALTHY)).toEqual(['firewall', 'flush-entries'])
  expect(kinds(factsWith({ conntrack: { tool: known(false) } }))).toEqual(['firewall'])
})

function chooseFor(facts: Facts, cures: Cures, wanted = 'auto'): Choice {
  const analysis = { ...cures, tune: analyseTune(facts) }
  return choose(playbooks, hostView(facts, analysis), healthOf(diagnose(facts)), wanted)
}
