import { type Complaint, InputError, quoted } from '../input/complaint.ts'
import { didYouMean } from '../input/nearest.ts'
import type { Share } from '../run/waves.ts'
import { complainAbout } from './checks.ts'

/** Values of options, from the text that was typed. Each throws InputError that names the option. */

export type Port = { readonly protocol: 'tcp' | 'udp'; readonly port: number }

/** `80,443/tcp,53/udp`; a port without a protocol is TCP. */
export function portsFrom(text: string): readonly Port[] {
  const complaints: Complaint[] = []
  const ports = text.split(',').flatMap((part) => {
    const match = /^(\d{1,5})(?:\/(tcp|udp))?$/.exec(part.trim().toLowerCase())
    const port = Number(match?.[1] ?? 0)
    if (port >= 1 && port <= 65535) return [{ protocol: match?.[2] === 'udp' ? 'udp' : 'tcp', port } as const]
    const hint =
      'one port each, 1 to 65535, of tcp or udp, with commas between them: --ports 80,443/tcp,53/udp,443/tcp@forward'
    complaints.push({
      file: '--ports',
      line: null,
      column: null,
      path: '',
      message: `${quoted(part)} is no port of tcp or udp`,
      hint,
    })
    return []
  })
  if (complaints.length > 0) throw new InputError(complaints)
  const byName = new Map(ports.map((each) => [`${each.port}/${each.protocol}`, each]))
  return [...byName.values()]
}

const SECONDS_OF: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 }

/** `60s`, `2m`, `7d`: seconds, from `least` to `most`. Without its unit a number would be minutes to one and seconds to another. */
export function secondsFrom(option: string, text: string, { least, most }: { least: number; most: number }): number {
  const [, digits = '', unit] = /^(\d{1,6})(s|m|h|d)?$/.exec(text.trim().toLowerCase()) ?? []
  const number = digits === '' ? Number.NaN : Number(digits)
  if (unit === undefined && number > 0) {
    throw complainAbout(option, `${quoted(text)} has no unit`, `${option} ${number}s, or ${option} ${number}m`)
  }
  const seconds = number * (SECONDS_OF[unit ?? 's'] ?? 1)
  if (seconds >= least && seconds <= most) return seconds
  const hint = `a time from ${typed(least)} to ${typed(most)}`
  throw complainAbout(option, `${quoted(text)} is no time that fits here`, hint)
}

/** A time as it would be typed: in the largest unit that it is a whole number of. */
function typed(seconds: number): string {
  const [unit, size] = Object.entries(SECONDS_OF).findLast(([, each]) => seconds > 0 && seconds % each === 0) ?? [
    's',
    1,
  ]
  return `${seconds / size}${unit}`
}

export function wholeNumberFrom(
  option: string,
  text: string,
  { least, most }: { least: number; most: number },
): number {
  const number = /^\d{1,9}$/.test(text.trim()) ? Number(text) : Number.NaN
  if (number >= least && number <= most) return number
  throw complainAbout(option, `expected a whole number from ${least} to ${most}, found ${quoted(text)}`)
}

/** `1,10%,50%,100%`: how many hosts, or what part of them, are through after each wave; the last is all. */
export function wavesFrom(text: string): readonly Share[] {
  const sizes = text.split(',').map((part) => shareFrom('--waves', part, 1))
  const last = sizes.at(-1)
  if (last === undefined || !('percent' in last) || last.percent !== 100) {
    throw complainAbout('--waves', `the last wave is no 100%, so some hosts would never have their turn`, WAVES_HINT)
  }
  const parts = text.split(',').map((part) => quoted(part.trim()))
  for (const [at, size] of sizes.entries()) {
    const earlier = sizes.slice(0, at).findIndex((each) => !isLess(each, size))
    if (earlier === -1) continue
    const hint = 'each size is how many hosts are through when that wave is over, so they grow'
    throw complainAbout('--waves', `${parts[at]} is no more than ${parts[earlier]} before it`, hint)
  }
  return sizes
}

const WAVES_HINT = 'numbers of hosts or percentages that add up, the last one 100%: --waves 1,10%,50%,100%'

/** Numbers and percentages compare only once the fleet is known. */
function isLess(a: Share, b: Share): boolean {
  if ('hosts' in a && 'hosts' in b) return a.hosts < b.hosts
  return 'percent' in a && 'percent' in b ? a.percent < b.percent : true
}

/** `2` or `10%`. */
export function shareFrom(option: string, text: string, least: number): Share {
  const [, digits = '', percent] = /^(\d{1,6})\s*(%)?$/.exec(text.trim()) ?? []
  const number = digits === '' ? Number.NaN : Number(digits)
  if (number >= least && percent === undefined) return { hosts: number }
  if (number >= least && number <= 100) return { percent: number }
  const hint =
    option === '--waves' ? WAVES_HINT : `a number of hosts, or a percentage of them: ${option} 2, ${option} 10%`
  throw complainAbout(option, `${quoted(text)} is no number of hosts and no percentage`, hint)
}

/** Of a plan, which is reviewed in tickets too. */
export function planFormatFrom(text: string): 'text' | 'json' | 'markdown' {
  if (text === 'text' || text === 'json' || text === 'markdown') return text
  throw complainAbout('--format', `expected text, json or markdown, found ${quoted(text)}`)
}

export function formatFrom(text: string): 'text' | 'json' {
  if (text === 'text' || text === 'json') return text
  throw complainAbout(
    '--format',
    `expected text or json, found ${quoted(text)}`,
    didYouMean(text, ['text', 'json']) ?? 'report has more forms: ctfleet report last --format html',
  )
}
