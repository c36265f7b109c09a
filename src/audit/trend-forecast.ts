import { counted, duration } from '../diagnosis/numbers.ts'
import type { Basis, Forecast } from '../model/trend.ts'
import { median, type Point, quantile, residuals, type Slope, slopeOf } from './trend-slope.ts'

/** Readings of one table between two splits: milliseconds since 1970 and entries, oldest first. */
export type Stretch = {
  readonly points: readonly Point[]
  readonly max: number
  /** What it begins with, in words: `max was changed`; null for the beginning of the record. */
  readonly after: string | null
}

const HOUR = 3_600_000
const DAY = 24 * HOUR
/** 90 %, both sides. */
const Z = 1.645

/** Of fewer days no slope of peaks stands out against chance. */
const FEWEST_DAYS = 5
const FEWEST_POINTS = 5
const FEWEST_READINGS = 12
/** As far ahead as twice the time that was looked back over, or half of it where the time of day is in it. */
const AHEAD = { days: 2, readings: 0.5 } as const
/** Over more hours the rise of a daily wave would be taken for growth. */
const FEW_HOURS = 6 * HOUR

/**
 * When the table will be full. From the peaks of whole days, counted backwards from the last reading, where there are enough of
 * them: a daily wave is the same in each. Otherwise from the readings of the last hours, and then not far ahead.
 * @param now milliseconds since 1970
 */
export function forecastOf({ points: all, max, after }: Stretch, now: number): Forecast {
  const last = all.at(-1)
  const first = all[0]
  if (first === undefined || last === undefined) return tooLittle('nothing was read yet', after)
  if (last.value >= max) return { type: 'full' }
  const peaks = dailyPeaks(all)
  const isDaily = peaks.length >= FEWEST_DAYS
  const points = isDaily ? all : all.filter(({ at }) => at >= last.at - FEW_HOURS)
  const span = last.at - (points[0]?.at ?? last.at)
  if (!isDaily && (points.length < FEWEST_READINGS || span < HOUR)) {
    const few = `${counted(all.length, 'reading', 'readings')} over ${duration((last.at - first.at) / 1000)}`
    const late = `, ${points.length} of them in the last ${duration(FEW_HOURS / 1000)}`
    return tooLittle(points.length < all.length ? few + late : few, after)
  }
  const patience = isDaily ? 2 * DAY : span / 2
  if (now - last.at > patience) {
    return {
      type: 'none',
      why: `the last reading is ${duration((now - last.at) / 1000)} old`,
      need: 'a reading of today',
    }
  }
  if (isDaily && (peaks.at(-1)?.value ?? 0) >= max) return { type: 'full' }
  const paced = isDaily ? recentPace(peaks) : recentPace(inBins(points))
  if ('changed' in paced) {
    const since = new Date(paced.changed).toISOString().slice(0, 16).replace('T', ' ')
    return tooLittle(`its level changed at ${since} UTC, and there is too little since`, null)
  }
  return looking({ ...paced, of: isDaily ? 'days' : 'readings' }, max, Math.max(now, last.at))
}

function tooLittle(have: string, after: string | null): Forecast {
  return {
    type: 'none',
    why: `${have}${after === null ? '' : ` since ${after}`}`,
    need: `${FEWEST_DAYS} whole days, or ${FEWEST_READINGS} readings within ${duration(FEW_HOURS / 1000)} that span an hour`,
  }
}

/** The last of 24 hours ends with the last reading; a first one that was not looked at from its beginning is left out. */
function dailyPeaks(points: readonly Point[]): readonly Point[] {
  const [first] = points
  const end = points.at(-1)?.at ?? 0
  const peaks = new Map<number, Point>()
  for (const point of points) {
    const day = Math.floor((end - point.at) / DAY)
    const peak = peaks.get(day)
    if (peak === undefined || point.value >= peak.value) peaks.set(day, point)
  }
  const whole = first === undefined ? 0 : Math.floor((end - first.at) / DAY + 0.05)
  return [...peaks]
    .filter(([day]) => day < whole)
    .map(([day, { value }]) => ({ at: end - day * DAY, value }))
    .toSorted((a, b) => a.at - b.at)
}

const BINS = 24

