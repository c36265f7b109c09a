import { duration, grouped } from '../diagnosis/numbers.ts'
import { type Paper, paragraph, visible } from '../report/format.ts'
import type { News, Tally } from './tally.ts'

/** Hosts of which each is named when it ends, without a terminal; of a larger fleet only those in trouble are. */
const NAMED_ONE_BY_ONE = 50

/** Two lines that stand at the bottom of the terminal while a phase runs: how far it is, and who is at work. */
export function standingLines(paper: Paper, title: string, tally: Tally, now: number): readonly string[] {
  const count = `${grouped(tally.ended)} of ${grouped(tally.total)}`
  const since = duration(Math.round((now - tally.startedAt) / 1000))
  const atWork = firstOf(tally.atWork, 20).map(([host, stage]) => `${visible(host)} ${stage}`)
  const more = tally.atWork.size > atWork.length ? ', …' : ''
  return [
    fitted(paper, `${title}  ${partText(tally)}${count}, ${since}${leftText(tally, now)}${countsText(tally)}`),
    ...(atWork.length === 0 ? [] : [paper.ink('faint', fitted(paper, `  ${atWork.join(', ')}${more}`))]),
  ]
}

/** Lines that stay: how one host ended and why, or what else a person should see. */
export function newsLines(paper: Paper, news: News): readonly string[] {
  if ('remark' in news) {
    const { remark, isBad } = news
    return paragraph(paper, { first: '  ', rest: '    ' }, isBad ? { tone: 'bad', text: remark } : remark)
  }
  const { host, status, fault } = news
  const head = `  ${visible(host)}  `
  // Only the beginning of why: all of it is in the report, once for all hosts with the same cause.
  const why = fault === null || fault.code === 'bug' ? '' : `: ${visible(fault.message.slice(0, 500))}`
  const code = fault === null || fault.code === 'bug' ? '' : ` (${fault.code})`
  const whole = `${head}${status}${why}`
  // What a program goes by, where it takes nothing from what a person reads.
  const line = paper.width(whole + code) < paper.columns ? whole + code : whole
  const room = fitted(paper, line).slice(head.length + status.length)
  return [`${head}${paper.ink(fault === null ? 'faint' : 'bad', status)}${room}`]
}

/** Lines that stay cannot be taken back: what is worth one, on a terminal that shows how far it is anyway, and elsewhere. */
export function isWorthALine(news: News, tally: Tally, isLive: boolean): boolean {
  return 'remark' in news || news.fault !== null || (!isLive && tally.total <= NAMED_ONE_BY_ONE)
}

export function endLine(title: string, tally: Tally, now: number): string {
  return `${title}: ${duration(Math.round((now - tally.startedAt) / 1000))}${countsText(tally)}`
}

/** `wave 2 of 4, 3 of 20 hosts · ` */
function partText({ part, ended }: Tally): string {
  if (part === null) return ''
  const hosts = part.hosts === null ? '' : `, ${grouped(ended - part.endedBefore)} of ${grouped(part.hosts)}`
  return `${visible(part.words)}${hosts} · `
}

/** Fewer hosts than this tell nothing about the others; those of a first wave are as many as they are. */
const FEWEST_TO_TELL = 3

/**
 * As long as the hosts that are left take at the pace of those that ended: of a wave, since how long the next ones take is not
 * known. Nothing where too few have ended to tell, or where nobody is at work (a pause).
 */
function leftText({ part, ended, total, startedAt }: Tally, now: number): string {
  if (part !== null && part.hosts === null) return ''
  const done = part === null ? ended : ended - part.endedBefore
  const toDo = (part?.hosts ?? total) - done
  const seconds = (now - (part?.startedAt ?? startedAt)) / 1000
  if (done < FEWEST_TO_TELL || toDo <= 0 || seconds < 1) return ''
  const where = part === null ? '' : ' in this wave'
  return `, about ${duration(roundedTime((seconds / done) * toDo))} left${where}`
}

/** No more exact than it is: to 5 s below a minute, to half a minute below ten, then to five minutes. */
function roundedTime(seconds: number): number {
  const step = seconds < 60 ? 5 : seconds < 600 ? 30 : 300
  return Math.max(1, Math.round(seconds / step)) * step
}

function countsText(tally: Tally): string {
  return [...tally.counts].map(([status, count]) => `, ${grouped(count)} ${status}`).join('')
}

function firstOf<K, V>(map: ReadonlyMap<K, V>, most: number): readonly (readonly [K, V])[] {
  const found: (readonly [K, V])[] = []
  for (const entry of map) {
    if (found.length === most) break
    found.push(entry)
  }
  return found
}

/** A line that is too long wraps, and then more lines stand there than will be taken back. */
function fitted(paper: Paper, line: string): string {
  if (paper.width(line) < paper.columns) return line
  let text = ''
  let room = paper.columns - 2
  for (const character of line) {
    room -= paper.width(character)
    if (room < 0) break
    text += character
  }
  return `${text}…`
}
