import type { WaveNews } from '../run/discipline.ts'
import { pauseText, remarkOn, waveText } from '../run/wave-remarks.ts'
import type { NewPart, Tally } from './tally.ts'

/** Says in the progress of a phase what becomes of its waves. */
export function tellNews(tally: Tally, news: WaveNews, now = new Date()): void {
  const said = remarkOn(news, now)
  if (said === '') return
  const part = partOf(news, said, now)
  tally.remark(said, { isBad: news.type === 'stopped', ...(part === null ? {} : { part }) })
}

/** What stands beside the progress from now on; there is less room than in a line of its own. */
function partOf(news: WaveNews, said: string, now: Date): NewPart | null {
  switch (news.type) {
    case 'wave':
      return { words: waveText(news), hosts: news.hosts }
    case 'pause':
      return { words: news.ms > 0 ? pauseText(news.ms, now) : said, hosts: null }
    case 'waiting':
      return { words: said, hosts: null }
    case 'instead':
    case 'straggler':
    case 'held':
    case 'stopped':
      return null
  }
}
