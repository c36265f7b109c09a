import type { ConntrackFacts } from './facts.ts'
import type { Reading } from './reading.ts'

/**
 * The buckets of the hash table in force. On some kernels the sysctl keeps the number from before the last change, and the
 * module parameter is right; it is for root only, and 0 or not there where the kernel has none.
 */
export function bucketsOf({ hashSize, buckets }: Pick<ConntrackFacts, 'hashSize' | 'buckets'>): Reading<number> {
  return hashSize.known && hashSize.value > 0 ? hashSize : buckets
}
