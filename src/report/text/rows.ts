import type { Reading } from '../../model/reading.ts'
import { type Paper, type Piece, paragraph } from '../format.ts'

/** A named line of a report; a reading that is not known says why in its place. */
export type Row = readonly [label: string, value: Reading<readonly Piece[] | string> | readonly Piece[] | string]

const INDENT = 4
const LABEL = 20

/** Labels in one column, values beside them with a hanging indent. */
export function rows(paper: Paper, all: readonly Row[]): readonly string[] {
  return all.flatMap(([label, value]) => {
    const margin = ' '.repeat(INDENT)
    const indent = { first: margin + label.padEnd(LABEL), rest: ' '.repeat(INDENT + LABEL) }
    return paragraph(paper, indent, ...piecesOf(value))
  })
}

function piecesOf(value: Row[1]): readonly Piece[] {
  if (typeof value === 'string') return [value]
  if (!('known' in value)) return value
  if (!value.known) return [{ tone: 'warn', text: 'not known: ' }, value.why]
  return typeof value.value === 'string' ? [value.value] : value.value
}
