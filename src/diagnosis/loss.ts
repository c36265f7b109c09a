import type { CounterFacts } from '../model/facts.ts'
import { known, type Reading } from '../model/reading.ts'

/**
 * Packets that the table's size cost between the two readings. The kernel counts a lost race between two entries of one flow
 * in both `drop` and `insert_failed` (nf_ct_resolve_clash in nf_conntrack_core.c); those are no sign of a full table.
 */
export function tableDrops({ drop, insertFailed }: CounterFacts): Reading<number> {
  return drop.known && insertFailed.known ? known(Math.max(0, drop.value - insertFailed.value)) : drop
}
