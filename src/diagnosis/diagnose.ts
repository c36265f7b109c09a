import { bucketsOf } from '../model/buckets.ts'
import type { Facts, PortShare } from '../model/facts.ts'
import { type Finding, type FindingRule, SEVERITIES } from '../model/finding.ts'
import type { Reading } from '../model/reading.ts'
import { forecast } from './forecast.ts'
import { tableDrops } from './loss.ts'
import { counted, duration, grouped, percent, percentBelow, percentBetween } from './numbers.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from './thresholds.ts'
import { wilsonInterval } from './wilson.ts'

/** The share of its max from which on a table is about to drop packets. */
export const CRITICAL_USAGE = 0.95

/** What the facts say about a host, worst first. Total: a reading that is not known becomes a `cannot-tell`, never a guess. */
export function diagnose(facts: Facts, thresholds: Thresholds = DEFAULT_THRESHOLDS): readonly Finding[] {
  const { generation } = facts.conntrack
  if (generation.known && generation.value === 'none') return [notTracking(facts), ...containerOf(facts)]
  const found = RULES.flatMap((rule) => rule(facts, thresholds))
  const rank = (finding: Finding) => SEVERITIES.indexOf(finding.severity)
  return found.toSorted((a, b) => rank(a) - rank(b))
}

type Rule = (facts: Facts, thresholds: Thresholds) => readonly Finding[]

const RULES: readonly Rule[] = [
  unknownGeneration,
  droppingNow,
  nearFull,
  droppedLately,
  evicting,
  hashTooSmall,
  busyPorts,
  staleEntries,
  forecast,
  trackingUnused,
  containerOf,
]

function notTracking({ conntrack }: Facts): Finding {
  const form = conntrack.form.known ? [`form: ${conntrack.form.value}`] : []
  return finding('not-tracking', 'info', 'connection tracking is not loaded, so no table can fill', form)
}

function unknownGeneration({ conntrack }: Facts): readonly Finding[] {
  return conntrack.generation.known ? [] : [cannotTell('whether this host tracks connections', conntrack.generation)]
}

function droppingNow({ counters }: Facts): readonly Finding[] {
  const { drop, insertFailed, seconds, dropTotal } = counters
  const lost = tableDrops(counters)
  if (!drop.known || !lost.known) return [cannotTell('whether packets are dropped now', lost)]
  if (lost.value <= 0) return []
  const within = seconds.known ? ` within ${duration(seconds.value)}` : ' between the two readings'
  const measured = seconds.known ? { lost: { packets: lost.value, seconds: seconds.value } } : {}
  const total = dropTotal.known ? [`drop since boot: ${grouped(dropTotal.value)}`] : []
  return [
    {
      ...finding('dropping-now', 'critical', `dropping: ${counted(lost.value, 'packet', 'packets')}${within}`, [
        `drop grew by ${grouped(drop.value)}${within}`,
        ...(insertFailed.known && insertFailed.value > 0
          ? [`insert_failed, which drop counts too, grew by ${grouped(insertFailed.value)}`]
          : []),
        ...total,
      ]),
      ...measured,
    },
  ]
}

function nearFull({ conntrack }: Facts, thresholds: Thresholds): readonly Finding[] {
  const { usage, count, max } = conntrack
  if (!usage.known) return [cannotTell('how full the table is', usage)]
  if (usage.value < thresholds.usage) return []
  const of = count.known && max.known ? ` (${grouped(count.value)} of ${counted(max.value, 'entry', 'entries')})` : ''
  const few = count.known && count.value < thresholds.fewestEntries
  const full = percentBelow(usage.value, CRITICAL_USAGE)
  const evidence = few
    ? `no alarm: below ${counted(thresholds.fewestEntries, 'entry', 'entries')} only packets that are dropped count as trouble`
    : `usage: ${full}, and ${percent(thresholds.usage)} is too much${of}`
  const severity = few ? 'info' : usage.value >= CRITICAL_USAGE ? 'critical' : 'warning'
  const seen = count.known && max.known ? { table: { entries: count.value, max: max.value } } : {}
  return [{ ...finding('near-full', severity, `table ${full} full${of}`, [evidence]), ...seen }]
}

function droppedLately({ kernelLog, history }: Facts, thresholds: Thresholds): readonly Finding[] {
  const { tableFull } = kernelLog
  if (!tableFull.known) return [cannotTell('whether the table was full lately', tableFull)]
  const { lines, newestAgeSeconds: age } = tableFull.value
  if (lines === 0) return []
  const evidence = [`${counted(lines, 'line says', 'lines say')} "table full" in the kernel log`]
  if (age === null)
    return [
      finding(
        'cannot-tell',
        'warning',
        'cannot tell when the table was full: the kernel log says that it was, without a readable time',
        evidence,
      ),
    ]
  if (age > thresholds.logAgeSeconds) return []
  // What was logged before the last change is what that change was made for.
  const { lastChangeAgeSeconds: change } = history
  if (change.known && change.value !== null && age >= change.value) return []
  return [finding('dropped-lately', 'warning', `table was full ${duration(age)} ago`, evidence)]
}

function evicting({ counters }: Facts): readonly Finding[] {
  const { earlyDrop, seconds } = counters
  if (!earlyDrop.known || earlyDrop.value <= 0) return []
  const within = seconds.known ? ` within ${duration(seconds.value)}` : ''
  return [
    finding('evicting', 'warning', `evicting live entries to make room: ${grouped(earlyDrop.value)}${within}`, [
      `early_drop grew by ${grouped(earlyDrop.value)}${within}`,
    ]),
  ]
}

