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

/** What these samples tell, host by host, those that will be full soonest first. @param samples oldest first */
export function trendsOf(samples: readonly Sample[], window: TrendWindow): readonly HostTrend[] {
  const series = new Map<string, Sample[]>()
  for (const sample of samples) {
    const key = JSON.stringify([sample.host, sample.inventory])
    const all = series.get(key)
    if (all === undefined) series.set(key, [sample])
    else all.push(sample)
  }
  return [...series.values()].flatMap((all) => trendOf(all, window)).toSorted((a, b) => urgency(a) - urgency(b))
}

/** Smaller is more urgent: full, by the time left, by usage. */
function urgency({ forecast, now }: HostTrend): number {
  if (forecast.type === 'full') return -1
  if (forecast.type === 'fills') return Date.parse(forecast.likely)
  return Number.MAX_SAFE_INTEGER * (1 - 0.001 * ((now && usageOf(now)) ?? 0))
}

function trendOf(samples: readonly Sample[], { since, now, columns }: TrendWindow): readonly HostTrend[] {
  const [first] = samples
  const last = samples.at(-1)
  if (first === undefined || last === undefined) return []
  const levels = samples.flatMap(({ at, entries, max }): readonly Level[] =>
    entries === null ? [] : [{ at, entries, max }],
  )
  const splits = splitsIn(samples)
  const { max, points, after } = lastStretch(samples, splits)
  return [
    {
      host: first.host,
      inventory: first.inventory,
      from: first.at,
      to: last.at,
      readings: samples.length,
      now: levels.at(-1) ?? null,
      peak: levels.reduce<Level | null>((peak, level) => (fuller(level, peak) ? level : peak), null),
      line: lineOf(levels, Date.parse(since), Date.parse(now), columns),
      lost: lostIn(samples),
      splits,
      forecast:
        max === null
          ? { type: 'none', why: 'max is not known', need: 'a reading of max' }
          : forecastOf({ points, max, after }, Date.parse(now)),
    },
  ]
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

function lastStretch(samples: readonly Sample[], splits: readonly Split[]) {
  const split = splits.at(-1)
  const from = split?.at ?? ''
  const points = samples.flatMap(({ at, entries }) =>
    entries === null || at < from ? [] : [{ at: Date.parse(at), value: entries }],
  )
  const max = samples.findLast((sample) => sample.max !== null)?.max ?? null
  const after = split === undefined ? null : AFTER[split.why]
  return { points, max, after }
}

const AFTER: Readonly<Record<Split['why'], string>> = { restarted: 'its restart', max: 'max was changed' }

function lineOf(levels: readonly Level[], from: number, to: number, columns: number): readonly (number | null)[] {
  const line: (number | null)[] = Array.from({ length: columns }, () => null)
  for (const level of levels) {
    const column = Math.min(columns - 1, Math.floor(((Date.parse(level.at) - from) / (to - from)) * columns))
    const usage = usageOf(level)
    if (usage === null || column < 0) continue
    line[column] = Math.max(line[column] ?? 0, usage)
  }
  return line
}

function lostIn(samples: readonly Sample[]): Lost {
  const lost = { packets: 0, seconds: 0, uncovered: 0 }
  for (const [at, sample] of samples.slice(1).entries()) {
    const before = samples[at]
    if (before === undefined) continue
    const seconds = (Date.parse(sample.at) - Date.parse(before.at)) / 1000
    const loss = lossBetween(before, sample)
    if (loss.known) {
      lost.packets += loss.value
      lost.seconds += seconds
    } else {
      lost.uncovered += seconds
    }
  }
  return lost
}
