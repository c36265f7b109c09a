import { bytes, counted, grouped, percent } from '../../diagnosis/numbers.ts'
import type { Basis, Effect, EntrySize, Estimate, FromTo, LeftOut, Resized } from '../../model/explanation.ts'
import { known, mapReading, type Reading } from '../../model/reading.ts'
import { serviceNames } from './port-table.ts'
import type { Row } from './rows.ts'

/** What a strategy would change in the table, as rows; numbers of a sample with their bounds. */
export function effectRows(effect: Effect, entrySize: EntrySize): readonly Row[] {
  switch (effect.remedy) {
    case 'other':
      return [['in the table', `no change that can be foretold: ${effect.why}`]]
    case 'unload':
      return [
        ['entries', mapReading(effect.entriesFreed, ({ value }) => all(value))],
        [
          'memory',
          freedText(
            effect.bytesFreed,
            entrySize,
            effect.form === 'modules' ? ', buckets included' : '; its buckets stay',
          ),
        ],
        ...endRows(effect),
      ]
    case 'notrack':
      return effect.services.length === 0
        ? [['ports', NO_PORT]]
        : [...leftOutRows(effect, entrySize), ...endRows(effect)]
    case 'tune':
      return [...resizedRows(effect, entrySize), ...endRows(effect, '; what is needed is an estimate')]
  }
}

const NO_PORT = 'none worth leaving out, see below; name some with --ports to see what they would free'

function leftOutRows(effect: LeftOut, entrySize: EntrySize): readonly Row[] {
  const names = serviceNames(effect.services)
  return [
    ['ports', mapReading(effect.share, (share) => `${names}: ${estimated(share, percent)} of all entries`)],
    ['entries', mapReading(effect.entriesFreed, (freed) => `${estimated(freed, grouped)} go`)],
    ['left', mapReading(effect.entriesLeft, (left) => estimated(left, grouped))],
    ['table then', mapReading(effect.usageAfter, (usage) => `${estimated(usage, percent)} full`)],
    ['memory', freedText(effect.bytesFreed, entrySize, '')],
  ]
}

function resizedRows(effect: Resized, entrySize: EntrySize): readonly Row[] {
  const { bytesWhenFull, bytesMoreThanNow } = effect
  const memory = whole(bytesWhenFull, bytesMoreThanNow, (then, more) => {
    return `${bytes(then)} when full, ${bytes(more)} more than now${assumedText(entrySize)}`
  })
  return [
    ['max', fromTo(effect.max)],
    ['buckets', fromTo(effect.buckets)],
    ['needed', mapReading(effect.demand, (entries) => `${grouped(entries)} at once: ${effect.demandBecause}`)],
    ['memory has room', mapReading(effect.fits, (entries) => `for a table of ${counted(entries, 'entry', 'entries')}`)],
    [
      'entries',
      mapReading(effect.entriesLeft, ({ value }) => `none goes, ${counted(value, 'entry stays', 'entries stay')}`),
    ],
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

function all(entries: number): string {
  if (entries === 0) return 'there are none'
  return `${entries === 1 ? 'the one entry goes' : `all ${grouped(entries)} go`}; none is left, none comes anew`
}

/** `about 81 % (77 % to 84 %)`; without bounds where it was counted, or where they read the same. */
function estimated({ value, low, high }: Estimate, write: (value: number) => string): string {
  const [from, to] = [write(low), write(high)]
  return from === to ? write(value) : `about ${write(value)} (${from} to ${to})`
}

function freedText(freed: Reading<Estimate>, entrySize: EntrySize, more: string): Reading<string> {
  return mapReading(freed, (size) => `${estimated(size, bytes)} freed${more}${assumedText(entrySize)}`)
}

function assumedText(entrySize: EntrySize): string {
  return entrySize.measured ? '' : `, at ${bytes(entrySize.bytes)} an entry (assumed)`
}

function fromTo({ from, to }: FromTo): Reading<string> {
  return whole(from, to, (now, then) =>
    now === then ? `${grouped(now)}, stays` : `${grouped(now)} → ${grouped(then)}`,
  )
}

function whole<A, B>(one: Reading<A>, other: Reading<B>, join: (a: A, b: B) => string): Reading<string> {
  if (!one.known) return one
  return other.known ? known(join(one.value, other.value)) : other
}
