import type { Facts } from '../model/facts.ts'
import type { Sample } from '../model/history.ts'
import type { Reading } from '../model/reading.ts'

/** What the record keeps of a host's facts. @param at RFC 3339, UTC. */
export function sampleOf(
  { conntrack, counters, system }: Facts,
  { host, inventory, at }: Pick<Sample, 'host' | 'inventory' | 'at'>,
): Sample {
  const last = counters.second.known ? counters.second : counters.first
  const counter = (name: string) => {
    if (!last.known || !Object.hasOwn(last.value.counters, name)) return null
    return last.value.counters[name] ?? null
  }
  return {
    host,
    inventory,
    at,
    boot: orNull(system.bootId),
    entries: orNull(conntrack.count),
    max: orNull(conntrack.max),
    buckets: orNull(conntrack.buckets),
    drops: counter('drop'),
    earlyDrops: counter('early_drop'),
    insertFailed: counter('insert_failed'),
  }
}

function orNull<T>(reading: Reading<T>): T | null {
  return reading.known ? reading.value : null
}
