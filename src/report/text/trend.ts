import { counted, duration, grouped, percent } from '../../diagnosis/numbers.ts'
import type { Forecast, HostTrend, Level, Lost, Pace } from '../../model/trend.ts'
import { type Paper, type Piece, paragraph, visible } from '../format.ts'
import { isoMomentText } from './moment.ts'
import { sparkline } from './sparkline.ts'

/** Columns that a host's line takes for its usage over time. */
export const COLUMNS = 24

/**
 * A host a line, the sparkline from 0 to 100 % of max; below it what is not usual.
 * @param now RFC 3339, UTC; times ahead are told from there
 */
export function trendText(paper: Paper, trends: readonly HostTrend[], now: string): readonly string[] {
  const isTwice = twice(trends.map(({ host }) => host))
  const width = Math.min(24, Math.max(4, ...trends.map(({ host }) => paper.width(visible(host)))))
  return trends.flatMap(({ host, inventory, line, now: last, peak, lost, forecast }) => {
    const name = visible(host)
    const head = `${name}${' '.repeat(Math.max(0, width - paper.width(name)))}  `
    return paragraph(
      paper,
      { first: `${head}${sparkline(line)}  `, rest: ' '.repeat(width + 2) },
      isTwice(host) ? `in ${inventory}: ` : '',
      `now ${usageText(last)}, peak ${usageText(peak)}, `,
      ...lossPieces(lost),
      '; ',
      ...forecastPieces(forecast, now),
    )
  })
}

/** Whether a name is there more than once: hosts of several inventories may have the same. */
function twice(names: readonly string[]): (name: string) => boolean {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return (name) => (counts.get(name) ?? 0) > 1
}

/** One host, with all that its trend rests on. */
export function hostTrendText(paper: Paper, trend: HostTrend, now: string): readonly string[] {
  const { host, inventory, from, to, readings, line, lost, splits, forecast } = trend
  const row = (name: string, ...pieces: readonly Piece[]) =>
    paragraph(paper, { first: `  ${name.padEnd(11)}`, rest: ' '.repeat(13) }, ...pieces)
  return [
    ...paragraph(paper, '', { tone: 'strong', text: host }, ` of ${inventory}`),
    `  ${'usage'.padEnd(11)}${sparkline(line)}  0 to 100 % of max`,
    ...row('readings', `${grouped(readings)}, from ${isoMomentText(from)} to ${isoMomentText(to)}`),
    ...row('now', levelText(trend.now)),
    ...row('peak', levelText(trend.peak)),
    ...row('dropped', ...lossPieces(lost)),
    ...splits.flatMap(({ at, why, from: before, to: after }) =>
      row(
        'split',
        why === 'restarted'
          ? `restarted before ${isoMomentText(at)}`
          : `max ${grouped(before ?? 0)} before ${isoMomentText(at)}, ${grouped(after ?? 0)} from then on`,
      ),
    ),
    ...row('forecast', ...forecastPieces(forecast, now)),
    ...('basis' in forecast ? row('pace', paceText(forecast)) : []),
  ]
}

function usageText(level: Level | null): string {
  if (level === null) return 'not known'
  return level.max === null || level.max === 0 ? grouped(level.entries) : percent(level.entries / level.max)
}

function levelText(level: Level | null): string {
  if (level === null) return 'not known'
  const of = level.max === null ? '' : ` of ${grouped(level.max)}, ${usageText(level)}`
  return `${counted(level.entries, 'entry', 'entries')}${of}, at ${isoMomentText(level.at)}`
}

function lossPieces({ packets, seconds, uncovered }: Lost): readonly Piece[] {
  if (seconds === 0) return ['drops cannot be told yet']
  const unsure = uncovered > 0 ? ` (of ${duration(uncovered)} more nothing is known)` : ''
  if (packets === 0) return [`no drops in ${duration(seconds)}${unsure}`]
  return [{ tone: 'bad', text: `${grouped(packets)} dropped` }, ` in ${duration(seconds)}${unsure}`]
}

function forecastPieces(forecast: Forecast, now: string): readonly Piece[] {
  switch (forecast.type) {
    case 'full':
      return [{ tone: 'bad', text: 'full now, or at its last daily peak' }]
    case 'fills': {
      const { likely, earliest, latest } = forecast
      const last = latest === null ? 'no end in sight' : `${ahead(latest, now)} at the latest`
      return [
        { tone: 'warn', text: `full in about ${ahead(likely, now)}` },
        ` (${ahead(earliest, now)} at the earliest, ${last}, 90 % sure)`,
      ]
    }
    case 'not-in-sight':
      return [{ tone: 'good', text: `not full within ${ahead(forecast.until, now)}` }]
    case 'none':
      return [{ tone: 'faint', text: `no forecast: ${forecast.why}; needed: ${forecast.need}` }]
  }
}

function paceText({ perDay, low, high, basis }: Pace): string {
  const of = basis.of === 'days' ? 'daily peaks' : 'readings (the time of day is in them)'
  return `${signed(perDay)} entries a day (${signed(low)} to ${signed(high)}, 90 % sure), from ${grouped(basis.points)} ${of} since ${isoMomentText(basis.since)}`
}

function signed(value: number): string {
  return value > 0 ? `+${grouped(value)}` : grouped(value)
}

/** To what is worth saying: hours of the first days, then days. */
function ahead(time: string, now: string): string {
  const seconds = Math.max(0, (Date.parse(time) - Date.parse(now)) / 1000)
  if (seconds < 60) return 'under a minute'
  if (seconds < 7200) return `${Math.round(seconds / 60)} min`
  if (seconds < 2 * 86_400) return `${Math.round(seconds / 3600)} h`
  return `${grouped(Math.round(seconds / 86_400))} d`
}
