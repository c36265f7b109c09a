import type { HostStatus } from '../../model/result.ts'
import type { Look, Pressure, RunReview } from '../../model/review.ts'
import { type Family, LONGEST_LABEL, prometheusText } from './text.ts'

/** Hosts that have samples of their own, the fullest tables first; all are counted. */
const MOST_HOSTS = 1000

/** A run in numbers: hosts by how they ended, and the tables of those that were under pressure, before and after. */
export function runPrometheus(review: RunReview): string {
  return prometheusText([...ofRun(review), ...ofHosts(review)])
}

/** Those of no host too, so that a series ends at 0 and does not vanish. */
const STATUSES: Readonly<Record<HostStatus, true>> = {
  'needs-hands': true,
  'under-way': true,
  failed: true,
  unreachable: true,
  refused: true,
  'rolled-back': true,
  blocked: true,
  'no-strategy': true,
  'not-reached': true,
  planned: true,
  skipped: true,
  declined: true,
  'same-machine': true,
  applied: true,
  'already-right': true,
  healthy: true,
}

function ofRun({ run, hosts, counts }: RunReview): readonly Family[] {
  const labels = { command: run.command }
  const seconds = (moment: string) => Date.parse(moment) / 1000
  const bad = hosts.filter(({ outcome }) => outcome === 'failed' || outcome === 'error').length
  const gauge = (name: string, help: string, samples: Family['samples']): Family => ({
    name,
    help,
    type: 'gauge',
    samples,
  })
  return [
    gauge('ctfleet_run_info', 'The run that these numbers are of.', [
      { labels: { ...labels, run: run.id, by: run.by, inventory: run.inventory }, value: 1 },
    ]),
    gauge('ctfleet_run_start_timestamp_seconds', 'When the run began.', [{ labels, value: seconds(run.startedAt) }]),
    gauge(
      'ctfleet_run_end_timestamp_seconds',
      'When the run ended; not there while it has not.',
      run.endedAt === null ? [] : [{ labels, value: seconds(run.endedAt) }],
    ),
    gauge(
      'ctfleet_run_hosts',
      'Hosts of the run by how they ended.',
      Object.keys(STATUSES).map((status) => ({
        labels: { ...labels, status },
        value: counts.find((count) => count.status === status)?.hosts ?? 0,
      })),
    ),
    gauge('ctfleet_run_hosts_not_as_wanted', 'Hosts of the run for which its exit code was not 0.', [
      { labels, value: bad },
    ]),
  ]
}

function ofHosts({ pressure }: RunReview): readonly Family[] {
  const shown = pressure
    // Two names that are alike only once they are cut would be one series with two values.
    .filter(({ host }) => host.length <= LONGEST_LABEL)
    .toSorted((a, b) => usageOf(b.before) - usageOf(a.before))
    .slice(0, MOST_HOSTS)
  const gauge = (name: string, help: string, numberIn: (look: Look) => number | null): Family => ({
    name,
    help,
    type: 'gauge',
    samples: shown.flatMap((each) => samplesOf(each, numberIn)),
  })
  return [
    gauge('ctfleet_table_entries', 'Entries in the table of a host that was under pressure.', ({ table }) =>
      table.known ? table.value.entries : null,
    ),
    gauge('ctfleet_table_max_entries', 'What that table may hold.', ({ table }) =>
      table.known ? table.value.max : null,
    ),
    gauge('ctfleet_dropped_packets_per_second', 'Packets that it dropped for want of room.', ({ drops }) =>
      drops.known ? drops.value : null,
    ),
    {
      name: 'ctfleet_run_hosts_left_out',
      help: `Hosts under pressure without samples of their own: past ${MOST_HOSTS}, or with names of no end.`,
      type: 'gauge',
      samples: [{ labels: {}, value: pressure.length - shown.length }],
    },
  ]
}

/** What is not known has no sample: 0 would be a lie. */
function samplesOf({ host, before, after }: Pressure, numberIn: (look: Look) => number | null): Family['samples'] {
  const looks = [
    { when: 'before', value: numberIn(before) },
    { when: 'after', value: numberIn(after) },
  ]
  return looks.flatMap(({ when, value }) => (value === null ? [] : [{ labels: { host, when }, value }]))
}

function usageOf({ table }: Look): number {
  return table.known && table.value.max > 0 ? table.value.entries / table.value.max : 0
}
