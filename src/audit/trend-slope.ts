/** A point of a series; any units, the same for all. */
export type Point = { readonly at: number; readonly value: number }

/** A slope with an interval, value per unit of `at`. */
export type Slope = { readonly slope: number; readonly low: number; readonly high: number }

/**
 * Theil and Sen: the median of the slopes between all pairs, which a third of wrong points does not move; its interval from the
 * ranks that Kendall's test leaves. P. K. Sen, J. Am. Stat. Assoc. 63 (1968), 1379-1389.
 * @param points at least two, of different times; of some hundred the pairs are some ten thousand.
 * @param z of the normal distribution: 1.645 for 90 %
 */
export function slopeOf(points: readonly Point[], z: number): Slope {
  const slopes = slopesOf(points).sort()
  const n = points.length
  const reach = z * Math.sqrt((n * (n - 1) * (2 * n + 5)) / 18)
  const low = Math.max(0, Math.floor((slopes.length - reach) / 2))
  const high = Math.min(slopes.length - 1, Math.ceil((slopes.length + reach) / 2))
  return { slope: median(slopes), low: slopes[low] ?? 0, high: slopes[high] ?? 0 }
}

/** Of all pairs; a typed array, which sorts numbers ten times as fast: a trend of thousands of hosts is made of little else. */
function slopesOf(points: readonly Point[]): Float64Array {
  const slopes = new Float64Array((points.length * (points.length - 1)) / 2)
  let count = 0
  for (const [at, b] of points.entries()) {
    for (const a of points.slice(0, at)) {
      if (b.at !== a.at) slopes[count++] = (b.value - a.value) / (b.at - a.at)
    }
  }
  return slopes.subarray(0, count)
}

/** What a line of this slope leaves over at each point, smallest first. */
export function residuals(points: readonly Point[], slope: number): readonly number[] {
  return points.map(({ at, value }) => value - slope * at).toSorted((a, b) => a - b)
}

/** @param sorted smallest first; 0 where it is empty. @param share from 0 to 1. */
export function quantile(sorted: ArrayLike<number>, share: number): number {
  const place = share * (sorted.length - 1)
  const below = sorted[Math.floor(place)] ?? 0
  const above = sorted[Math.ceil(place)] ?? below
  return below + (above - below) * (place - Math.floor(place))
}

export function median(sorted: ArrayLike<number>): number {
  return quantile(sorted, 0.5)
}
