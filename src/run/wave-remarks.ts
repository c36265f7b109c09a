import { counted, duration } from '../diagnosis/numbers.ts'
import { listed } from '../report/text/listed.ts'
import type { WaveNews } from './discipline.ts'

/** What became of the waves, in a sentence; empty where there is nothing to say. */
export function remarkOn(news: WaveNews, now: Date): string {
  switch (news.type) {
    case 'wave':
      return news.of === 1 ? '' : `${waveText(news)}: ${counted(news.hosts, 'host', 'hosts')}`
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
    case 'held':
      return `no further host begins until more have a yes: ${news.why}`
    case 'stopped':
      return `stopped, no further host begins: ${news.why}`
  }
}

/** The same of a wave that begins, for programs; the phase is the caller's to say. */
export function waveEvent({ number, of, hosts }: Extract<WaveNews, { readonly type: 'wave' }>) {
  return { event: 'wave', number, of, hosts } as const
}

/** `wave 2 of 4`. */
export function waveText({ number, of }: Extract<WaveNews, { readonly type: 'wave' }>): string {
  return `wave ${number}${of === null ? '' : ` of ${of}`}`
}

/** Where a person may go for a coffee, the time to be back. */
export function pauseText(ms: number, now: Date): string {
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
