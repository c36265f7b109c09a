import { bucketsOf } from '../model/buckets.ts'
import type { EntrySize, TableSize } from '../model/explanation.ts'
import type { Facts } from '../model/facts.ts'
import { known, mapReading, type Reading } from '../model/reading.ts'
import type { Analysis } from '../playbook/names.ts'

/** The table as the facts have it. Where nothing is tracked it has no entries and no buckets. */
export function tableSize(facts: Facts, tune: Analysis['tune']): TableSize {
  const { conntrack } = facts
  const absent = conntrack.generation.known && conntrack.generation.value === 'none'
  const entries = absent ? known(0) : conntrack.count
  const buckets = absent ? known(0) : bucketsOf(facts.conntrack)
  const entrySize = entrySizeOf(facts, tune)
  return {
    entries,
    max: conntrack.max,
    buckets,
    entrySize,
    bytes: combined(entries, buckets, (count, heads) => count * entrySize.bytes + heads * bytesOfBucket(facts)),
  }
}

/** A bucket is one pointer. */
export function bytesOfBucket({ system }: Facts): number {
  return system.archBits.known ? system.archBits.value / 8 : 8
}

/** A value of two readings; the first that is not known says why. */
export function combined<A, B, C>(one: Reading<A>, other: Reading<B>, join: (a: A, b: B) => C): Reading<C> {
  return one.known ? mapReading(other, (value) => join(one.value, value)) : one
}

function entrySizeOf({ conntrack }: Facts, { entryBytes: bytes, entryBytesMeasured }: Analysis['tune']): EntrySize {
  if (entryBytesMeasured || conntrack.entryBytes.known) return { bytes, measured: true }
  return { bytes, measured: false, why: conntrack.entryBytes.why }
}
