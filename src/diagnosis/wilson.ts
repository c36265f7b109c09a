/**
 * Wilson's score interval: between which shares of the whole table a share of a sample lies, with 95 % confidence.
 * It stays within 0 and 1 and is honest for small samples. E. B. Wilson, J. Am. Stat. Assoc. 22 (1927), 209-212.
 */
export function wilsonInterval(hits: number, sample: number): { readonly low: number; readonly high: number } {
  if (sample <= 0) return { low: 0, high: 1 }
  const z = 1.959964
  const share = hits / sample
  const centre = (share + (z * z) / (2 * sample)) / (1 + (z * z) / sample)
  const reach =
    (z / (1 + (z * z) / sample)) * Math.sqrt((share * (1 - share)) / sample + (z * z) / (4 * sample * sample))
  return { low: Math.max(0, centre - reach), high: Math.min(1, centre + reach) }
}
