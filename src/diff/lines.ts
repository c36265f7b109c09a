import { diffArrays } from 'diff'

/** A line of a diff: in both, only before, or only after. */
export type DiffLine = { readonly sign: ' ' | '-' | '+'; readonly text: string }

/** Lines that changed with their neighbours. Starts count from 1; a side without lines starts where they would stand, minus 1. */
export type Hunk = {
  readonly beforeStart: number
  readonly beforeLines: number
  readonly afterStart: number
  readonly afterLines: number
  readonly lines: readonly DiffLine[]
}

/** Longest time in milliseconds that looking for the smallest diff may take; past it the diff is right, but not small. */
const TIMEOUT_MS = 250

/** Every line of both sides, in order: taking those without `+` gives `before`, those without `-` gives `after`. */
export function diffLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const head = commonLength(before, after)
  const tail = commonLength(before.slice(head).reverse(), after.slice(head).reverse())
  const middle = changedLines(before.slice(head, before.length - tail), after.slice(head, after.length - tail))
  return [...marked(' ', before.slice(0, head)), ...middle, ...marked(' ', before.slice(before.length - tail))]
}

/** The changed places with up to `context` unchanged lines around each; none when both sides are equal. */
export function hunks(before: readonly string[], after: readonly string[], context = 3): readonly Hunk[] {
  const lines = diffLines(before, after)
  const changed = lines.flatMap(({ sign }, at) => (sign === ' ' ? [] : [at]))
  const ranges: { from: number; to: number }[] = []
  for (const at of changed) {
    const last = ranges.at(-1)
    if (last !== undefined && at - context <= last.to) last.to = Math.min(at + context + 1, lines.length)
    else ranges.push({ from: Math.max(at - context, 0), to: Math.min(at + context + 1, lines.length) })
  }
  return ranges.map((range) => hunkOf(lines, range))
}

function hunkOf(lines: readonly DiffLine[], { from, to }: { from: number; to: number }): Hunk {
  const inside = lines.slice(from, to)
  const above = lines.slice(0, from)
  const beforeLines = countWithout('+', inside)
  const afterLines = countWithout('-', inside)
  return {
    beforeStart: countWithout('+', above) + (beforeLines === 0 ? 0 : 1),
    beforeLines,
    afterStart: countWithout('-', above) + (afterLines === 0 ? 0 : 1),
    afterLines,
    lines: inside,
  }
}

function changedLines(before: readonly string[], after: readonly string[]): readonly DiffLine[] {
  const parts = diffArrays([...before], [...after], { timeout: TIMEOUT_MS })
  if (parts === undefined) return [...marked('-', before), ...marked('+', after)]
  return parts.flatMap(({ added, removed, value }) => marked(added ? '+' : removed ? '-' : ' ', value))
}

function marked(sign: DiffLine['sign'], texts: readonly string[]): readonly DiffLine[] {
  return texts.map((text) => ({ sign, text }))
}

function commonLength(one: readonly string[], other: readonly string[]): number {
  const at = one.findIndex((text, index) => text !== other[index])
  return at === -1 ? Math.min(one.length, other.length) : at
}

function countWithout(sign: DiffLine['sign'], lines: readonly DiffLine[]): number {
  return lines.filter((line) => line.sign !== sign).length
}
