import { forecastOf, type Stretch } from '../../src/audit/trend-forecast.ts'
import type { Forecast } from '../../src/model/trend.ts'

const HOUR = 3_600_000
const DAY = 24 * HOUR
const NOW = Date.parse('2026-11-26T12:00:00Z')
export const MAX = 262_144

/** A kind of series with known answers: what the table holds `days` after now, before or behind it, with its noise. */
export type Kind = {
  readonly name: string
  /** Whether it fills at all. */
  readonly fills: boolean
  readonly lookBack: number
  readonly everyHours: number
  /** @param random evenly from 0 to 1; @param pick the same for all of one series */
  readonly series: (pick: () => number) => (days: number, noise: Noise) => number
  readonly isLooked?: (days: number) => boolean
}

/** Normally distributed, of deviation 1; `slow` keeps most of what it was an hour before. */
export type Noise = { readonly fresh: number; readonly slow: number }

const wave = (days: number, phase: number) => Math.sin(2 * Math.PI * (days + phase))
/** Full in 3 to 20 days from a level of 50 % to 90 %: entries a day. */
const growth = (pick: () => number, level: number) => ((1 - level) * MAX) / (3 + 17 * pick())

export const KINDS: readonly Kind[] = [
  {
    name: 'level, with noise',
    fills: false,
    lookBack: 21,
    everyHours: 1,
    series: (pick) => {
      const level = 0.3 + 0.5 * pick()
      return (_, { fresh }) => MAX * level * (1 + 0.05 * fresh)
    },
  },
  {
    name: 'level, slow noise',
    fills: false,
    lookBack: 21,
    everyHours: 1,
    series: (pick) => {
      const level = 0.3 + 0.4 * pick()
      return (_, { slow }) => MAX * level * (1 + 0.08 * slow)
    },
  },
  {
    name: 'level, daily wave',
    fills: false,
    lookBack: 14,
    everyHours: 1,
    series: (pick) => {
      const [level, phase] = [0.3 + 0.3 * pick(), pick()]
      return (days, { fresh }) => MAX * level * (1 + 0.4 * wave(days, phase) + 0.03 * fresh)
    },
  },
  {
    name: 'level, the first day of a wave',
    fills: false,
    lookBack: 1,
    everyHours: 0.5,
    series: (pick) => {
      const [level, phase] = [0.3 + 0.3 * pick(), pick()]
      return (days, { fresh }) => MAX * level * (1 + 0.4 * wave(days, phase) + 0.03 * fresh)
    },
  },
  {
    name: 'grows evenly, with noise',
    fills: true,
    lookBack: 21,
    everyHours: 1,
    series: (pick) => {
      const level = 0.5 + 0.4 * pick()
      const pace = growth(pick, level)
      return (days, { fresh }) => MAX * level + pace * days + 0.02 * MAX * fresh
    },
  },
  {
    name: 'grows under a daily wave',
    fills: true,
    lookBack: 14,
    everyHours: 1,
    series: (pick) => {
      const [level, phase] = [0.4 + 0.2 * pick(), pick()]
      const pace = growth(pick, 0.85)
      return (days, { fresh }) => MAX * (level + 0.2 * wave(days, phase) + 0.02 * fresh) + pace * days
    },
  },
  {
    name: 'the same, looked at every 6 h',
    fills: true,
    lookBack: 21,
    everyHours: 6,
    series: (pick) => {
      const [level, phase] = [0.4 + 0.2 * pick(), pick()]
      const pace = growth(pick, 0.85)
      return (days, { fresh }) => MAX * (level + 0.2 * wave(days, phase) + 0.02 * fresh) + pace * days
    },
  },
  {
    name: 'grows under a weekly wave',
    fills: true,
    lookBack: 28,
    everyHours: 1,
    series: (pick) => {
      const [level, phase] = [0.5 + 0.1 * pick(), pick()]
      const pace = growth(pick, 0.8)
      return (days, { fresh }) =>
        MAX * (level + 0.1 * wave(days, phase) + 0.08 * wave(days / 7, phase) + 0.02 * fresh) + pace * days
    },
  },
  {
    name: 'grows, slow noise',
    fills: true,
    lookBack: 21,
    everyHours: 1,
    series: (pick) => {
      const level = 0.5 + 0.2 * pick()
      const pace = growth(pick, 0.75)
      return (days, { slow }) => MAX * level + pace * days + 0.04 * MAX * slow
    },
  },
  {
    name: 'grows, nobody looked for 6 days',
    fills: true,
    lookBack: 21,
    everyHours: 1,
    isLooked: (days) => days < -12 || days > -6,
    series: (pick) => {
      const [level, phase] = [0.4 + 0.2 * pick(), pick()]
      const pace = growth(pick, 0.85)
      return (days, { fresh }) => MAX * (level + 0.2 * wave(days, phase) + 0.02 * fresh) + pace * days
    },
  },
  {
    name: 'a step, then level',
    fills: false,
    lookBack: 21,
    everyHours: 1,
    series: (pick) => {
      const [level, step, at] = [0.2 + 0.2 * pick(), 0.2 + 0.1 * pick(), -16 + 8 * pick()]
      return (days, { fresh }) => MAX * (level + (days > at ? step : 0) + 0.02 * fresh)
    },
  },
  {
    name: 'grows towards a ceiling',
    fills: false,
    lookBack: 28,
    everyHours: 1,
    series: (pick) => {
      const [ceiling, at] = [0.5 + 0.2 * pick(), -20 + 4 * pick()]
      return (days, { fresh }) => MAX * (ceiling / (1 + Math.exp(-(days - at) / 1.5)) + 0.01 * fresh)
    },
  },
  {
    name: 'fills within hours',
    fills: true,
    lookBack: 0.25,
    everyHours: 1 / 12,
    series: (pick) => {
      const level = 0.6 + 0.2 * pick()
      const pace = ((1 - level) * MAX) / (0.05 + 0.07 * pick())
      return (days, { fresh }) => MAX * level + pace * days + 0.01 * MAX * fresh
    },
  },
]

