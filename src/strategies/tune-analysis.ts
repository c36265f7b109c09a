import { type Drain, drainOf } from '../diagnosis/forecast.ts'
import { tableDrops } from '../diagnosis/loss.ts'
import { bytes, counted, duration, grouped, percent } from '../diagnosis/numbers.ts'
import { DEFAULT_THRESHOLDS } from '../diagnosis/thresholds.ts'
import { bucketsOf } from '../model/buckets.ts'
import type { CounterFacts, Facts } from '../model/facts.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'
import type { Analysis } from '../playbook/names.ts'

export type TuneAnalysis = Analysis['tune']

/** Bytes of a large entry, for kernels that do not tell: 304 was common on 2.6, 320 on 3.x and 4.x, 256 is on 6.x. */
const LARGE_ENTRY = 320
const BUCKET_BYTES = 8
/** Nothing is taken to live longer than this, in seconds; see `lifetimeOf`. */
const LONGEST_LIFE = 3600

/** How many entries this host needs at once, how many its memory holds, and how slowly the table empties. */
export function analyseTune(facts: Facts): TuneAnalysis {
  const { entryBytes } = facts.conntrack
  const { sample } = facts.entries
  const { available } = facts.memory
  const size = entryBytes.known ? entryBytes.value : LARGE_ENTRY
  const drain = drainOf(facts)
  const remaining = (part: 'half' | 'ninety' | 'longest'): Reading<number> => {
    if (!sample.known) return sample
    const { remaining } = sample.value
    return remaining === null ? unknown('no entry told when it runs out') : known(remaining[part])
  }
  return {
    ...demandOf(facts),
    fits: fittingMax(facts, size),
    entryBytes: size,
    entryBytesMeasured: entryBytes.known,
    availableText: available.known
      ? `${bytes(available.value)} are available`
      : `how much is available is not known: ${available.why}`,
    drain: { half: remaining('half'), ninety: remaining('ninety'), longest: remaining('longest') },
    drainText: drain.known ? drainText(drain.value) : '',
  }
}

/**
 * Entries needed at once. Where packets were turned away or entries evicted between the two readings, the table was full,
 * and needs room for all it may hold and, by Little's law, for rate of arrival × time in the table of those that found no
 * place (J. D. C. Little, Operations Research 9 (1961), 383-387). Where nothing was lost, or lifetimes are not known, the
 * rule of thumb: twice what it holds from 75 % up, else what it holds.
 *
 * Limits: two seconds of counting say little about the busiest hour; a packet that is sent again counts again, and a flood
 * counts like customers, so that the figure is high rather than low.
 */
function demandOf({ conntrack, counters, entries }: Facts): Pick<TuneAnalysis, 'demand' | 'demandBecause'> {
  const { count, max, usage } = conntrack
  const cannot = (why: string) => ({ demand: unknown(why), demandBecause: why })
  if (!count.known) return cannot(`how many entries there are is not known: ${count.why}`)
  if (!max.known) return cannot(`how many entries there may be is not known: ${max.why}`)
  if (!usage.known) return cannot(`how full the table is is not known: ${usage.why}`)
  const say = (demand: number, demandBecause: string) => ({ demand: known(Math.ceil(demand)), demandBecause })

  const loss = lossOf(counters)
  if (loss.known && loss.value.perSecond > 0) {
    const held = Math.max(count.value, max.value)
    const there = `${grouped(held)} that fill the table`
    const life = lifetimeOf(entries.sample)
    if (!life.known) {
      return say(held * 2, `twice the ${there}: ${loss.value.text}; how long entries live is not known: ${life.why}`)
    }
    const more = Math.ceil(loss.value.perSecond * life.value)
    const lives = `an entry is taken to live ${duration(life.value)}`
    return say(held + more, `the ${there}, and ${grouped(more)} more: ${loss.value.text}, and ${lives}`)
  }
  const unseen = loss.known ? 'nothing was turned away just now' : `what is turned away is not known: ${loss.why}`
  const there = counted(count.value, 'entry', 'entries')
  return usage.value >= DEFAULT_THRESHOLDS.usage
    ? say(count.value * 2, `twice the ${there} that fill ${percent(usage.value)} of the table; ${unseen}`)
    : say(count.value, `the ${there} there, ${percent(usage.value)} of the table; ${unseen}`)
}

type Loss = { readonly perSecond: number; readonly text: string }

function lossOf(counters: CounterFacts): Reading<Loss> {
  const { seconds, earlyDrop: evicted } = counters
  const dropped = tableDrops(counters)
  if (!dropped.known) return dropped
  if (!evicted.known) return evicted
  if (!seconds.known) return seconds
  if (seconds.value <= 0) return unknown('no time passed between the two readings of the counters')
  const rate = (growth: number) => Math.round((growth / seconds.value) * 10) / 10
  const texts = [
    ...(dropped.value > 0 ? [`no room for ${counted(rate(dropped.value), 'packet', 'packets')} a second`] : []),
    ...(evicted.value > 0 ? [`${counted(rate(evicted.value), 'entry', 'entries')} a second evicted`] : []),
  ]
  return known({ perSecond: (dropped.value + evicted.value) / seconds.value, text: texts.join(' and ') })
}

/**
 * How long an entry stays, in seconds: twice the time within which half of those there run out, an hour at most. For entries
 * that all live equally long, as timeouts make them, what remains is spread evenly over a lifetime, and its middle is half of
 * one (D. R. Cox, Renewal Theory, 1962). Not the mean: one entry in a hundred with the kernel's five days left
 * would raise that by more than an hour. Each packet sets the time back, so where most flows are alive it is an upper bound,
 * which is what the hour is for.
 */
function lifetimeOf(sample: Facts['entries']['sample']): Reading<number> {
  if (!sample.known) return sample
  const { remaining } = sample.value
  if (remaining === null) return unknown('no entry told when it runs out')
  return known(Math.min(Math.max(remaining.half * 2, 1), LONGEST_LIFE))
}

/**
 * The largest max whose full table takes no more than half of the memory that there is for it: what is available, and what
 * the entries and buckets there hold already. Each entry is counted with a bucket of its own, and the buckets there stay.
 * Extensions of an entry (NAT, accounting, labels) are not in the slab's size; the other half is for them and all else.
 */
function fittingMax({ memory, conntrack }: Facts, entryBytes: number): Reading<number> {
  const { available } = memory
  const { count } = conntrack
  if (!available.known) return available
  if (!count.known) return count
  return mapReading(bucketsOf(conntrack), (buckets) => {
    const bucketBytes = buckets * BUCKET_BYTES
    const room = (available.value + count.value * entryBytes + bucketBytes) / 2
    const entries = Math.min((room - bucketBytes) / entryBytes, room / (entryBytes + BUCKET_BYTES))
    return Math.max(0, Math.floor(entries))
  })
}

function drainText({ text, from }: Drain): string {
  return from.length === 0 ? text : `${text} (${from.join(', ')})`
}
