import type { CounterFacts, CounterSample } from '../model/facts.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'
import { tableDrops } from './loss.ts'

/**
 * Packets a second that connection tracking called INVALID between the two readings: the column `invalid` of
 * /proc/net/stat/nf_conntrack, which old kernels and each network namespace have as well.
 */
export function invalidPerSecond(counters: CounterFacts): Reading<number> {
  const { first, second } = counters
  if (!first.known) return first
  if (!second.known) return second
  return perSecond(growth(first.value, second.value), counters)
}

/** Packets a second that were dropped for want of room between the two readings. */
export function dropsPerSecond(counters: CounterFacts): Reading<number> {
  return perSecond(tableDrops(counters), counters)
}

function growth(from: CounterSample, to: CounterSample): Reading<number> {
  const [before, after] = [from, to].map(({ counters }) =>
    Object.hasOwn(counters, COLUMN) ? counters[COLUMN] : undefined,
  )
  if (before === undefined || after === undefined) return unknown(`this kernel does not count ${COLUMN}`)
  if (after >= before) return known(after - before)
  // Each CPU's counter has 32 bits.
  const wrapped = after + 2 ** 32 - before
  return wrapped >= 0 && wrapped < 2 ** 31
    ? known(wrapped)
    : unknown(`${COLUMN} went backwards between the two readings`)
}

const COLUMN = 'invalid'

/** To one decimal. */
function perSecond(packets: Reading<number>, { seconds }: CounterFacts): Reading<number> {
  if (!packets.known) return packets
  if (!seconds.known) return seconds
  if (seconds.value <= 0) return unknown('no time passed between the two readings of the counters')
  return mapReading(packets, (count) => Math.round((count / seconds.value) * 10) / 10)
}
