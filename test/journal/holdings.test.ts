import { describe, expect, test } from 'vitest'
import { positionOf, toTakeBack, whyKept } from '../../src/journal/holdings.ts'
import type { HostTransaction } from '../../src/journal/listing.ts'
import { type JournalWord, parseJournal } from '../../src/journal/records.ts'

const ABOUT = {
  run: '20261126-0942-7f3a',
  by: 'ann@desk',
  at: '2026-11-26T09:42:00Z',
  host: 'web-1',
  plan: 'ab',
  strategy: 'tune',
  changes: ['set max'],
}

function holding(words: readonly string[], more: Partial<HostTransaction> = {}): HostTransaction {
  const records = parseJournal(words.map((word, at) => `${100 + at} ${word}`).join('\n'))
  return { id: 'a1', about: ABOUT, never: false, carried: false, restarted: false, records, ...more }
}

const MADE: readonly JournalWord[] = ['armed', 'intend', 'done', 'applied']

describe('how a transaction stands on its host', () => {
  test.each([
    ['never', holding([], { never: true })],
    ['refused', holding(['refused drifted'])],
    ['under-way', holding(['armed', 'intend 1'], { carried: true })],
    ['cut-off', holding(['armed', 'intend 1'])],
    ['under-way', holding(MADE, { carried: true })],
    ['cut-off', holding(MADE)],
    ['committed', holding([...MADE, 'confirmed', 'committed'])],
    ['committed', holding([...MADE, 'confirmed', 'committed'], { restarted: true })],
    ['kept', holding([...MADE, 'confirmed', 'committed until 900'], { carried: true })],
    ['cut-off', holding([...MADE, 'confirmed', 'committed until 900'])],
    ['gone', holding([...MADE, 'confirmed', 'committed until 900'], { restarted: true })],
    ['under-way', holding([...MADE, 'committed', 'undoing'], { carried: true })],
    ['rolled-back', holding([...MADE, 'expired', 'undoing', 'undone 1', 'rolled-back'])],
    ['needs-hands', holding([...MADE, 'committed', 'undoing', 'left 1 changed', 'needs-hands'])],
  ] as const)('%s', (position, transaction) => {
    expect(positionOf(transaction)).toBe(position)
  })
})

test('newest first, and only what an undo has something to do on', () => {
  const committed = [...MADE, 'committed']
  const all = [
    holding(committed, { id: 'old' }),
    holding(['refused drifted'], { id: 'refused' }),
    holding(committed, { id: 'new', records: parseJournal('500 armed\n501 committed') }),
    holding(MADE, { id: 'carried', carried: true }),
    holding(committed, { id: 'foreign', about: null }),
  ]
  expect(toTakeBack(all, undefined).map(({ id }) => id)).toEqual(['new', 'foreign', 'old'])
  expect(toTakeBack(all, '20261126').map(({ id }) => id)).toEqual(['new', 'old'])
  expect(toTakeBack(all, '2027')).toEqual([])
})

test('what is carried, cut off or half undone stays; a person may give up what is half undone', () => {
  const halfUndone = holding([...MADE, 'undoing', 'needs-hands'])
  expect(whyKept(holding([...MADE, 'committed']), false)).toBeNull()
  expect(whyKept(holding([], { never: true }), false)).toBeNull()
  expect(whyKept(holding(MADE, { carried: true }), true)?.code).toBe('locked')
  expect(whyKept(holding([...MADE, 'committed until 900'], { carried: true }), true)?.code).toBe('locked')
  expect(whyKept(holding(MADE), true)?.next).toContain(`ctfleet resume ${ABOUT.run}`)
  expect(whyKept(holding([...MADE, 'committed until 900']), true)?.next).toBe(
    'take it back first: on the host: sh /var/lib/ctfleet/a1/undo',
  )
  expect(whyKept(halfUndone, false)?.next).toContain('ctfleet clean --needs-hands')
  expect(whyKept(halfUndone, true)).toBeNull()
})
