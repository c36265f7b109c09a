import { describe, expect, test } from 'vitest'
import type { Facts } from '../../src/model/facts.ts'
import type { IndicativePlan } from '../../src/model/indicative.ts'
import { known, type Reading, unknown } from '../../src/model/reading.ts'
import { readPlanDocument } from '../../src/plan/document.ts'
import { indicativePlan } from '../../src/plan/indicative.ts'
import { indicativeJson } from '../../src/report/json/indicative.ts'
import { STEP_KINDS } from '../../src/steps/catalog.ts'
import { factsWith } from '../diagnosis/sample-facts.ts'

const JUDGED = { strategy: 'mine', considered: [], findings: [], notes: [] }
const HOST = factsWith({ conntrack: { max: known(262_144), timeouts: known({ tcp_timeout_time_wait: 120 }) } })

describe('what facts tell is shown as a plan on the host would show it', () => {
  const cases: readonly (readonly [kind: string, want: object, before: readonly string[], after: readonly string[]])[] =
    [
      [
        'sysctl',
        { key: 'net.netfilter.nf_conntrack_max', value: 500_000 },
        ['net.netfilter.nf_conntrack_max = 262144'],
        ['net.netfilter.nf_conntrack_max = 500000'],
      ],
      [
        'sysctl',
        { key: 'net.netfilter.nf_conntrack_tcp_timeout_time_wait', value: 30 },
        ['net.netfilter.nf_conntrack_tcp_timeout_time_wait = 120'],
        ['net.netfilter.nf_conntrack_tcp_timeout_time_wait = 30'],
      ],
      // Rounded up to a page of pointers, as the kernel does.
      ['hash-size', { buckets: 70_000 }, ['buckets = 65536'], ['buckets = 70144']],
      ['flush-entries', { all: true }, ['some in the table'], ['none in the table']],
      [
        'kernel-modules',
        { unload: ['xt_conntrack', 'nf_conntrack'] },
        [
          'module nf_conntrack',
          'hashsize = 65536',
          'net.netfilter.nf_conntrack_max = 262144',
          'net.netfilter.nf_conntrack_tcp_loose = 1',
          'net.netfilter.nf_conntrack_tcp_timeout_time_wait = 120',
        ],
        ['none of them loaded'],
      ],
      [
        'firewall',
        { edits: [edit('add', 'a'), edit('remove', 'r')] },
        ['-t filter -A INPUT -m r -j ACCEPT'],
        ['-t filter -A INPUT -m a -j ACCEPT'],
      ],
    ]
  test.each(cases)('%s %j', (kind, want, before, after) => {
    const [change] = planOf([[kind, want]]).changes
    expect(change).toMatchObject({ kind, before: known(before), after: known(after) })
  })
})

test('buckets are those of the sysctl where the module parameter tells none', () => {
  const facts = factsWith({ conntrack: { hashSize: known(0), buckets: known(16_384) } })
  const [change] = planOf([['hash-size', { buckets: 65_536 }]], facts).changes
  expect(change?.before).toEqual(known(['buckets = 16384']))
})

describe('what facts do not tell is said, not guessed', () => {
  test('a file: what will be in it, not what is', () => {
    const want = { path: '/etc/sysctl.d/90-ctfleet-conntrack.conf', content: 'net.netfilter.nf_conntrack_max = 5\n' }
    const [change] = planOf([['file', want]]).changes
    expect(change?.before).toEqual(unknown('what is in the file now is not among the facts'))
    expect(change?.after).toEqual(known(['net.netfilter.nf_conntrack_max = 5']))
  })

  test("a variable in somebody else's file: neither", () => {
    const [change] = planOf([['file', { path: '/etc/sysconfig/iptables-config', comment_out: 'A' }]]).changes
    expect([change?.before.known, change?.after.known]).toEqual([false, false])
  })

  test('a setting of another subject', () => {
    const [change] = planOf([['sysctl', { key: 'net.core.somaxconn', value: 4096 }]]).changes
    expect(change?.before).toEqual(unknown('net.core.somaxconn is not among the facts'))
    expect(change?.after).toEqual(known(['net.core.somaxconn = 4096']))
  })

  test('a max that could not be read', () => {
    const facts = factsWith({ conntrack: { max: unknown('it hides') } })
    const [change] = planOf([['sysctl', { key: 'net.netfilter.nf_conntrack_max', value: 5 }]], facts).changes
    expect(change?.before).toEqual(unknown('it hides'))
  })
})

test('what is at its goal is kept, and a flush with nothing to do waits for something that moves', () => {
  const right = ['sysctl', { key: 'net.netfilter.nf_conntrack_max', value: 262_144 }] as const
  const flush = ['flush-entries', { all: true }] as const
  const empty = factsWith({ conntrack: { max: known(262_144), count: known(0) } })
  expect(planOf([right, flush], empty)).toMatchObject({ changes: [], kept: [expect.any(String), expect.any(String)] })
  const moves = ['sysctl', { key: 'net.netfilter.nf_conntrack_max', value: 300_000 }] as const
  expect(planOf([moves, flush], empty).changes.map(({ kind }) => kind)).toEqual(['sysctl', 'flush-entries'])
})

test('a table that cannot be resized from there blocks, as it would on the host', () => {
  const facts = factsWith({ conntrack: { bucketsWritable: known(false) } })
  const plan = foretold([['hash-size', { buckets: 131_072 }]], facts)
  expect(plan).toMatchObject({ known: false, why: expect.stringMatching(/hash table to 131072 buckets: neither/) })
})

test('an indicative plan is no plan: there is no script in it, and nothing that reads plans takes it', () => {
  const plan = planOf([['sysctl', { key: 'net.netfilter.nf_conntrack_max', value: 500_000 }]])
  const source = { facts: 'facts.json', takenAt: null, tool: null }
  const text = JSON.stringify(indicativeJson([{ host: 'a', status: 'indicative', plan }], source))
  expect(text).not.toMatch(/"(?:script|apply|undo|boundTo|id)"/)
  expect(readPlanDocument(text)).toHaveProperty('problem')
  expect(JSON.parse(text)).toMatchObject({ appliable: false, hosts: [{ appliable: false, status: 'indicative' }] })
})

type Wanted = readonly (readonly [kind: string, want: object])[]

function foretold(wanted: Wanted, facts: Facts): Reading<IndicativePlan> {
  const steps = wanted.flatMap(([kind, want]) => STEP_KINDS.find((each) => each.kind === kind)?.bind(want) ?? [])
  return indicativePlan(JUDGED, steps, facts)
}

function planOf(wanted: Wanted, facts = HOST): IndicativePlan {
  const plan = foretold(wanted, facts)
  if (!plan.known) throw new Error(plan.why)
  return plan.value
}

function edit(action: 'add' | 'remove', key: string) {
  const place = { backend: 'nft', family: 'ip', table: 'filter', chain: 'INPUT', after: null, before: null }
  return { ...place, action, key, spec: `-m ${key} -j ACCEPT` }
}
