import { drainOf } from '../diagnosis/forecast.ts'
import { duration } from '../diagnosis/numbers.ts'
import type { Basis, Effect, Emptied, Estimate, LeftOut, Resized } from '../model/explanation.ts'
import { type Facts, MOST_NAMED, type PortShare } from '../model/facts.ts'
import { known, mapReading, type Reading, unknown } from '../model/reading.ts'
import { type Binding, bindSteps, computeVars, type Vars } from '../playbook/bind.ts'
import { hostView } from '../playbook/names.ts'
import type { Playbook } from '../playbook/playbook.ts'
import type { Analysis } from './analysis.ts'
import type { Service } from './busy-ports.ts'
import { shareOfTable } from './shares.ts'
import { bytesOfBucket, combined, tableSize } from './table-size.ts'
import { flushedIn, isAboutTheTable, maxIn, number, untracksIn } from './wanted-of-table.ts'

/**
 * What a playbook would change in one host's table, by what its steps are about and not by its name; also where it does not
 * fit, since that is what is missed. What facts do not tell is unknown, with the cause. Entries, bytes, shares from 0 to 1.
 */
export function effectsOf(facts: Facts, analysis: Analysis, playbook: Playbook): Effect {
  const { generation } = facts.conntrack
  if (generation.known && generation.value === 'none') {
    return { remedy: 'other', why: 'nothing is tracked here, so there is no table to change' }
  }
  const { vars, view } = computeVars(playbook, hostView(facts, analysis))
  const binding = bindSteps(playbook, view)
  const has = (kind: string) => playbook.steps.some((step) => step.kind.kind === kind)
  if (has('kernel-modules')) return emptied(facts, analysis)
  if (has('flush-entries') || (binding.type === 'bound' && untracksIn(binding.steps)))
    return leftOut(facts, analysis, binding)
  if (has('hash-size') || isAboutTheTable(binding)) return resized(facts, analysis, { binding, vars })
  if (binding.type !== 'bound') return { remedy: 'other', why: causeOf(binding) }
  return { remedy: 'other', why: 'none of its steps changes the size of the table, or what is tracked' }
}

const COUNTED: Basis = { basis: 'counted' }

function emptied(facts: Facts, { unload, tune }: Analysis): Emptied {
  const { entries, buckets, entrySize } = tableSize(facts, tune)
  const { form, canFlush } = unload
  const ofBuckets = form === 'modules' ? mapReading(buckets, (heads) => heads * bytesOfBucket(facts)) : known(0)
  const atOnce = form === 'modules' ? known(true) : canFlush
  return {
    remedy: 'unload',
    form,
    entriesFreed: mapReading(entries, exactly),
    entriesLeft: known(exactly(0)),
    usageAfter: known(exactly(0)),
    bytesFreed: combined(entries, ofBuckets, (count, heads) => exactly(count * entrySize.bytes + heads)),
    atOnce,
    pace:
      form === 'modules'
        ? 'at once, and no flow takes a new entry'
        : `no flow takes a new entry from then on; those that are there go ${goText(facts, canFlush)}`,
    basis: mapReading(entries, () => COUNTED),
  }
}

function leftOut(facts: Facts, { notrack, tune }: Analysis, binding: Binding): LeftOut {
  const table = tableSize(facts, tune)
  const passing = notrack.services.filter(({ forwarded }) => forwarded)
  const here = flushedIn(binding) ?? notrack.services.filter(({ forwarded }) => !forwarded)
  const services = [...here, ...passing]
  const { sample } = facts.entries
  const share = shareHeldBy(facts, services)
  const freed = combined(table.entries, share, scaled)
  const left = combined(table.entries, freed, (entries, going) => ({
    value: entries - going.value,
    low: entries - going.high,
    high: entries - going.low,
  }))
  // A playbook that fits says itself whether it deletes; for one that does not, the host's means are what is known.
  const deletes = binding.type === 'bound' && notrack.edits.length > 0 ? known(flushedIn(binding) !== null) : null
  // Entries of flows that pass through are left to run out.
  const atOnce = passing.length > 0 ? known(false) : (deletes ?? facts.conntrack.tool)
  return {
    remedy: 'notrack',
    services,
    share,
    entriesFreed: freed,
    entriesLeft: left,
    usageAfter: combined(table.max, left, (max, rest) => scaled(1 / Math.max(max, 1), rest)),
    bytesFreed: mapReading(freed, (entries) => scaled(table.entrySize.bytes, entries)),
    atOnce,
    pace: `they go ${goText(facts, atOnce)}`,
    basis: mapReading(sample, ({ read, total }) => (read >= total ? COUNTED : { basis: 'sample', read, total })),
  }
}

