import type { Facts, PortShare } from '../model/facts.ts'
import type { Finding, FindingRule } from '../model/finding.ts'
import type { Reading } from '../model/reading.ts'
import { forecast } from './forecast.ts'
import { tableDrops } from './loss.ts'
import { counted, duration, grouped, percent } from './numbers.ts'
import { DEFAULT_THRESHOLDS, type Thresholds } from './thresholds.ts'
import { wilsonInterval } from './wilson.ts'

/** What the facts say about a host, worst first. Total: a reading that is not known becomes a `cannot-tell`, never a guess. */
export function diagnose(facts: Facts, thresholds: Thresholds = DEFAULT_THRESHOLDS): readonly Finding[] {
  const { generation } = facts.conntrack
  if (generation.known && generation.value === 'none') return [notTracking(facts), ...containerOf(facts)]
  const found = RULES.flatMap((rule) => rule(facts, thresholds))
  const rank = (finding: Finding) => ['critical', 'warning', 'info'].indexOf(finding.severity)
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
  const total = dropTotal.known ? [`drop since boot: ${grouped(dropTotal.value)}`] : []
  return [
    finding('dropping-now', 'critical', `dropping: ${counted(lost.value, 'packet', 'packets')}${within}`, [
      `drop grew by ${grouped(drop.value)}${within}`,
      ...(insertFailed.known ? [`insert_failed, which drop counts too, grew by ${grouped(insertFailed.value)}`] : []),
      ...total,
    ]),
  ]
}

function nearFull({ conntrack }: Facts, thresholds: Thresholds): readonly Finding[] {
  const { usage, count, max } = conntrack
  if (!usage.known) return [cannotTell('how full the table is', usage)]
  if (usage.value < thresholds.usage) return []
  const of = count.known && max.known ? ` (${grouped(count.value)} of ${counted(max.value, 'entry', 'entries')})` : ''
  const evidence = [`usage: ${percent(usage.value)}, and ${percent(thresholds.usage)} is too much${of}`]
  return [
    finding(
      'near-full',
      usage.value >= 0.95 ? 'critical' : 'warning',
      `table ${percent(usage.value)} full${of}`,
      evidence,
    ),
  ]
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
  const { chainTooLong } = counters
  if (chainTooLong.known && chainTooLong.value > 0) evidence.push(`chaintoolong grew by ${grouped(chainTooLong.value)}`)
  // Where the sysctl is stale, the module parameter is right.
  const buckets = conntrack.hashSize.known && conntrack.hashSize.value > 0 ? conntrack.hashSize : conntrack.buckets
  const { max } = conntrack
  if (max.known && buckets.known && buckets.value > 0 && max.value / buckets.value > thresholds.entriesPerBucket) {
    const ratio = Math.round((max.value / buckets.value) * 10) / 10
    evidence.push(
      `${counted(max.value, 'entry', 'entries')} in ${counted(buckets.value, 'bucket', 'buckets')}: ${grouped(ratio)} each when full`,
    )
  }
  return evidence.length === 0
    ? []
    : [finding('hash-too-small', 'warning', 'hash table too small: every packet searches long chains', evidence)]
}

function busyPorts({ entries }: Facts, thresholds: Thresholds): readonly Finding[] {
  if (!entries.sample.known) return []
  const { byDestinationPort, read, total } = entries.sample.value
  return byDestinationPort.flatMap((port) => {
    const whole = read >= total
    const { low, high } = whole ? { low: port.share, high: port.share } : wilsonInterval(port.entries, read)
    if (low < thresholds.portShare) return []
    const certainty = whole
      ? 'counted over the whole table'
      : `between ${percent(low)} and ${percent(high)} of the table, from a sample of ${grouped(read)} of ${counted(total, 'entry', 'entries')}`
    const title = `${port.protocol} port ${port.port} holds ${percent(port.share)} of the entries`
    return [
      finding('busy-port', 'info', title, [
        `${counted(port.entries, 'entry', 'entries')}: ${certainty}`,
        ...whereTo(port),
      ]),
    ]
  })
}

function whereTo({ local }: PortShare): readonly string[] {
  return local === null ? [] : [`${percent(local)} of them go to this host itself`]
}

const OVER = new Set(['TIME_WAIT', 'CLOSE_WAIT', 'FIN_WAIT', 'LAST_ACK', 'CLOSE', 'CLOSING'])

function staleEntries({ entries }: Facts, thresholds: Thresholds): readonly Finding[] {
  if (!entries.sample.known) return []
  const stale = entries.sample.value.byState.filter(({ key }) => OVER.has(key))
  const share = stale.reduce((sum, state) => sum + state.share, 0)
  if (share < thresholds.staleShare) return []
  const title = `${percent(share)} of the entries belong to connections that are over`
  return [
    finding(
      'stale-entries',
      'info',
      title,
      stale.map((state) => `${state.key}: ${counted(state.entries, 'entry', 'entries')}, ${percent(state.share)}`),
    ),
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
      finding('container', 'info', `a ${system.container.value} container: max and buckets belong to its node`, [
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
