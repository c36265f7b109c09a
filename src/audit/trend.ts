import type { Sample } from '../model/history.ts'
import type { HostTrend, Level, Lost, Split } from '../model/trend.ts'
import { lossBetween } from './loss-between.ts'
import { forecastOf } from './trend-forecast.ts'

export type TrendWindow = {
  /** RFC 3339, UTC: from when on samples were asked for, and until when. */
  readonly since: string
  readonly now: string
  /** Stretches of time that a line has. */
  readonly columns: number
}

/** Those that will be full soonest first. */
export function soonestFirst(trends: readonly HostTrend[]): readonly HostTrend[] {
  return trends.toSorted((a, b) => urgency(a) - urgency(b))
}

/** Smaller is more urgent: full, by the time left, by usage. */
function urgency({ forecast, now }: HostTrend): number {
  if (forecast.type === 'full') return -1
  if (forecast.type === 'fills') return Date.parse(forecast.likely)
  return Number.MAX_SAFE_INTEGER * (1 - 0.001 * ((now && usageOf(now)) ?? 0))
}

/** What the samples of one host of one inventory tell; null where there are none. @param samples oldest first */
export function trendOf(samples: readonly Sample[], { since, now, columns }: TrendWindow): HostTrend | null {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined) return null
  // A time is dear to read, and each is asked for several times.
  const read = samples.map((sample): Read => ({ sample, time: Date.parse(sample.at) }))
  const counted = read.filter(({ sample }) => sample.entries !== null)
  const levels = counted.map(({ sample }) => levelOf(sample))
  const splits = splitsIn(samples)
  const { max, points, after } = lastStretch(read, splits)
  return {
    host: first.host,
    inventory: first.inventory,
    from: first.at,
    to: last.at,
    readings: samples.length,
    now: levels.at(-1) ?? null,
    peak: levels.reduce<Level | null>((peak, level) => (fuller(level, peak) ? level : peak), null),
    line: lineOf(counted, Date.parse(since), Date.parse(now), columns),
    lost: lostIn(read),
    splits,
    forecast:
      max === null
        ? { type: 'none', why: 'max is not known', need: 'a reading of max' }
        : forecastOf({ points, max, after }, Date.parse(now)),
  }
}

/** `time`: milliseconds since 1970. */
type Read = { readonly sample: Sample; readonly time: number }

function levelOf({ at, entries, max }: Sample): Level {
  return { at, entries: entries ?? 0, max }
}

/** By usage where both are known: the fullest table is not the one of most entries where max was changed. */
function fuller(level: Level, than: Level | null): boolean {
  if (than === null) return true
  const [a, b] = [usageOf(level), usageOf(than)]
  return a !== null && b !== null ? a >= b : level.entries >= than.entries
}

function usageOf({ entries, max }: Level): number | null {
  return max === null || max === 0 ? null : entries / max
}

/** Where the host was restarted, or its max changed. What was not known in between splits nothing. */
function splitsIn(samples: readonly Sample[]): readonly Split[] {
  const splits: Split[] = []
  let boot: string | null = null
  let max: number | null = null
  for (const sample of samples) {
    const { at } = sample
    if (boot !== null && sample.boot !== null && sample.boot !== boot) {
      splits.push({ at, why: 'restarted', from: null, to: null })
    }
    if (max !== null && sample.max !== null && sample.max !== max) {
      splits.push({ at, why: 'max', from: max, to: sample.max })
    }
    boot = sample.boot ?? boot
    max = sample.max ?? max
  }
  return splits
}

function lastStretch(read: readonly Read[], splits: readonly Split[]) {
  const split = splits.at(-1)
  const from = split?.at ?? ''
  const points = read.flatMap(({ sample: { at, entries }, time }) =>
    entries === null || at < from ? [] : [{ at: time, value: entries }],
  )
  const max = read.findLast(({ sample }) => sample.max !== null)?.sample.max ?? null
  const after = split === undefined ? null : AFTER[split.why]
  return { points, max, after }
}

const AFTER: Readonly<Record<Split['why'], string>> = { restarted: 'its restart', max: 'max was changed' }

function lineOf(read: readonly Read[], from: number, to: number, columns: number): readonly (number | null)[] {
  const line: (number | null)[] = Array.from({ length: columns }, () => null)
  for (const { sample, time } of read) {
    const column = Math.min(columns - 1, Math.floor(((time - from) / (to - from)) * columns))
    const usage = usageOf(levelOf(sample))
    if (usage === null || column < 0) continue
    line[column] = Math.max(line[column] ?? 0, usage)
  }
  return line
}

function lostIn(read: readonly Read[]): Lost {
  const lost = { packets: 0, seconds: 0, uncovered: 0 }
  let before: Read | undefined
  for (const now of read) {
    if (before !== undefined) {
      const seconds = (now.time - before.time) / 1000
      const loss = lossBetween(before.sample, now.sample)
      if (loss.known) {
        lost.packets += loss.value
        lost.seconds += seconds
      } else {
        lost.uncovered += seconds
      }
    }
    before = now
  }
  return lost
}
