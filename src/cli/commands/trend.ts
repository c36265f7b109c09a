import { soonestFirst, trendOf } from '../../audit/trend.ts'
import { didYouMean } from '../../input/nearest.ts'
import type { Sample } from '../../model/history.ts'
import { jsonText } from '../../report/json/text.ts'
import { trendJson } from '../../report/json/trend.ts'
import { COLUMNS, hostTrendText, trendText } from '../../report/text/trend.ts'
import { formatFrom, secondsFrom } from '../arguments.ts'
import { checkAll, complainAbout } from '../checks.ts'
import { EXIT, type ExitCode } from '../exit-code.ts'
import { inventoryName, openHistory } from '../history.ts'
import { checkSearchable, recordPlace } from '../record-place.ts'
import { kept } from '../state.ts'
import type { Terminal } from '../terminal.ts'

export type TrendWords = {
  readonly host: string | undefined
  /** commander's name of `-i`; undefined: all inventories that the record has. */
  readonly inventoryOption: string | undefined
  readonly since: string
  readonly format: string
}

/** From the record alone; contacts nobody. */
export async function trendCommand(words: TrendWords, terminal: Terminal): Promise<ExitCode> {
  const { seconds, format } = await checkAll({
    seconds: () => secondsFrom('--since', words.since, { least: 60, most: 400 * 86_400 }),
    format: () => formatFrom(words.format),
  })
  await checkSearchable()
  const now = new Date().toISOString()
  const since = new Date(Date.parse(now) - seconds * 1000).toISOString()
  const { host, inventoryOption } = words
  const inventory = inventoryOption === undefined ? undefined : inventoryName({ ...NOBODY, inventoryOption })
  const whose = inventory === undefined ? {} : { inventory }
  const history = openHistory(terminal)
  const wanted = { since, ...whose, ...(host === undefined ? {} : { host }) }
  // The line is of the time that there is something of.
  const window = { since: (await kept(async () => await history.firstSample(wanted))) ?? since, now }
  const trends = soonestFirst(
    await ofEach(history.series(wanted), (samples) => trendOf(samples, { ...window, columns: COLUMNS })),
  )
  if (host !== undefined && trends.length === 0) {
    throw notOnRecord(
      host,
      (await kept(async () => await history.seriesNames(whose))).map((each) => each.host),
      words.since,
    )
  }
  const { paper } = terminal
  if (format === 'json') terminal.printText(jsonText(trendJson(trends, window)))
  else if (trends.length === 0) {
    terminal.print([`No reading of the last ${words.since} in ${recordPlace()}.`])
    terminal.say([
      'Readings are kept by ctfleet audit, facts, explain, plan and apply, and regularly by ctfleet serve.',
    ])
  } else if (host === undefined) terminal.print(trendText(paper, trends, now))
  else terminal.print(trends.flatMap((trend, at) => [...(at === 0 ? [] : ['']), ...hostTrendText(paper, trend, now)]))
  return EXIT.asWanted
}

const NOBODY = { inventory: undefined, limit: undefined }

/** Of the samples of each host only what is made of them is held. */
async function ofEach<T>(
  series: AsyncIterable<readonly Sample[]>,
  make: (samples: readonly Sample[]) => T | null,
): Promise<readonly T[]> {
  return await kept(async () => {
    const all: T[] = []
    for await (const samples of series) {
      const made = make(samples)
      if (made !== null) all.push(made)
    }
    return all
  })
}

function notOnRecord(host: string, hosts: readonly string[], since: string) {
  const near = hosts.includes(host) ? null : didYouMean(host, [...new Set(hosts)])
  const hint = near ?? 'see which there are: ctfleet trend; look further back: --since 90d'
  return complainAbout(host, `no reading of this host in the last ${since} is on record`, hint)
}
