import { wilsonInterval } from '../diagnosis/wilson.ts'
import type { Estimate } from '../model/explanation.ts'

/** The share of the whole table, 0 to 1, that some entries of a sample stand for: itself where the sample is the table. */
export function shareOfTable(
  entries: number,
  { read, total }: { readonly read: number; readonly total: number },
): Estimate {
  const value = read === 0 ? 0 : entries / read
  return read >= total ? { value, low: value, high: value } : { value, ...wilsonInterval(entries, read) }
}
