import { bytes, counted, grouped, percent } from '../../diagnosis/numbers.ts'
import type { Basis, Effect, EntrySize, Estimate, FromTo, LeftOut, Resized } from '../../model/explanation.ts'
import { known, mapReading, type Reading } from '../../model/reading.ts'
import type { Verdict } from '../../model/verdict.ts'
import { becauseOf } from '../../playbook/sentence.ts'
import { serviceNames } from './port-table.ts'
import type { Row } from './rows.ts'

/** What the rows of an effect are about, besides the effect: its strategy's values, and whether it fits the host. */
type Beside = { readonly entrySize: EntrySize; readonly vars: Verdict['vars']; readonly fits: boolean }

/**
 * What a strategy would change in the table, as rows; numbers of a sample with their bounds. Of one that does not fit all of
 * it is said as what would be.
 */
export function effectRows(effect: Effect, beside: Beside): readonly Row[] {
  const { fits } = beside
  switch (effect.remedy) {
    case 'other':
      return [['in the table', `no change that can be foretold: ${effect.why}`]]
    case 'unload':
      return [
        ['entries', mapReading(effect.entriesFreed, ({ value }) => all(value, fits))],
        ['memory', freedText(effect.bytesFreed, beside, effect.form === 'modules' ? WITH_BUCKETS : KEEPS_BUCKETS)],
        ...endRows(effect),
      ]
    case 'notrack':
      return effect.services.length === 0
        ? [['ports', mapReading(effect.share, () => NO_PORT)]]
        : [...leftOutRows(effect, beside), ...endRows(effect)]
    case 'tune':
      return [...resizedRows(effect, beside), ...endRows(effect, '; what is needed is an estimate')]
  }
}

/** Whether its rows tell of a change. */
export function isForetold(effect: Effect): boolean {
  return effect.remedy !== 'other' && !(effect.remedy === 'notrack' && effect.services.length === 0)
}

const NO_PORT = 'none worth leaving out, see below; name some with --ports to see what they would free'
const WITH_BUCKETS = ', buckets included'
const KEEPS_BUCKETS = '; the buckets stay'

function leftOutRows(effect: LeftOut, beside: Beside): readonly Row[] {
  const names = serviceNames(effect.services)
  const go = beside.fits ? 'go' : 'would go'
  return [
    ['ports', mapReading(effect.share, (share) => `${names}: ${estimated(share, percent)} of all entries`)],
    ['entries', mapReading(effect.entriesFreed, (freed) => `${estimated(freed, grouped)} ${go}`)],
    ['left', mapReading(effect.entriesLeft, (left) => estimated(left, grouped))],
    ['table then', mapReading(effect.usageAfter, (usage) => `${estimated(usage, percent)} full`)],
    ['memory', freedText(effect.bytesFreed, beside, '')],
  ]
}

function resizedRows(effect: Resized, { entrySize, vars, fits }: Beside): readonly Row[] {
  const { bytesWhenFull, bytesMoreThanNow } = effect
  const memory = whole(bytesWhenFull, bytesMoreThanNow, (then, more) => {
    return `${bytes(then)} when full, ${bytes(more)} more than now${assumedText(entrySize)}`
  })
  const because = (name: string) => {
    const why = becauseOf(vars, name)
    return why === null ? '' : `: ${why}`
  }
  const stays = (entries: number) => {
    const stay = fits ? (entries === 1 ? 'stays' : 'stay') : 'would stay'
    return `${fits ? 'none goes' : 'none would go'}, ${counted(entries, 'entry', 'entries')} ${stay}`
  }
  return [
    ['max', mapReading(fromTo(effect.max, fits), (change) => change + because('max'))],
    ['buckets', mapReading(fromTo(effect.buckets, fits), (change) => change + because('buckets'))],
    ['needed', mapReading(effect.demand, (entries) => `${grouped(entries)} at once: ${effect.demandBecause}`)],
    ['memory has room', mapReading(effect.fits, (entries) => `for a table of ${counted(entries, 'entry', 'entries')}`)],
    ['entries', mapReading(effect.entriesLeft, ({ value }) => stays(value))],
    ['table then', mapReading(effect.usageAfter, (usage) => `${estimated(usage, percent)} full`)],
    ['memory', memory],
  ]
}

function endRows({ pace, basis }: Exclude<Effect, { readonly remedy: 'other' }>, more = ''): readonly Row[] {
  return [
    ['when', pace],
    ['how sure', mapReading(basis, (found) => basisText(found) + more)],
  ]
}

function basisText(basis: Basis): string {
  if (basis.basis === 'counted') return 'counted over the whole table'
  const { read, total } = basis
  return `from a sample of ${grouped(read)} of ${counted(total, 'entry', 'entries')}; the bounds hold with 95 % confidence`
}

function all(entries: number, fits: boolean): string {
  if (entries === 0) return 'there are none'
  const which = entries === 1 ? 'the one entry' : `all ${grouped(entries)}`
  const go = fits ? (entries === 1 ? 'goes' : 'go') : 'would go'
  return `${which} ${go}, and no new one ${fits ? 'comes' : 'would come'}`
}

/** `about 81 % (77 % to 84 %)`; without bounds where it was counted, or where they read the same. */
function estimated({ value, low, high }: Estimate, write: (value: number) => string): string {
  const [from, to] = [write(low), write(high)]
  return from === to ? write(value) : `about ${write(value)} (${from} to ${to})`
}

function freedText(freed: Reading<Estimate>, { entrySize, fits }: Beside, more: string): Reading<string> {
  const going = fits ? 'freed' : 'would be freed'
  return mapReading(freed, (size) => `${estimated(size, bytes)} ${going}${assumedText(entrySize)}${more}`)
}

function assumedText(entrySize: EntrySize): string {
  return entrySize.measured ? '' : `, at ${bytes(entrySize.bytes)} an entry (assumed)`
}

function fromTo({ from, to }: FromTo, fits: boolean): Reading<string> {
  return whole(from, to, (now, then) => {
    if (now === then) return `${grouped(now)}, ${fits ? 'stays' : 'would stay'}`
    return fits ? `${grouped(now)} → ${grouped(then)}` : `${grouped(now)}, would be ${grouped(then)}`
  })
}

function whole<A, B>(one: Reading<A>, other: Reading<B>, join: (a: A, b: B) => string): Reading<string> {
  if (!one.known) return one
  return other.known ? known(join(one.value, other.value)) : other
}
