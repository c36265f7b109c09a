import { type DiffLine, diffLines, hunks } from '../../diff/lines.ts'
import { type Paper, type Tone, verbatim } from '../format.ts'

const TONES: Readonly<Record<DiffLine['sign'], Tone | undefined>> = { ' ': undefined, '-': 'removed', '+': 'added' }

/** A unified diff. Lines stand as the host has them; what is wider than the paper goes on below, further in. */
export function diffText(
  paper: Paper,
  margin: string,
  shown: { readonly before: readonly string[]; readonly after: readonly string[] },
): readonly string[] {
  const found = hunks(shown.before, shown.after)
  const whole = found[0]?.lines.length === diffLines(shown.before, shown.after).length
  return found.flatMap(({ beforeStart, beforeLines, afterStart, afterLines, lines }) => [
    // Where the diff shows both sides whole, its place in them is no news.
    ...(whole
      ? []
      : [margin + paper.ink('faint', `@@ -${beforeStart},${beforeLines} +${afterStart},${afterLines} @@`)]),
    ...lines.flatMap(({ sign, text }) =>
      verbatim(
        paper,
        { first: margin, rest: `${margin}    ` },
        `${sign} ${sign === ' ' ? text : endMarked(text)}`,
        TONES[sign],
      ),
    ),
  ])
}

/** Spaces at the end would be invisible, and two lines that differ in them look the same. */
function endMarked(text: string): string {
  return text.replace(/ +$/, (spaces) => '\\x20'.repeat(spaces.length))
}