export type Score = {
  readonly kind: string
  readonly series: number
  /** Shares of all series: a forecast with a time, none in sight, none at all. */
  readonly told: number
  readonly notInSight: number
  readonly none: number
  /** Not in sight, and full before the time that was named. */
  readonly missed: number
  /** Of those told: how far the likely time is off, as a share of the time that was left; median, and nine of ten. */
  readonly error: number
  readonly error90: number
  /** Of those told: how often the truth lies between earliest and latest. */
  readonly covered: number
  /** Median of latest over earliest time left; what the interval is worth. */
  readonly width: number
}

/** Forecasts of so many series of a kind, held against what came of each. */
export function score(kind: Kind, series: number): Score {
  const all = Array.from({ length: series }, (_, seed) => one(kind, seed + 1))
  const told = all.flatMap(({ forecast, truth }) => (forecast.type === 'fills' ? [{ forecast, truth }] : []))
  const left = (time: string) => Date.parse(time) - NOW
  const errors = told
    .map(({ forecast, truth }) => Math.abs(left(forecast.likely) - truth) / truth)
    .toSorted((a, b) => a - b)
  const covered = told.filter(
    ({ forecast: { earliest, latest }, truth }) =>
      left(earliest) <= truth && (latest === null || truth <= left(latest)),
  )
  const widths = told
    .map(({ forecast: { earliest, latest } }) =>
      latest === null ? Infinity : left(latest) / Math.max(1, left(earliest)),
    )
    .toSorted((a, b) => a - b)
  const share = (type: Forecast['type']) => all.filter(({ forecast }) => forecast.type === type).length / series
  return {
    kind: kind.name,
    series,
    told: told.length / series,
    notInSight: share('not-in-sight'),
    none: share('none'),
    missed:
      all.filter(({ forecast, truth }) => forecast.type === 'not-in-sight' && truth < left(forecast.until)).length /
      series,
    error: at(errors, 0.5),
    error90: at(errors, 0.9),
    covered: covered.length / told.length,
    width: at(widths, 0.5),
  }
}

/** A line a kind, for people. */
export function scoreText(scores: readonly Score[]): string {
  const percent = (share: number) => (Number.isFinite(share) ? `${Math.round(share * 100)} %` : '-')
  const rows = scores.map(({ kind, series, told, notInSight, none, missed, error, error90, covered, width }) => [
    kind,
    String(series),
    percent(told),
    percent(notInSight),
    percent(none),
    percent(missed),
    percent(error),
    percent(error90),
    percent(covered),
    Number.isFinite(width) ? `x ${width.toFixed(1)}` : '-',
  ])
  const head = [
    'series',
    'many',
    'a time',
    'not in sight',
    'no forecast',
    'missed',
    'error',
    'of nine in ten',
    'in the interval',
    'its width',
  ]
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)))
  return [head, ...rows]
    .map((row) =>
      row
        .map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0)))
        .join('  '),
    )
    .join('\n')
}

/** @returns the forecast, and the time that was really left, ms; Infinity where it never fills. */
function one({ series, lookBack, everyHours, isLooked = () => true, fills }: Kind, seed: number) {
  const pick = random(seed)
  const value = series(pick)
  const noise = noiseFrom(random(seed + 7919), everyHours)
  const points: Stretch['points'][number][] = []
  const step = everyHours / 24
  for (let days = -lookBack; days <= 0; days += step) {
    const now = Math.round(Math.min(MAX, Math.max(0, value(days, noise()))))
    if (isLooked(days)) points.push({ at: NOW + days * DAY, value: now })
  }
  let truth = Number.POSITIVE_INFINITY
  for (let days = step; fills && days < 200; days += step) {
    if (value(days, noise()) < MAX) continue
    truth = days * DAY
    break
  }
  return { forecast: forecastOf({ points, max: MAX, after: null }, NOW), truth }
}

function noiseFrom(uniform: () => number, everyHours: number): () => Noise {
  const normal = () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform())
  const keep = 0.9 ** everyHours
  let slow = normal()
  return () => {
    slow = keep * slow + Math.sqrt(1 - keep * keep) * normal()
    return { fresh: normal(), slow }
  }
}

/** Mulberry32: small, seeded, good enough to draw from. */
function random(seed: number): () => number {
  let state = seed * 0x9e3779b9
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296
  }
}

function at(sorted: readonly number[], share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
}
