import type { When } from '../model/schedule.ts'

/** The same times for a timer of systemd, one expression a line (systemd.time(7)); or why it cannot say them. */
export function onCalendar(when: When): readonly string[] | { readonly problem: string } {
  if ('every' in when) return everySeconds(when.every)
  const fields = fieldsOf(when.cron)
  if (fields === null) return UNSAID
  const { minute, hour, day, month, weekday } = fields
  const time = `${hour === null ? '*' : hour.map(two).join(',')}:${minute === null ? '*' : minute.map(two).join(',')}:00`
  const months = month === null ? '*' : month.map(two).join(',')
  const days = day === null ? '*' : day.map(two).join(',')
  const weekdays = weekday === null ? '' : `${weekday.map((each) => WEEKDAYS[each]).join(',')} `
  const line = (on: string, of: string) => `${on}*-${months}-${of} ${time} ${when.timezone}`
  // As cron has it: where both are given, either one will do.
  if (weekday !== null && day !== null) return [line('', days), line(weekdays, '*')]
  return [line(weekdays, days)]
}

/** The same times for cron, in the zone of the machine; or why it cannot say them. */
export function cronTimes(when: When, zoneHere: string): string | { readonly problem: string } {
  if ('every' in when) {
    const { every } = when
    if (every % 60 !== 0 || onCalendarProblem(every)) return UNEVEN
    const minutes = every / 60
    if (minutes < 60) return `*/${minutes} * * * *`
    return minutes < 1440 ? `0 ${minutes === 60 ? '*' : `*/${minutes / 60}`} * * *` : '0 0 * * *'
  }
  const fields = fieldsOf(when.cron)
  if (fields === null) return UNSAID
  if (when.timezone === zoneHere) return cronFields(when.cron, fields)
  return { problem: `cron counts in the zone of this machine, ${zoneHere}, and in no other` }
}

/** Where both days are given either one will do, but cron wants both where one begins with `*`: such a one is said as a list. */
function cronFields(cron: string, { day, weekday }: Fields): string {
  const parts = cron.trim().split(/\s+/)
  if (day === null || weekday === null) return parts.join(' ')
  const [minute, hour, days = '', month, weekdays = ''] = parts
  const asList = (text: string, all: readonly number[]) => (text.includes('*') ? all.join(',') : text)
  return [minute, hour, asList(days, day), month, asList(weekdays, weekday)].join(' ')
}

const UNEVEN = { problem: 'only times that divide an hour or a day come out even: 5m, 15m, 30m, 1h, 6h, 12h, 1d' }
const UNSAID = { problem: 'only numbers, names, lists, ranges and steps can be said there' }
const WEEKDAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat']
const MONTHS = ['', 'jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']

function onCalendarProblem(seconds: number): boolean {
  return 'problem' in everySeconds(seconds)
}

function everySeconds(seconds: number): readonly string[] | { readonly problem: string } {
  const minutes = seconds / 60
  if (minutes === 1440) return ['*-*-* 00:00:00 UTC']
  if (Number.isInteger(minutes) && minutes < 60 && 60 % minutes === 0) return [`*-*-* *:00/${minutes}:00 UTC`]
  const hours = minutes / 60
  if (Number.isInteger(hours) && hours < 24 && 24 % hours === 0) return [`*-*-* 00/${hours}:00:00 UTC`]
  return UNEVEN
}

/** Null: any. */
type Field = readonly number[] | null
type Fields = {
  readonly minute: Field
  readonly hour: Field
  readonly day: Field
  readonly month: Field
  readonly weekday: Field
}

function fieldsOf(cron: string): Fields | null {
  const parts = cron.trim().split(/\s+/)
  if (parts.length !== 5) return null
  const [minute, hour, day, month, weekday] = parts.map((part, at) => fieldOf(part.toLowerCase(), at))
  if (minute === undefined || hour === undefined || day === undefined || month === undefined || weekday === undefined)
    return null
  // 7 is Sunday too.
  const sundays = weekday === null ? null : [...new Set(weekday.map((each) => each % 7))].sort((a, b) => a - b)
  return { minute, hour, day, month, weekday: sundays }
}

const BOUNDS = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const

/** Undefined: none that can be said. */
function fieldOf(text: string, at: number): Field | undefined {
  const [least, most] = BOUNDS[at] ?? [0, 0]
  if (text === '*') return null
  const all = new Set<number>()
  for (const part of text.split(',')) {
    const [, from, to, step] = /^(\*|\w+)(?:-(\w+))?(?:\/(\d{1,2}))?$/.exec(part) ?? []
    if (from === undefined || (from === '*' && step === undefined)) return undefined
    const first = from === '*' ? least : numberOf(from, at)
    const last = from === '*' ? (at === 4 ? 6 : most) : to === undefined ? first : numberOf(to, at)
    const by = step === undefined ? 1 : Number(step)
    if (!(first >= least && last <= most && first <= last && by > 0)) return undefined
    for (let each = first; each <= last; each += by) all.add(each)
  }
  return [...all].sort((a, b) => a - b)
}

function numberOf(text: string, at: number): number {
  if (/^\d{1,2}$/.test(text)) return Number(text)
  const found =
    at === 3 ? MONTHS.indexOf(text) : at === 4 ? WEEKDAYS.findIndex((day) => day.toLowerCase() === text) : -1
  return found === -1 ? Number.NaN : found
}

function two(number: number): string {
  return String(number).padStart(2, '0')
}
