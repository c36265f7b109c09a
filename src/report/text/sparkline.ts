const BARS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** Shares from 0 to 1, a column each: the lowest bar up to an eighth, the highest from seven eighths on; a dot where nothing was read. */
export function sparkline(line: readonly (number | null)[]): string {
  return line
    .map((share) =>
      share === null ? '·' : BARS[Math.min(BARS.length - 1, Math.floor(Math.max(0, share) * BARS.length))],
    )
    .join('')
}
