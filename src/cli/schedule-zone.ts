import type { When } from '../model/schedule.ts'
import { timesOf } from '../serve/cron.ts'

/** What to type where cron counts in the zone of the machine and the times are in another; null where that is not so. */
export function inZone(when: When, zone: string): string | null {
  if ('every' in when || when.timezone === zone) return null
  const times = timesOf(when)
  const next = 'problem' in times ? null : times.next(Date.now())
  if (next === null) return null
  const format = new Intl.DateTimeFormat('en-GB', { timeZone: zone, hour: '2-digit', minute: '2-digit' })
  const then = `the next one is at ${format.format(next)} in ${zone}`
  return `leave out --timezone, and give --cron in ${zone}: ${then}, which summer time may shift; or let ctfleet serve keep the time`
}
