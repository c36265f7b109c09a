import { counted, duration } from '../diagnosis/numbers.ts'
import type { WaveNews } from '../run/fleet-waves.ts'
import type { Tally } from './tally.ts'

/** Says in the progress of a phase what becomes of its waves. */
export function tellNews(tally: Tally, news: WaveNews): void {
  const said = remarkOn(news)
  if (said !== '') tally.remark(said, { isPart: news.type === 'wave', isBad: news.type === 'stopped' })
}

function remarkOn(news: WaveNews): string {
  switch (news.type) {
    case 'wave':
      return news.of === 1 ? '' : `wave ${news.number} of ${news.of}: ${counted(news.hosts, 'host', 'hosts')}`
    case 'instead':
      return `not reachable, so ${names(news.hosts)} ${isOrAre(news.hosts)} first instead`
    case 'straggler':
      return `going on without ${news.host}, which is still at work; it counts as failed until it ends`
    case 'pause': {
      const asked = news.hosts.length === 0 ? '' : `, then ${names(news.hosts)} ${isOrAre(news.hosts)} asked again`
      return news.ms === 0 ? '' : `${duration(news.ms / 1000)} pause${asked}`
    }
    case 'stopped':
      return `stopped, no further host begins: ${news.why}`
  }
}

function isOrAre(hosts: readonly string[]): string {
  return hosts.length === 1 ? 'is' : 'are'
}

function names(hosts: readonly string[]): string {
  return hosts.slice(0, 3).join(', ') + (hosts.length > 3 ? ` and ${hosts.length - 3} more` : '')
}
