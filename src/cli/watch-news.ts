import { duration } from '../diagnosis/numbers.ts'
import type { ServiceNews } from '../serve/serve.ts'

/** @returns one line of the log; null for what nobody needs to read. */
export function newsLine(news: ServiceNews, told: string, isOnce = false): string | null {
  switch (news.type) {
    case 'listening': {
      const { host, port } = news.at
      return `metrics at http://${host.includes(':') ? `[${host}]` : host}:${port}/metrics, health at /healthz`
    }
    case 'next':
      return news.at === null ? 'nothing is due any more' : `the next audit is due at ${iso(news.at)}`
    case 'taken':
      return `the audit of ${iso(news.due)} begins${lateWords(news.late)}`
    case 'kept':
      return `the audit of ${iso(news.due)} is on record`
    case 'kept-before':
      return `the audit of ${iso(news.due)} is on record already: another process was faster`
    case 'lost':
      return `the audit of ${iso(news.due)} is given up: another process is at it, since this one was away too long`
    case 'failed':
      return `the audit of ${iso(news.due)} failed: ${inOneLine(news.why)}; tried again at ${iso(news.again)}, or later`
    case 'no-record':
      return `the record does not answer: ${inOneLine(news.why)}`
    case 'sent':
      return `told ${told}: ${news.summary}`
    case 'nothing-new':
      return 'nothing changed, so nobody is told'
    case 'not-sent':
      return `could not tell ${told}: ${news.why}; ${isOnce ? 'the next audit tells it' : again(news)}`
  }
}

function again(news: { readonly again: boolean }): string {
  return news.again ? 'it is tried again, at the latest after the next audit' : 'the next ctfleet serve tells it'
}

function lateWords(late: number | null): string {
  if (late === null) return ', the first of this schedule'
  return late < 60_000 ? '' : `, ${duration(late / 1000)} late`
}

/** Complaints about an inventory come in several. */
function inOneLine(text: string): string {
  return text.replaceAll(/\s*\n\s*/g, '; ')
}

function iso(at: number): string {
  return `${new Date(at).toISOString().slice(0, 19)}Z`
}