function hashTooSmall({ conntrack, counters }: Facts, thresholds: Thresholds): readonly Finding[] {
  const evidence: string[] = []
  const { chainTooLong, seconds } = counters
  const refusing = chainTooLong.known && chainTooLong.value > 0
  const within = seconds.known ? ` within ${duration(seconds.value)}` : ''
  if (refusing) evidence.push(`chaintoolong grew by ${grouped(chainTooLong.value)}${within}`)
  const buckets = bucketsOf(conntrack)
  const { max } = conntrack
  if (max.known && buckets.known && buckets.value > 0 && max.value / buckets.value > thresholds.entriesPerBucket) {
    const ratio = Math.round((max.value / buckets.value) * 10) / 10
    evidence.push(
      `${counted(max.value, 'entry', 'entries')} in ${counted(buckets.value, 'bucket', 'buckets')}: ${grouped(ratio)} each when full`,
    )
  }
  const title = refusing
    ? 'hash chains too long: new entries are refused'
    : 'hash table small for its max: when full, every packet searches long chains'
  return evidence.length === 0 ? [] : [finding('hash-too-small', 'warning', title, evidence)]
}

function busyPorts({ entries }: Facts, thresholds: Thresholds): readonly Finding[] {
  if (!entries.sample.known) return []
  const { byDestinationPort, read, total } = entries.sample.value
  if (total < thresholds.fewestEntries) return []
  return byDestinationPort.flatMap((port) => {
    const { low, certainty } = certaintyOf(port.entries, { read, total })
    if (low < thresholds.portShare) return []
    const title = `${port.protocol} port ${port.port} holds ${percent(port.share)} of the entries`
    const alike = inOneState(port, { read, total }, thresholds)
    const evidence = [`${counted(port.entries, 'entry', 'entries')}: ${certainty}`, ...whereTo(port)]
    return [
      alike === null
        ? finding('busy-port', 'info', title, evidence)
        : finding('busy-port', 'info', alike, [title, ...evidence]),
    ]
  })
}

/** What most of its entries are doing: `81 % of the entries are TIME_WAIT to tcp port 443`; null where no state alone is many. */
function inOneState(
  { protocol, port, states = [] }: PortShare,
  sample: { readonly read: number; readonly total: number },
  thresholds: Thresholds,
): string | null {
  const [most] = states
  if (most === undefined || certaintyOf(most.entries, sample).low < thresholds.portShare) return null
  return `${percent(most.share)} of the entries are ${most.key} to ${protocol} port ${port}`
}

/** The least share of the whole table that entries of a sample stand for, 0 to 1, and from what that is known. */
function certaintyOf(part: number, { read, total }: { readonly read: number; readonly total: number }) {
  if (read >= total) return { low: part / Math.max(read, 1), certainty: 'counted over the whole table' }
  const { low, high } = wilsonInterval(part, read)
  const sample = `a sample of ${grouped(read)} of ${counted(total, 'entry', 'entries')}`
  return { low, certainty: `${percentBetween(low, high)} of the table, from ${sample}` }
}

function whereTo({ local }: PortShare): readonly string[] {
  return local === null ? [] : [`${percent(local)} of them go to this host itself`]
}

const OVER = new Set(['TIME_WAIT', 'CLOSE_WAIT', 'FIN_WAIT', 'LAST_ACK', 'CLOSE', 'CLOSING'])

function staleEntries({ entries }: Facts, thresholds: Thresholds): readonly Finding[] {
  if (!entries.sample.known) return []
  const { byState, read, total } = entries.sample.value
  const stale = byState.filter(({ key }) => OVER.has(key))
  const { low, certainty } = certaintyOf(
    stale.reduce((sum, state) => sum + state.entries, 0),
    { read, total },
  )
  if (total < thresholds.fewestEntries || low < thresholds.staleShare) return []
  const share = stale.reduce((sum, state) => sum + state.share, 0)
  return [
    finding('stale-entries', 'info', `${percent(share)} of the entries belong to connections that are over`, [
      ...stale.map((state) => `${state.key}: ${counted(state.entries, 'entry', 'entries')}, ${percent(state.share)}`),
      certainty,
    ]),
  ]
}

function trackingUnused({ conntrack, modules }: Facts): readonly Finding[] {
  if (!conntrack.count.known || conntrack.count.value > 0 || !modules.loaded.known) return []
  const tracker = modules.loaded.value.find(({ name }) => name === 'nf_conntrack' || name === 'ip_conntrack')
  if (tracker === undefined || tracker.holders.length > 0 || (tracker.references ?? 0) > 0) return []
  return [
    finding('tracking-unused', 'info', 'connection tracking is loaded and nothing uses it', [
      `${tracker.name}: no holders, 0 entries`,
    ]),
  ]
}

function containerOf({ system, conntrack }: Facts): readonly Finding[] {
  if (system.container.known && system.container.value !== null)
    return [
      finding('container', 'info', `in a container (${system.container.value}): max and buckets belong to its node`, [
        `container: ${system.container.value}`,
      ]),
    ]
  if (conntrack.maxWritable.known && !conntrack.maxWritable.value)
    return [
      finding('container', 'info', 'not in the first network namespace: max and buckets belong to the node', [
        'max is not writable here',
      ]),
    ]
  return []
}

function cannotTell(what: string, reading: Reading<unknown>): Finding {
  const why = reading.known ? '' : reading.why
  return finding('cannot-tell', 'warning', `cannot tell ${what}: ${why}`, [why])
}

function finding(
  rule: FindingRule,
  severity: Finding['severity'],
  title: string,
  evidence: readonly string[],
): Finding {
  return { rule, severity, title, evidence }
}