/** The part of the table that flows to these services hold, at the host itself or passing through it. */
function shareHeldBy(facts: Facts, services: readonly Service[]): Reading<Estimate> {
  const { sample } = facts.entries
  if (!sample.known) return sample
  const { read, total, byDestinationPort } = sample.value
  let held = 0
  for (const service of services) {
    const found = byDestinationPort.find((each) => each.protocol === service.protocol && each.port === service.port)
    if (found === undefined && byDestinationPort.length >= MOST_NAMED) {
      return unknown(`${service.port}/${service.protocol} is not among the ${MOST_NAMED} busiest ports of the sample`)
    }
    if (found?.local === null) return unknown("whether its flows end here is not known: the host's addresses")
    const part = found === undefined ? 0 : entriesHere(found)
    held += found !== undefined && service.forwarded ? found.entries - part : part
  }
  return known(shareOfTable(held, { read, total }))
}

function entriesHere({ entries, local }: PortShare): number {
  return Math.round(entries * (local ?? 0))
}

type Bound = { readonly binding: Binding; readonly vars: Vars }

function resized(facts: Facts, { tune }: Analysis, { binding, vars }: Bound): Resized {
  const table = tableSize(facts, tune)
  const wanted = (kind: string, pick: (want: unknown) => number | undefined, now: Reading<number>): Reading<number> => {
    if (binding.type !== 'bound') {
      // One step that cannot be worked out leaves the others' values as they are.
      const value = vars[kind === 'sysctl' ? 'max' : 'buckets']
      return typeof value === 'number' ? known(value) : unknown(causeOf(binding))
    }
    const found = binding.steps.flatMap((step) => (step.kind === kind ? (pick(step.want) ?? []) : []))
    return found[0] === undefined ? now : known(found[0])
  }
  const max = { from: table.max, to: wanted('sysctl', maxIn, table.max) }
  const buckets = {
    from: table.buckets,
    to: wanted('hash-size', (want) => number(want, 'buckets'), table.buckets),
  }
  const whenFull = combined(
    max.to,
    buckets.to,
    (entries, heads) => entries * table.entrySize.bytes + heads * bytesOfBucket(facts),
  )
  return {
    remedy: 'tune',
    max,
    buckets,
    demand: tune.demand,
    demandBecause: tune.demandBecause,
    fits: tune.fits,
    bytesWhenFull: whenFull,
    bytesMoreThanNow: combined(whenFull, table.bytes, (then, now) => Math.max(0, then - now)),
    entriesFreed: known(exactly(0)),
    entriesLeft: mapReading(table.entries, exactly),
    usageAfter: combined(max.to, table.entries, (limit, entries) => exactly(entries / Math.max(limit, 1))),
    bytesFreed: known(exactly(0)),
    atOnce: combined(max.from, max.to, (from, to) => to > from),
    pace: `none goes at once, and each keeps its old timeout until its next packet: ${drainText(facts)}`,
    basis: mapReading(table.entries, () => COUNTED),
  }
}

function goText(facts: Facts, atOnce: Reading<boolean>): string {
  if (!atOnce.known) return `at once, or as they run out (${atOnce.why}): ${drainText(facts)}`
  return atOnce.value ? 'at once: they are deleted' : `as they run out: ${drainText(facts)}`
}

/** How long entries stay that nobody deletes. */
function drainText(facts: Facts): string {
  const drain = drainOf(facts)
  if (drain.known) return drain.value.text
  const { timeouts } = facts.conntrack
  const seconds = timeouts.known ? timeouts.value.tcp_timeout_established : undefined
  if (seconds === undefined) return `how slowly cannot be told: ${drain.why}`
  return `an established TCP connection's goes after up to ${duration(seconds)}`
}

/** What is at the bottom of it, each once: the way there leads over many a variable of the playbook. */
function causeOf({ reasons }: Exclude<Binding, { readonly type: 'bound' }>): string {
  return [...new Set(reasons.map((reason) => reason.split(' is not known: ').at(-1) ?? reason))].join('; ')
}

function exactly(value: number): Estimate {
  return { value, low: value, high: value }
}

/** Entries and bytes are whole; shares are not. */
function scaled(by: number, { value, low, high }: Estimate): Estimate {
  const whole = (part: number) => (by < 1 ? part * by : Math.round(part * by))
  return { value: whole(value), low: whole(low), high: whole(high) }
}
