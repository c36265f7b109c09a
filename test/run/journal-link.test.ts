import { expect, test } from 'vitest'
import { parseJournal } from '../../src/journal/records.ts'
import { newSeenJournal, standingOf } from '../../src/run/journal-link.ts'

test.each([
  ['', null],
  ['1 armed\n2 intend 1 a\n3 done 1 b', null],
  ['1 refused drifted', 'refused'],
  ['1 armed\n2 applied', 'applied'],
  ['1 armed\n2 applied\n3 confirmed\n4 intend 2 a', 'applied'],
  ['1 armed\n2 applied\n3 confirmed\n4 committed', 'committed'],
  ['1 armed\n2 applied\n3 expired no confirmation came\n4 undone 1', 'applied'],
  ['1 armed\n2 failed 1 exit 1: applied\n3 rolled-back', 'rolled-back'],
  ['1 committed\n2 left 1 changed\n3 needs-hands', 'needs-hands'],
  ['1 needs-hands\n2 undone 1\n3 rolled-back', 'rolled-back'],
])('the journal %j stands at %s', (text, standing) => {
  expect(standingOf({ ...newSeenJournal('t'), records: [...parseJournal(text)] })).toBe(standing)
})
