import type { Fault } from '../../model/fault.ts'
import { type Paper, paragraph } from '../format.ts'

/** What went wrong, and what to type now. */
export function faultLines(paper: Paper, margin: string, fault: Fault): readonly string[] {
  return [
    ...paragraph(paper, margin, fault.message),
    ...paragraph(paper, { first: margin, rest: `${margin}      ` }, { tone: 'strong', text: 'Next:' }, ' ', fault.next),
  ]
}
