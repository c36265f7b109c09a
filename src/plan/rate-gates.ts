import { drainOf } from '../diagnosis/forecast.ts'
import { grouped } from '../diagnosis/numbers.ts'
import { dropsPerSecond, invalidPerSecond } from '../diagnosis/rates.ts'
import type { Change } from '../model/change.ts'
import type { Facts } from '../model/facts.ts'
import type { DropsGate, InvalidGate } from '../model/plan.ts'
import { mapReading, type Reading } from '../model/reading.ts'

/** What a playbook wants of a rate: seconds, and packets a second; null: worked out from the facts. */
type WantedRate = { readonly withinSeconds: number; readonly mostPerSecond: number | null }

/**
 * What the plan foretells of packets dropped for want of room. Where the changes make room at once, drops end. Where entries
 * can only run out, drops go on for a while, and a gate that forbade that would undo what is right: then they may not get
 * much worse. Twice as many, or ten a second more, is what two seconds of counting may differ by chance.
 * @returns unknown where the kernel does not count drops
 */
export function dropsGate(facts: Facts, changes: readonly Change[], wanted: WantedRate): Reading<DropsGate> {
  return mapReading(dropsPerSecond(facts.counters), (beforePerSecond) => {
    const { withinSeconds } = wanted
    const room = roomAtOnce(facts, changes)
    const foretold = room === null ? Math.ceil(Math.max(beforePerSecond * 2, beforePerSecond + 10)) : 0
    const because = room ?? slowness(facts)
    return {
      gate: 'drops',
      mostPerSecond: wanted.mostPerSecond ?? foretold,
      withinSeconds,
      beforePerSecond,
      because,
    }
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

/** What makes room at once, as a clause; null where nothing does. */
function roomAtOnce(facts: Facts, changes: readonly Change[]): string | null {
  for (const change of changes) {
    const clause = roomMadeBy(change, facts)
    if (clause !== null) return clause
  }
  return null
}

function roomMadeBy({ kind, want, before, after }: Change, { conntrack }: Facts): string | null {
  if (kind === 'kernel-modules') return 'connection tracking is unloaded'
  if (kind === 'flush-entries') return 'entries are deleted at once'
  // With its last stateful rule tracking ends, and what is not tracked needs no room.
  if (kind === 'firewall') return /"action":"add"/.test(JSON.stringify(want)) ? null : 'no new flow takes an entry'
  if (kind !== 'sysctl' || !/conntrack_max"/.test(JSON.stringify(want))) return null
  const [from, to] = [before, after].map(valueIn)
  if (from === undefined || to === undefined || to <= from) return null
  if (conntrack.count.known && to <= conntrack.count.value) return null
  return `max is raised to ${grouped(to)}`
}

/** The number in a setting's state. */
function valueIn(state: Change['before']): number | undefined {
  if (typeof state !== 'object' || state === null || !('value' in state)) return undefined
  const { value } = state
  return typeof value === 'string' && /^\d{1,15}$/.test(value) ? Number(value) : undefined
}

function slowness(facts: Facts): string {
  const drain = drainOf(facts)
  if (!drain.known) return 'nothing makes room at once, and entries have to run out by themselves'
  return `nothing makes room at once: ${drain.value.half}, ${drain.value.rest}, if no packet of theirs comes`
}
