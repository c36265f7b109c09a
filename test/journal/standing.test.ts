import { expect, test } from 'vitest'
import { parseJournal } from '../../src/journal/records.ts'
import { keptUntil, standingOf } from '../../src/journal/standing.ts'

test.each([
  ['', null],
  ['1 armed\n2 intend 1 a\n3 done 1 b', null],
  ['1 refused drifted', 'refused'],
  ['1 armed\n2 applied', 'applied'],
  ['1 armed\n2 applied\n3 confirmed\n4 intend 2 a', 'applied'],
  ['1 armed\n2 applied\n3 confirmed\n4 committed', 'committed'],
  ['1 armed\n2 applied\n3 confirmed\n4 committed until 1795651200', 'committed'],
  ['1 applied\n2 confirmed\n3 committed until 1795651200\n4 expired its time was over', null],
  ['1 armed\n2 applied\n3 expired no confirmation came\n4 undoing\n5 undone 1', null],
  ['1 armed\n2 failed 1 exit 1: applied\n3 undoing\n4 rolled-back', 'rolled-back'],
  ['1 committed\n2 undoing\n3 left 1 changed\n4 needs-hands', 'needs-hands'],
  ['1 needs-hands\n2 undoing\n3 undone 1\n4 rolled-back', 'rolled-back'],
  ['1 committed\n2 refused locked other', 'committed'],
  ['1 undoing\n2 stuck 1 exit 1\n3 needs-hands\n4 refused locked other', 'needs-hands'],
  ['1 committed\n2 undoing\n3 undone 1', null],
])('the journal %j stands at %s', (text, standing) => {
  expect(standingOf(parseJournal(text))).toBe(standing)
})

test.each([
  ['1 applied\n2 confirmed\n3 committed', null],
  ['1 applied\n2 confirmed\n3 committed until 1795651200', 1_795_651_200],
  ['1 committed until 1795651200\n2 refused locked other', 1_795_651_200],
  ['1 applied', null],
])('the change of %j is kept until %s', (text, until) => {
  expect(keptUntil(parseJournal(text))).toBe(until)
})
