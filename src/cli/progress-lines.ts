import { duration, grouped } from '../diagnosis/numbers.ts'
import { type Paper, paragraph, visible } from '../report/format.ts'
import type { News, Tally } from './tally.ts'

/** Hosts of which each is named when it ends, without a terminal; of a larger fleet only those in trouble are. */
const NAMED_ONE_BY_ONE = 50

/** Two lines that stand at the bottom of the terminal while a phase runs: how far it is, and who is at work. */
export function standingLines(paper: Paper, title: string, tally: Tally, now: number): readonly string[] {
  const count = `${grouped(tally.ended)} of ${grouped(tally.total)}`
  const part = tally.part === '' ? '' : `${visible(tally.part)} · `
  const since = duration(Math.round((now - tally.startedAt) / 1000))
  const atWork = [...tally.atWork].slice(0, 20).map(([host, stage]) => `${visible(host)} ${stage}`)
  const more = tally.atWork.size > atWork.length ? ', …' : ''
  return [
    fitted(paper, `${title}  ${part}${count}, ${since}${countsText(tally)}`),
    ...(atWork.length === 0 ? [] : [paper.ink('faint', fitted(paper, `  ${atWork.join(', ')}${more}`))]),
  ]
}

/** Lines that stay: how one host ended, or what else a person should see. */
export function newsLines(paper: Paper, news: News): readonly string[] {
  if (!('remark' in news)) return [`  ${visible(news.host)}  ${paper.ink(news.isBad ? 'bad' : 'faint', news.status)}`]
  const { remark, isBad } = news
  return paragraph(paper, { first: '  ', rest: '    ' }, isBad ? { tone: 'bad', text: remark } : remark)
}

/** Lines that stay cannot be taken back: what is worth one, on a terminal that shows how far it is anyway, and elsewhere. */
export function isWorthALine(news: News, tally: Tally, isLive: boolean): boolean {
  return 'remark' in news || news.isBad || (!isLive && tally.total <= NAMED_ONE_BY_ONE)
}

export function endLine(title: string, tally: Tally, now: number): string {
  return `${title}: ${duration(Math.round((now - tally.startedAt) / 1000))}${countsText(tally)}`
}

function countsText(tally: Tally): string {
  return [...tally.counts].map(([status, count]) => `, ${grouped(count)} ${status}`).join('')
}

/** A line that is too long wraps, and then more lines stand there than will be taken back. */
function fitted(paper: Paper, line: string): string {
  if (paper.width(line) < paper.columns) return line
  let text = ''
  for (const character of line) {
    if (paper.width(text + character) >= paper.columns - 1) break
    text += character
  }
  return `${text}…`
}