/** What follows close on each other tells nothing new: the median of each of so many stretches. */
function inBins(points: readonly Point[]): readonly Point[] {
  const from = points[0]?.at ?? 0
  const span = (points.at(-1)?.at ?? 0) - from
  const bins = new Map<number, Point[]>()
  for (const point of points) {
    const bin = Math.min(BINS - 1, Math.floor(((point.at - from) / span) * BINS))
    bins.set(bin, [...(bins.get(bin) ?? []), point])
  }
  return [...bins.values()].map((all) => ({
    at: median(all.map(({ at }) => at).toSorted((a, b) => a - b)),
    value: median(all.map(({ value }) => value).toSorted((a, b) => a - b)),
  }))
}

type Paced = { readonly points: readonly Point[]; readonly slope: Slope }

/** Of what is all of one piece, from its end: what was before a step, or went another way, is history. @returns since when, where too little is left. */
function recentPace(points: readonly Point[]): Paced | { readonly changed: number } {
  const [first] = points
  if (first === undefined || points.length < FEWEST_POINTS) return { changed: first?.at ?? 0 }
  const slope = slopeOf(points, Z)
  const step = stepIn(points, slope.slope)
  if (step !== null) return recentPace(points.slice(step))
  const later = points.slice(Math.floor(points.length / 2))
  if (later.length < FEWEST_POINTS) return { points, slope }
  const recent = slopeOf(later, Z)
  const agree = recent.low <= slope.high && slope.low <= recent.high
  return agree ? { points, slope } : recentPace(later)
}

/** Points that two levels must leave over less than this share of what a line does, to be a step. */
const STEP = 0.6
const FEWEST_ON_A_LEVEL = 3

/** Where a second level begins, if two levels fit much better than a line; null where they do not. */
function stepIn(points: readonly Point[], slope: number): number | null {
  const deviation = (values: readonly number[]) => {
    const sorted = values.toSorted((a, b) => a - b)
    const middle = median(sorted)
    return sorted.reduce((sum, value) => sum + Math.abs(value - middle), 0)
  }
  const values = points.map(({ value }) => value)
  let best = {
    at: 0,
    left: STEP * deviation(points.map(({ at, value }) => value - slope * (at - (points[0]?.at ?? 0)))),
  }
  for (let at = FEWEST_ON_A_LEVEL; at <= values.length - FEWEST_ON_A_LEVEL; at++) {
    const left = deviation(values.slice(0, at)) + deviation(values.slice(at))
    if (left < best.left) best = { at, left }
  }
  return best.at === 0 ? null : best.at
}

/** The line, and the lines of the two slopes with the points that lie highest and lowest over them. */
function looking({ points, slope, of }: Paced & { readonly of: Basis['of'] }, max: number, now: number): Forecast {
  const first = points[0]?.at ?? now
  const until = now + AHEAD[of] * (now - first)
  const pace = {
    perDay: Math.round(slope.slope * DAY),
    low: Math.round(slope.low * DAY),
    high: Math.round(slope.high * DAY),
    basis: { of, points: points.length, since: timeOf(first) },
  }
  const likely = fullAt(points, max, { slope: slope.slope, share: 0.5 })
  const earliest = fullAt(points, max, { slope: slope.high, share: 0.95 })
  const latest = fullAt(points, max, { slope: slope.low, share: 0.05 })
  if (latest === null || likely === null || earliest === null || earliest > until) {
    return { type: 'not-in-sight', until: timeOf(until), ...pace }
  }
  const after = (at: number) => timeOf(Math.max(now, at))
  return {
    type: 'fills',
    likely: after(likely),
    earliest: after(Math.min(earliest, likely)),
    latest: latest > now + FAR * (until - now) ? null : after(Math.max(latest, likely)),
    ...pace,
  }
}

/** A latest time further off than so many times what can be looked ahead to is as good as none. */
const FAR = 3

/** Null where it never comes to that. */
function fullAt(
  points: readonly Point[],
  max: number,
  { slope, share }: { readonly slope: number; readonly share: number },
): number | null {
  if (slope <= 0) return null
  // About the last reading, since times of day 1970 on leave few digits for the rest.
  const end = points.at(-1)?.at ?? 0
  const left = residuals(
    points.map(({ at, value }) => ({ at: at - end, value })),
    slope,
  )
  return end + (max - quantile(left, share)) / slope
}

function timeOf(milliseconds: number): string {
  return new Date(milliseconds).toISOString()
}
