import type { Check, Checkup } from '../../model/checkup.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'

/** What this machine has, a line each, and below what is not well what to do. */
export function machineText(paper: Paper, machine: Checkup['machine']): readonly string[] {
  return [
    ...paragraph(paper, '', { tone: 'strong', text: 'This machine' }),
    ...machine.flatMap((check) => checkLines(paper, check)),
  ]
}

/** Each step of the way into the host, or why none was looked at. */
export function wayText(paper: Paper, { host, why }: Pick<Checkup, 'host' | 'why'>): readonly string[] {
  if (host === null) return ['', ...paragraph(paper, '', why ?? 'No host was looked at.')]
  return [
    '',
    ...paragraph(paper, '', { tone: 'strong', text: `The way to ${host.name}` }),
    ...host.checks.flatMap((check) => checkLines(paper, check)),
  ]
}

const MARKS: Readonly<Record<Check['standing'], Piece>> = {
  ok: { tone: 'good', text: 'ok' },
  note: { tone: 'warn', text: 'note' },
  failed: { tone: 'bad', text: 'not' },
  'not-reached': { tone: 'faint', text: '-' },
}
/** Columns that the mark and the name of a check take. */
const MARK = 6
const NAME = 18

function checkLines(paper: Paper, { check, standing, said, next }: Check): readonly string[] {
  const mark = MARKS[standing]
  const text = typeof mark === 'string' ? mark : mark.text
  const first = `  ${typeof mark === 'string' ? mark : paper.ink(mark.tone, text)}${' '.repeat(MARK - text.length)}${check.padEnd(NAME)}`
  const rest = ' '.repeat(2 + MARK + NAME)
  const [top = '', ...below] = paragraph(paper, rest, standing === 'not-reached' ? 'not reached' : said)
  return [
    // Colour takes no width, and the paragraph does not know that.
    first + top.slice(rest.length),
    ...below,
    ...(next ?? '').split('\n').flatMap((line, at) => {
      if (line === '') return []
      return paragraph(paper, { first: at === 0 ? `${rest}Next: ` : `${rest}  `, rest: `${rest}  ` }, line)
    }),
  ]
}
