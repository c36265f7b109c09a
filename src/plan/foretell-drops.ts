import { drainOf } from '../diagnosis/forecast.ts'
import { duration, grouped } from '../diagnosis/numbers.ts'
import type { Change } from '../model/change.ts'
import type { Facts } from '../model/facts.ts'
import { type Json, sameJson } from '../model/json.ts'
import type { DropsGate } from '../model/plan.ts'
import { known, type Reading, unknown } from '../model/reading.ts'
import { STEP_KINDS } from '../steps/catalog.ts'
import type { LocalFlows, Relief } from '../steps/step-kind.ts'

type Foretold = Pick<DropsGate, 'mostPerSecond' | 'because'>

type Asked = {
  readonly beforePerSecond: number
  readonly withinSeconds: number
  /** The edits with which nothing is tracked any more; none where there are no such. */
  readonly lastRules: readonly Json[]
}

/** Seconds after the change by which the first look at the counters is surely over; a playbook's gates take a third of it. */
const FIRST_LOOK = 30
/** Of the entries there: less room than that may be taken between the plan and the change. */
const GROWTH = 0.1
/** Twice as many, or so many a second more, is what two seconds of counting may differ by chance. */
const CHANCE = 10

/**
 * How many packets may be dropped for want of room, a second, once these changes are made; a gate that asks for more than
 * is sure takes back what is right.
 * - Where tracking ends, or there is room for all that is turned away until somebody looks: none.
 * - Where flows are left untracked, and enough of the entries run out within the gate's time: half as many as before. No
 *   packet of theirs sets an entry's time back any more, so what the kernel lists is an upper bound.
 * - Else they are only held from growing. Shorter timeouts are among these: an entry takes them with its next packet.
 */
export function foretellDrops(facts: Facts, changes: readonly Change[], asked: Asked): Foretold {
  const reliefs = changes.flatMap((change) => reliefOf(change) ?? [])
  const { beforePerSecond, withinSeconds, lastRules } = asked
  const end = whyTrackingEnds(reliefs, lastRules)
  if (end !== null) return { mostPerSecond: 0, because: end }
  const room = roomAtOnce(facts, reliefs)
  const needed = roomNeeded(facts, reliefs, beforePerSecond)
  if (room.known && room.value !== null && needed.known && room.value.entries >= needed.value) {
    return { mostPerSecond: 0, because: room.value.because }
  }
  const late = roomLater(facts, reliefs, withinSeconds)
  if (beforePerSecond >= CHANCE && late.known && needed.known && late.value.entries >= needed.value) {
    return { mostPerSecond: Math.floor(beforePerSecond / 2), because: late.value.because }
  }
  return {
    mostPerSecond: Math.ceil(Math.max(beforePerSecond * 2, beforePerSecond + CHANCE)),
    because: whyNoMore(facts, room),
  }
}

function reliefOf(change: Change): Relief | null {
  return STEP_KINDS.find(({ kind }) => kind === change.kind)?.relief(change) ?? null
}

function whyTrackingEnds(reliefs: readonly Relief[], lastRules: readonly Json[]): string | null {
  if (reliefs.some(({ relief }) => relief === 'tracking-ends')) return 'connection tracking is unloaded'
  const rules = reliefs.flatMap((each) => (each.relief === 'rules' ? [each] : []))
  const gone = rules.flatMap((each) => each.gone)
  const areLast = lastRules.length > 0 && lastRules.every((edit) => gone.some((each) => sameJson(each, edit)))
  return areLast && !rules.some(({ come }) => come) ? 'no new flow takes an entry' : null
}

/** Entries that there is room for, and what makes it, as a clause. */
type Room = { readonly entries: number; readonly because: string }

/** Null where nothing makes any. */
function roomAtOnce(facts: Facts, reliefs: readonly Relief[]): Reading<Room | null> {
  const { count, max } = facts.conntrack
  const limits = reliefs.flatMap((each) => (each.relief === 'max' ? [each] : []))
  const limit = limits.at(-1)?.to ?? (max.known ? max.value : null)
  const raised = limits.some(({ from, to }) => to > from)
  const deleted = reliefs.flatMap((each) => (each.relief === 'entries-go' ? [each.flows] : []))
  if (!raised && deleted.length === 0) return known(null)
  if (!count.known) return unknown(`how many entries there are is not known: ${count.why}`)
  if (limit === null) return unknown(`how many entries there may be is not known${max.known ? '' : `: ${max.why}`}`)
  const all = deleted.some((flows) => flows === 'all')
  const share = all
    ? 1
    : shareOf(
        facts,
        deleted.flatMap((flows) => (flows === 'all' ? [] : flows)),
      )
  const entries = limit - count.value + Math.floor(count.value * share)
  return known({ entries, because: raised ? `max is raised to ${grouped(limit)}` : 'entries are deleted at once' })
}

/** Entries that those flows take until somebody looks that were turned away, or let in at the cost of others, before. */
function roomNeeded(facts: Facts, reliefs: readonly Relief[], droppedPerSecond: number): Reading<number> {
  const { counters, conntrack } = facts
  const { earlyDrop, seconds } = counters
  if (!conntrack.count.known) return conntrack.count
  if (!earlyDrop.known) return earlyDrop
  if (!seconds.known) return seconds
  const perSecond = droppedPerSecond + earlyDrop.value / seconds.value
  // Of those that come, flows that are left untracked are taken to be as many as of those that are there.
  const stay = 1 - shareOf(facts, untrackedBy(reliefs))
  return known(Math.max(conntrack.count.value * GROWTH, perSecond * stay * FIRST_LOOK))
}

/** Entries of untracked flows that run out within the gate's time: of all entries nine of ten do, so of theirs all but that tenth. */
function roomLater(facts: Facts, reliefs: readonly Relief[], withinSeconds: number): Reading<Room> {
  const { conntrack, entries } = facts
  if (!conntrack.count.known) return conntrack.count
  if (!entries.sample.known) return entries.sample
  const { remaining, read } = entries.sample.value
  if (remaining === null || remaining.ninety > withinSeconds) return unknown('they do not run out in time')
  const left = 1 - (0.9 * remaining.told) / Math.max(read, 1)
  const share = Math.max(0, shareOf(facts, untrackedBy(reliefs)) - left)
  const because = `no packet keeps the entries of these ports any more, and nine of ten of all run out within ${duration(remaining.ninety)}`
  return known({ entries: Math.floor(conntrack.count.value * share), because })
}

function untrackedBy(reliefs: readonly Relief[]): readonly LocalFlows[] {
  return reliefs.flatMap((each) => (each.relief === 'rules' ? each.untracked : []))
}

/** The part of the entries, 0 to 1, that is known to be of flows to these ports of the host itself. */
function shareOf({ entries: { sample } }: Facts, flows: readonly LocalFlows[]): number {
  if (!sample.known) return 0
  const theirs = sample.value.byDestinationPort.filter(({ protocol, port }) =>
    flows.some((each) => each.protocol === protocol && each.ports.includes(port)),
  )
  return theirs.reduce((sum, { share, local }) => sum + share * (local ?? 0), 0)
}

function whyNoMore(facts: Facts, room: Reading<Room | null>): string {
  const drain = drainOf(facts)
  const why = !room.known
    ? room.why
    : room.value === null
      ? 'nothing makes room at once'
      : `${room.value.because}, which may not be room enough`
  if (!drain.known) return `${why}, and how soon entries run out is not known`
  return `${why}: ${drain.value.text}`
}
