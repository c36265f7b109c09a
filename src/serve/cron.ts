import { Cron } from 'croner'
import type { Times, When } from '../model/schedule.ts'

/**
 * The due times of a schedule. By croner: of a clock that is put forward, a fixed time (`30 2 * * *`) is due right after the
 * gap; of one that is put back it is due once, while what comes every few minutes is due in both hours.
 * @returns why it is none, in words that follow the expression
 */
export function timesOf(when: When): Times | { readonly problem: string } {
  if ('every' in when) return everySeconds(when.every)
  try {
    const cron = new Cron(when.cron, { timezone: when.timezone, mode: '5-part', paused: true })
    const next = (after: number) => cron.nextRun(new Date(after))?.getTime() ?? null
    if (next(Date.now()) === null) return { problem: 'is never due' }
    return { next, last: (at) => lastOf(cron, at) }
  } catch (error) {
    const said = error instanceof Error ? error.message : String(error)
    return { problem: problemOf(when.cron, said) }
  }
}

/** croner counts fields that we do not take, and writes for programmers. */
function problemOf(cron: string, said: string): string {
  const fields = cron.trim() === '' ? 0 : cron.trim().split(/\s+/).length
  if (!cron.trim().startsWith('@') && fields !== 5) return `has ${fields} of the five fields`
  return /configuration format/.test(said)
    ? 'is no expression of cron'
    : said.replace(/^CronPattern: /, '').replace('configuration entry', 'field')
}

function everySeconds(seconds: number): Times {
  const ms = seconds * 1000
  const last = (at: number) => Math.floor(at / ms) * ms
  return { last, next: (after) => last(after) + ms }
}

/** croner looks before a second, never in it. */
function lastOf(cron: Cron, at: number): number | null {
  const after = (Math.floor(at / 1000) + 1) * 1000
  return cron.previousRuns(1, new Date(after))[0]?.getTime() ?? null
}
