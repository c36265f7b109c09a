import type { Sample } from '../model/history.ts'
import { known, type Reading, unknown } from '../model/reading.ts'

type Counted = Pick<Sample, 'boot' | 'drops' | 'insertFailed'>

/**
 * Packets that were dropped for want of room between two samples of one host. Lost races for one entry, which the kernel counts in
 * both `drop` and `insert_failed`, are no sign of a full table.
 */
export function lossBetween(before: Counted, after: Counted): Reading<number> {
  if (before.drops === null || after.drops === null) return unknown('the counters were not read both times')
  if (before.boot === null || after.boot === null) return unknown('whether it was restarted meanwhile is not known')
  if (before.boot !== after.boot) return unknown('it was restarted meanwhile, and its counters began anew')
  const drops = after.drops - before.drops
  const races =
    before.insertFailed === null || after.insertFailed === null ? 0 : after.insertFailed - before.insertFailed
  if (drops < 0 || races < 0) return unknown('its counters went backwards: they began anew, or ran over')
  return known(Math.max(0, drops - races))
}
