import { describe, expect, test } from 'vitest'
import { exitCodeOf } from '../../../src/cli/exit-code.ts'
import type { HostResult } from '../../../src/model/result.ts'
import { reviewOf } from '../../../src/report/catalog/review.ts'
import { aChange, aFault, aPlan, aRun, ENDED_FLEET, PLANNED_FLEET } from '../fleet.ts'
import { INCIDENT } from '../incident.ts'
import { summaryOf } from '../run-summary.ts'

const review = reviewOf(INCIDENT, [])

test('a host failed exactly where the exit code says that it is not as wanted', () => {
  const well: readonly HostResult[] = [
    { host: 'a', status: 'rolled-back', plan: null, transaction: '1', fault: null },
    { host: 'b', status: 'under-way', plan: null, transaction: '1' },
    { host: 'c', status: 'failed', fault: aFault({ code: 'bug' }) },
    { host: 'd', status: 'applied', plan: aPlan('d'), transaction: '1', fault: aFault() },
    { host: 'e', status: 'rolled-back', plan: null, transaction: '1', fault: aFault({ code: 'bug' }) },
    { host: 'f', status: 'same-machine', why: 'it is a' },
    { host: 'g', status: 'no-strategy', why: 'none', findings: [], considered: [] },
  ]
  for (const result of [...ENDED_FLEET, ...PLANNED_FLEET, ...well]) {
    const [told] = reviewOf(aRun({ results: [result] }), []).hosts
    const isBad = told?.outcome === 'failed' || told?.outcome === 'error'
    expect([result.status, isBad]).toEqual([result.status, exitCodeOf([result]) !== 0])
  }
})

test('the headline counts what was wanted, and names what was not', () => {
  expect(review.headline).toBe(
    '3 of 11 hosts changed; not as wanted: 1 needs-hands, 1 refused, 1 rolled-back, 1 not-reached, 1 skipped',
  )
  const open = reviewOf(aRun({ command: 'rollback', endedAt: null, results: [] }), [])
  expect(open.headline).toBe('0 of 0 hosts as before; the run is not ended')
})

test('hosts with the same change are one work, and each keeps its plan and transaction', () => {
  expect(review.works).toHaveLength(1)
  const [work] = review.works
  expect(work?.ended).toBe('1 needs-hands, 1 refused, 1 rolled-back, 2 skipped, 1 declined, 3 applied')
  expect(work?.hosts.slice(0, 2).map(({ host, status, transaction }) => [host, status, transaction])).toEqual([
    ['web-6', 'needs-hands', '77ffee0011'],
    ['web-7', 'refused', null],
  ])
  // What is so of some alone names them.
  expect(work?.notes).toEqual([expect.stringMatching(/^web-9: tcp_loose is 0/)])
  expect(work?.changes[0]?.diff).toEqual([
    { sign: '-', text: 'net.netfilter.nf_conntrack_max = 262144' },
    { sign: '+', text: 'net.netfilter.nf_conntrack_max = 1572864' },
  ])
})

test('what differs in one word that a person would read is another work, also where the words run on in the same order', () => {
  const worksOf = (...changes: readonly Parameters<typeof aChange>[0][]) => {
    const results = changes.map((change, index): HostResult => {
      const host = `web-${index}`
      return { host, status: 'planned', plan: { ...aPlan(host), changes: [aChange(change)] } }
    })
    return reviewOf(aRun({ results }), []).works.length
  }
  const change = { title: 't', phase: 'runtime', shown: { before: ['a', 'b'], after: ['c'] }, notes: ['n'] } as const
  expect(worksOf(change, { ...change, probe: 'other', want: 'other' })).toBe(1)
  for (const other of [
    { title: 't2' },
    { phase: 'persist' },
    { shown: { before: ['a'], after: ['b', 'c'] } },
    { shown: { before: ['ab'], after: ['c'] } },
    { shown: { before: ['a 1 b'], after: ['c'] } },
    { shown: { before: ['a', 'b'], after: [] }, notes: ['c', 'n'] },
    { notes: [] },
  ] as const)
    expect(worksOf(change, { ...change, ...other })).toBe(2)
})

test('what is left to do names every host that is not as wanted, and no other', () => {
  expect(review.troubles.flatMap(({ hosts }) => hosts)).toEqual(['web-6', 'web-7', 'web-5', 'web-8', 'web-9'])
  expect(review.troubles[0]).toMatchObject({ status: 'needs-hands', next: expect.stringContaining('journal') })
})

describe('pressure', () => {
  test('is told in numbers before, and as the checks after the change saw it', () => {
    expect(review.pressure.find(({ host }) => host === 'lb-1')).toEqual({
      host: 'lb-1',
      before: { table: { known: true, value: { entries: 251_658, max: 262_144 } }, drops: { known: true, value: 620 } },
      after: { table: { known: true, value: { entries: 251_700, max: 1_572_864 } }, drops: { known: true, value: 0 } },
    })
  })

  test('where nobody looked after the change it says so, and makes up no number', () => {
    const results = INCIDENT.results.slice(-1).map(({ host }) => {
      const plan = INCIDENT.results.flatMap((each) => (each.host === host && 'plan' in each ? (each.plan ?? []) : []))
      return { host, status: 'declined', plan: plan[0] ?? aPlan(host) } as const
    })
    const [pressure] = reviewOf(aRun({ results }), []).pressure
    expect(pressure?.after.table).toEqual({ known: false, why: 'nobody looked after the change' })
  })
})

test('each yes is told with who, when and how; each no with who', () => {
  expect(review.approvals).toContainEqual({
    answer: 'yes',
    by: 'bob@bastion',
    at: '2026-11-26T09:42:11.000Z',
    hosts: ['web-1'],
    remark: 'by --approve-file: go.txt:3 CHG-7',
  })
  expect(review.approvals).toContainEqual(expect.objectContaining({ answer: 'declined', hosts: ['web-2'], at: null }))
  expect(review.approvals).toContainEqual(
    expect.objectContaining({ answer: 'yes', at: null, remark: 'the record does not say when, nor how' }),
  )
})

test('a record of before approvals were kept says so of every host that was changed', () => {
  const { approvals } = reviewOf(aRun({ results: INCIDENT.results.slice(-1) }), [])
  expect(approvals).toMatchObject([{ answer: 'yes', by: 'alice@bastion', at: null, hosts: ['lb-2'] }])
})

test('what became of the run later is told', () => {
  const later = summaryOf(aRun({ id: '20261126-1003-02b1', command: 'rollback', results: ENDED_FLEET.slice(0, 1) }))
  expect(reviewOf(INCIDENT, [later]).later).toEqual([
    {
      id: '20261126-1003-02b1',
      command: 'rollback',
      by: 'alice@bastion',
      startedAt: '2026-11-26T09:42:11.000Z',
      ended: '1 applied',
    },
  ])
})

test('a text without end is cut, and a line of a diff far later', () => {
  const long = 'x'.repeat(1_000_000)
  const change = aChange({ title: long, shown: { before: [], after: [long] } })
  const plan = aPlan('a', { notes: [long], changes: [change] })
  const [work] = reviewOf(aRun({ results: [{ host: 'a', status: 'declined', plan }] }), []).works
  expect(work?.notes[0]).toMatch(/^x{4000}… \(1000000 characters\)$/)
  expect(work?.changes[0]?.title).toHaveLength(4000 + '… (1000000 characters)'.length)
  expect(work?.changes[0]?.diff[0]?.text).toMatch(/^x{100000}… \(1000000 characters\)$/)
})
