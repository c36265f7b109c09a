import { dropsPerSecond, invalidPerSecond } from '../diagnosis/rates.ts'
import type { Change } from '../model/change.ts'
import type { Facts } from '../model/facts.ts'
import type { Json } from '../model/json.ts'
import type { DropsGate, InvalidGate } from '../model/plan.ts'
import { mapReading, type Reading } from '../model/reading.ts'
import { foretellDrops } from './foretell-drops.ts'

/** What a playbook wants of a rate: seconds, and packets a second; null: worked out from the facts. */
type WantedRate = { readonly withinSeconds: number; readonly mostPerSecond: number | null }

/**
 * What the plan foretells of packets dropped for want of room, see `foretellDrops`; what the playbook asks for goes before it.
 * @param lastRules the edits with which nothing is tracked any more, where there are such
 * @returns unknown where the kernel does not count drops
 */
export function dropsGate(
  facts: Facts,
  changes: readonly Change[],
  wanted: WantedRate,
  lastRules: readonly Json[],
): Reading<DropsGate> {
  return mapReading(dropsPerSecond(facts.counters), (beforePerSecond): DropsGate => {
    const { withinSeconds, mostPerSecond } = wanted
    if (mostPerSecond !== null) {
      return { gate: 'drops', mostPerSecond, withinSeconds, beforePerSecond, because: 'the playbook asks for it' }
    }
    const foretold = foretellDrops(facts, changes, { beforePerSecond, withinSeconds, lastRules })
    return { gate: 'drops', withinSeconds, beforePerSecond, ...foretold }
  })
}

/** INVALID packets of a second below this many are what scans and late answers cause anywhere. */
const FEW_INVALID = 25
const SOARING = 10

/**
 * How many INVALID packets a second there may be: ten times as many as before, and 25 a second in any case. Flows that a
 * change breaks are INVALID with each packet, so that a busy service's are far above either.
 * @returns unknown where the kernel does not count them
 */
export function invalidGate(facts: Facts, { withinSeconds, mostPerSecond }: WantedRate): Reading<InvalidGate> {
  return mapReading(invalidPerSecond(facts.counters), (beforePerSecond) => ({
    gate: 'invalid',
    mostPerSecond: mostPerSecond ?? Math.ceil(Math.max(beforePerSecond * SOARING, FEW_INVALID)),
    withinSeconds,
    beforePerSecond,
  }))
}
