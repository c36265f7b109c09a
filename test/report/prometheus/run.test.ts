import { test as lawTest } from '@fast-check/vitest'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { reviewOf } from '../../../src/report/catalog/review.ts'
import { visible } from '../../../src/report/format.ts'
import { runPrometheus } from '../../../src/report/prometheus/run.ts'
import { prometheusText } from '../../../src/report/prometheus/text.ts'
import { samplesIn } from '../../support/exposition.ts'
import { aPlan, aRun } from '../fleet.ts'
import { HOSTILE } from '../hostile.ts'
import { evilRun, INCIDENT } from '../incident.ts'

test('a run in numbers', () => {
  const samples = samplesIn(runPrometheus(reviewOf(INCIDENT, [])))
  const sampled = (name: string, labels: object = {}) =>
    samples.find((each) => each.name === name && JSON.stringify(each.labels) === JSON.stringify(labels))?.value
  expect(sampled('ctfleet_run_hosts', { command: 'apply', status: 'applied' })).toBe(3)
  expect(sampled('ctfleet_run_hosts', { command: 'apply', status: 'unreachable' })).toBe(0)
  expect(sampled('ctfleet_run_hosts_not_as_wanted', { command: 'apply' })).toBe(5)
  expect(sampled('ctfleet_run_start_timestamp_seconds', { command: 'apply' })).toBe(1_795_686_131)
  expect(sampled('ctfleet_table_entries', { host: 'lb-1', when: 'before' })).toBe(251_658)
  expect(sampled('ctfleet_table_max_entries', { host: 'lb-1', when: 'after' })).toBe(1_572_864)
  expect(sampled('ctfleet_dropped_packets_per_second', { host: 'lb-1', when: 'after' })).toBe(0)
})

test('a run that is not ended has no time of its end', () => {
  expect(runPrometheus(reviewOf(aRun({ endedAt: null }), []))).not.toContain('ctfleet_run_end')
})

test('of a large fleet a thousand hosts have samples, the fullest, and the others are counted', () => {
  const results = Array.from({ length: 1500 }, (_, at) => {
    const finding = {
      rule: 'near-full',
      severity: 'warning',
      title: 't',
      evidence: [],
      table: { entries: at, max: 1500 },
    } as const
    return { host: `h${at}`, status: 'declined', plan: aPlan(`h${at}`, { findings: [finding] }) } as const
  })
  const samples = samplesIn(runPrometheus(reviewOf(aRun({ results }), [])))
  const entries = samples.filter(({ name }) => name === 'ctfleet_table_entries')
  expect(entries).toHaveLength(1000)
  expect(Math.min(...entries.map(({ value }) => value))).toBe(500)
  expect(samples.find(({ name }) => name === 'ctfleet_run_hosts_left_out')?.value).toBe(500)
})

test.each(HOSTILE)(
  'whatever anybody sent (%j), each line is one of the format, and each series stands once',
  (evil) => {
    const samples = samplesIn(runPrometheus(reviewOf(evilRun(evil), [])))
    const series = samples.map(({ name, labels }) => JSON.stringify([name, labels]))
    expect(new Set(series).size).toBe(series.length)
    expect(samples.find(({ name }) => name === 'ctfleet_run_info')?.labels.by).toBe(visible(evil.slice(0, 128)))
  },
)

lawTest.prop([fc.string({ unit: 'binary', maxLength: 100 }), fc.double()])(
  'a label and a value are read back',
  (text, value) => {
    const made = prometheusText([{ name: 'a_b', help: text, type: 'gauge', samples: [{ labels: { l: text }, value }] }])
    expect(samplesIn(made)).toEqual([
      { name: 'a_b', labels: { l: visible(text) }, value: Object.is(value, -0) ? 0 : value },
    ])
  },
)
