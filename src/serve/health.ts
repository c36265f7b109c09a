import type { Rules } from './turn.ts'

/** How the watch itself is: not the hosts. */
export type Health = {
  readonly status: 'ok' | 'late' | 'failing'
  /** One sentence. */
  readonly why: string
}

export type Watched = {
  readonly rules: Rules
  /** Milliseconds since 1970, UTC: when this process began to watch. */
  readonly since: number
  /** The last audit on record: when it was due, its hosts, and how many of them could not be audited. Null where there is none. */
  readonly last: { readonly due: number; readonly hosts: number; readonly unasked: number } | null
  /** Why the last attempt came to nothing, until one comes to something. */
  readonly trouble: string | null
}

/** Milliseconds from when it should have begun until an audit that is not on record is late. */
export const MAY_TAKE = 15 * 60_000

/** @param now milliseconds since 1970, UTC. */
export function healthOf(now: number, { rules, since, last, trouble }: Watched): Health {
  if (trouble !== null) return { status: 'failing', why: trouble }
  if (last !== null && last.hosts > 0 && last.unasked === last.hosts) {
    return { status: 'failing', why: 'the last audit could ask none of its hosts' }
  }
  const due = rules.times.last(now)
  const expected = due === null || due + rules.delayOf(due) + MAY_TAKE <= now ? due : rules.times.last(due - 1)
  if (expected === null || (last !== null && last.due >= expected))
    return { status: 'ok', why: last === null ? 'no audit is due yet' : 'the last audit was in time' }
  // Whoever has just begun is not late with what others left undone.
  if (now - since < MAY_TAKE) return { status: 'ok', why: 'begun a short while ago' }
  return { status: 'late', why: `the audit that was due at ${new Date(expected).toISOString()} is not on record` }
}
