import { counted, duration } from '../diagnosis/numbers.ts'
import { listed } from '../report/text/listed.ts'
import type { WaveNews } from '../run/fleet-waves.ts'
import type { Tally } from './tally.ts'

/** Says in the progress of a phase what becomes of its waves. */
export function tellNews(tally: Tally, news: WaveNews, now = new Date()): void {
  const said = remarkOn(news, now)
  if (said === '') return
  const part = partOf(news, said, now)
  tally.remark(said, { isBad: news.type === 'stopped', ...(part === null ? {} : { part }) })
}

/** What stands beside the progress from now on; there is less room than in a line of its own. */
function partOf(news: WaveNews, said: string, now: Date): string | null {
  if (news.type === 'pause' && news.ms > 0) return pauseText(news.ms, now)
  return news.type === 'wave' || news.type === 'pause' || news.type === 'waiting' ? said : null
}

function remarkOn(news: WaveNews, now: Date): string {
  switch (news.type) {
    case 'wave':
      return news.of === 1 ? '' : `wave ${news.number} of ${news.of}: ${counted(news.hosts, 'host', 'hosts')}`
    case 'instead':
      return `${listed(news.missing, 3)} could not be reached; first instead: ${listed(news.hosts, 3)}`
    case 'straggler':
      return `going on without ${news.host}, which is still at work; it counts as failed until it ends`
    case 'waiting':
      return `${listed(news.hosts, 3)} goes alone, so ${listed(news.for, 3)} ${isOrAre(news.for)} waited for`
    case 'pause': {
      const again = news.hosts.length === 0 ? '' : `${listed(news.hosts, 3)} ${isOrAre(news.hosts)} asked again`
      if (news.ms === 0) return again
      return `${pauseText(news.ms, now)}${again === '' ? '' : `, then ${again}`}`
    }
    case 'stopped':
      return `stopped, no further host begins: ${news.why}`
  }
}

/** Where a person may go for a coffee, the time to be back. */
function pauseText(ms: number, now: Date): string {
  const end = new Date(now.getTime() + ms)
  const until = ms < 60_000 ? '' : ` until ${[end.getHours(), end.getMinutes()].map(twoDigits).join(':')}`
  return `${duration(ms / 1000)} pause${until}`
}

function twoDigits(value: number): string {
  return String(value).padStart(2, '0')
}

function isOrAre(hosts: readonly string[]): string {
  return hosts.length === 1 ? 'is' : 'are'
}
