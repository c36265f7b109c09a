import { fc, test as law } from '@fast-check/vitest'
import { describe, expect, test } from 'vitest'
import { JOURNAL_WORDS, parseJournal, parseRecord } from '../../src/journal/records.ts'

describe('a journal record', () => {
  law.prop([fc.string()])('is read or not, whatever the line is', (line) => {
    const record = parseRecord(line)
    if (record !== null) expect(JOURNAL_WORDS).toContain(record.word)
  })

  law.prop([
    fc.nat({ max: 999_999_999_999 }),
    fc.constantFrom(...JOURNAL_WORDS),
    fc.option(fc.nat({ max: 9999 })),
    fc
      .string({ unit: fc.constantFrom('a', 'b', ' ', '(', ':', ')', '-', '!', '1'), maxLength: 40 })
      .map((text) => text.trim())
      // A detail that begins with a number would be read as that of a change; the script writes none like it.
      .filter((text) => !/^\d/.test(text)),
  ])('reads back as it was written', (at, word, change, detail) => {
    const line = [at, word, change, detail === '' ? null : detail].filter((part) => part !== null).join(' ')
    expect(parseRecord(line)).toEqual({ at, word, change, detail })
  })

  test.each([
    '',
    'armed',
    '12 armedx',
    '12  armed',
    ' 12 armed',
    '12 armed\n',
    'x 12 armed',
    '1234567890123 armed',
    '12 constructor',
  ])('is not %j', (line) => expect(parseRecord(line)).toBeNull())

  test('keeps the whole detail, exit code and all', () => {
    expect(parseRecord('1700000000 failed 2 exit 3: iptables: no chain')).toEqual({
      at: 1_700_000_000,
      word: 'failed',
      change: 2,
      detail: 'exit 3: iptables: no chain',
    })
    expect(parseRecord('5 refused locked 7f3a')).toMatchObject({ word: 'refused', change: null, detail: 'locked 7f3a' })
  })
})

test('a journal cut in the middle of a line loses that line alone', () => {
  expect(parseJournal('1 armed\n2 intend 1 aa\n3 do').map(({ word }) => word)).toEqual(['armed', 'intend'])
})
