/** A word of a rule, and whether it stood in quotes: a quoted word is never an option. */
export type Word = { readonly text: string; readonly quoted: boolean }

/** Splits a rule as iptables-restore does: double or single quotes, backslash escapes within them; null when one is left open. */
export function wordsOf(line: string): readonly Word[] | null {
  const words: Word[] = []
  let at = 0
  while (at < line.length) {
    const here = line[at] as string
    if (here === ' ' || here === '\t') {
      at += 1
      continue
    }
    let text = ''
    let quoted = false
    while (at < line.length && line[at] !== ' ' && line[at] !== '\t') {
      const mark = line[at] as string
      if (mark !== '"' && mark !== "'") {
        text += mark
        at += 1
        continue
      }
      const inside = quotedAt(line, at, mark)
      if (inside === null) return null
      text += inside.text
      quoted = true
      at = inside.end
    }
    words.push({ text, quoted })
  }
  return words
}

function quotedAt(line: string, start: number, mark: string): { readonly text: string; readonly end: number } | null {
  let text = ''
  for (let at = start + 1; at < line.length; at += 1) {
    const here = line[at] as string
    if (here === mark) return { text, end: at + 1 }
    if (here === '\\' && at + 1 < line.length) {
      at += 1
      text += line[at]
    } else text += here
  }
  return null
}
