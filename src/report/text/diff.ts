import { type DiffLine, diffLines, hunks } from '../../diff/lines.ts'
import { type Paper, type Tone, verbatim } from '../format.ts'

type Shown = { readonly before: readonly string[]; readonly after: readonly string[] }

/** A line of a diff, or with `@` where in both sides the lines below it stand. */
export type DiffRow = { readonly sign: DiffLine['sign'] | '@'; readonly text: string }

/** A unified diff, line by line as the host has them; spaces at the end of a line that changed are spelt. */
export function diffRows(shown: Shown): readonly DiffRow[] {
  const found = hunks(shown.before, shown.after)
  const whole = found[0]?.lines.length === diffLines(shown.before, shown.after).length
  return found.flatMap(({ beforeStart, beforeLines, afterStart, afterLines, lines }) => [
    // Where the diff shows both sides whole, its place in them is no news.
    ...(whole
      ? []
      : [{ sign: '@', text: `@@ -${beforeStart},${beforeLines} +${afterStart},${afterLines} @@` } as const]),
    ...lines.map(({ sign, text }) => ({ sign, text: sign === ' ' ? text : endMarked(text) })),
  ])
}

const TONES: Readonly<Record<DiffLine['sign'], Tone | undefined>> = { ' ': undefined, '-': 'removed', '+': 'added' }

/** The same on paper; what is wider than it goes on below, further in. */
export function diffText(paper: Paper, margin: string, shown: Shown): readonly string[] {
  return diffRows(shown).flatMap(({ sign, text }) =>
    sign === '@'
      ? [margin + paper.ink('faint', text)]
      : verbatim(paper, { first: margin, rest: `${margin}    ` }, `${sign} ${text}`, TONES[sign]),
  )
}

/** Spaces at the end would be invisible, and two lines that differ in them look the same. */
function endMarked(text: string): string {
  return text.replace(/(?<! ) +$/, (spaces) => '\\x20'.repeat(spaces.length))
}
